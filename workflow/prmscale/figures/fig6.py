"""Figure 6: what PRM-Math and PRM-Code say of each step of a right and of a wrong response, with
the steps' text.

The paper shows the scores along one right response that it picked. Here a rule picks, so that the
example is neither the best nor the worst: of every test set the problem with the median margin,
which is the aggregated score of the first right sample less that of the first wrong one, averaged
over both reward models and their trainings; of an even number the lower median, among problems with
a right and a wrong sample among the first N.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from prmscale.analysis.patterns import solution_scores
from prmscale.errors import UserError
from prmscale.figures import style

NAMES = {"math": "PRM-Math", "code": "PRM-Code"}
LINE = 44  # characters of a step that are shown
TRUTH = {1.0: ("right step", style.BLACK), 0.0: ("wrong step, or after one", style.VERMILION)}
UNKNOWN = style.GREY
LOOKS = {"math": style.LOOKS[0], "code": style.LOOKS[2]}


def draw(
    scores: pd.DataFrame,
    reward_models: pd.DataFrame,
    reported: pd.DataFrame | None,
    level: float,
    aggregation: str,
) -> tuple[Figure, pd.DataFrame]:
    """The figure and what it draws: a row for each step and reward model, its score averaged over
    the trainings.
    """
    chosen = typical(scores, aggregation)
    if chosen.empty:
        raise UserError(
            "fig6: step scores of reward models with the roles math and code are wanted, and a "
            "problem with a right and a wrong sample. Give rewards.models[].role, or leave fig6 "
            "out of analysis.figures"
        )
    by = [
        "dataset",
        "problem_id",
        "correct",
        "solution_id",
        "step",
        "text",
        "truth",
        "role",
        "reward_model",
    ]
    own = scores.merge(chosen)
    data = own.groupby(by, dropna=False)["score"].agg(["mean", "min", "max"]).reset_index()
    data = data.rename(columns={"mean": "score", "min": "lowest", "max": "highest"})
    with style.applied():
        return _picture(data), data


def typical(scores: pd.DataFrame, aggregation: str) -> pd.DataFrame:
    """The two responses to show of each test set: dataset, problem_id, solution_id."""
    by = ["dataset", "problem_id", "correct", "solution_id"]
    each = solution_scores(scores, [*by, "role", "replicate"], aggregation)
    first = (
        each.groupby(by).mean().reset_index().drop_duplicates(by[:3])
    )  # sorted: the first draw of each kind
    wide = (
        first.pivot(index=by[:2], columns="correct", values="score")
        .reindex(columns=[False, True])
        .dropna()
    )
    margins = (
        (wide[True] - wide[False])
        .rename("margin")
        .reset_index()
        .sort_values(["margin", "problem_id"])
    )
    middle = margins.groupby("dataset")["problem_id"].agg(
        lambda names: names.iloc[(len(names) - 1) // 2]
    )
    return first[first["problem_id"].isin(middle)][["dataset", "problem_id", "solution_id"]]


def _picture(data: pd.DataFrame) -> Figure:
    """One row of panels a test set: the right response at the left, the wrong one at the right."""
    sets = list(dict.fromkeys(data["dataset"]))
    steps = data.groupby(["dataset", "solution_id"])["step"].max().groupby("dataset").max() + 1
    heights = [0.2 * steps[name] + 0.2 for name in sets]
    size = (style.FULL_WIDTH, sum(heights) + 0.55 * len(sets) + 0.7)
    figure = Figure(figsize=size, layout="constrained")
    every = figure.subplots(len(sets), 2, squeeze=False, height_ratios=heights, sharex=True)
    for row, name in enumerate(sets):
        own = data[data["dataset"] == name]
        for axis, correct in zip(every[row], (True, False), strict=True):
            response = own[own["correct"] == correct]
            # over the steps' texts as well: it is wider than the panel
            axis.set_title(f"{name}: {'right' if correct else 'wrong'} response", loc="right")
            _response(axis, response)
            if row == len(sets) - 1:
                axis.set_xlabel("score of the step")
    marks = [
        (look[0], Line2D([], [], color=look[1], marker="s", linestyle=""))
        for look in TRUTH.values()
    ]
    if data["truth"].isna().any():
        marks.append(
            ("step of unknown truth", Line2D([], [], color=UNKNOWN, marker="s", linestyle=""))
        )
    entries = [
        (NAMES[role], Line2D([], [], **look.options)) for role, look in LOOKS.items()
    ] + marks
    names, handles = zip(*entries, strict=True)
    figure.legend(handles, names, loc="outside lower center", ncols=len(entries))
    return figure


def _response(axis: Axes, response: pd.DataFrame) -> None:
    """The scores of both reward models from the first step, at the top, to the last; thin lines
    span the trainings.
    """
    for shift, (role, look) in zip((-0.1, 0.1), LOOKS.items(), strict=True):
        own = response[response["role"] == role].sort_values("step")
        y = own["step"] + shift
        axis.plot(own["score"], y, zorder=3, **look.options)
        axis.hlines(y, own["lowest"], own["highest"], color=look.colour, linewidth=0.7, zorder=2)
    steps = response.drop_duplicates("step").sort_values("step")
    said = [text.strip("\n").replace("\n", " ") for text in steps["text"]]
    texts = [text if len(text) <= LINE else f"{text[: LINE - 1]}…" for text in said]
    # as it was written: a step of mathematics is often no formula that matplotlib can set
    axis.set_yticks(
        steps["step"], texts, fontfamily="DejaVu Sans Mono", fontsize=6, parse_math=False
    )
    for label, truth in zip(axis.get_yticklabels(), steps["truth"], strict=True):
        label.set_color(UNKNOWN if np.isnan(truth) else TRUTH[float(truth)][1])
    axis.set_ylim(len(steps) - 0.5, -0.5)
    axis.set_xlim(-0.03, 1.03)
    axis.axvline(0.5, color=style.GREY, linewidth=0.5, zorder=1)
    axis.spines[["top", "right"]].set_visible(False)
