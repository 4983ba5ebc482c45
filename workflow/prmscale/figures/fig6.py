"""Figure 6: the scores of each step of a right and of a wrong response by PRM-Math and PRM-Code.

Dots are means over training seeds; thin lines span from the lowest to the highest. The steps' text
is coloured by its truth where that is known. A rule picks one problem of each test set, so that the
example is neither the best nor the worst: the problem with the median margin (of an even number the
lower one). The margin is the aggregated score of the first right sample less that of the first
wrong sample, averaged over both reward models; only problems with a right and a wrong sample among
the first N are eligible. The paper's figure 6 shows one right response that the authors picked and
prints no numbers.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from prmscale.analysis.patterns import solution_scores
from prmscale.analysis.verdicts import Rules
from prmscale.errors import UserError
from prmscale.figures import style
from prmscale.results import Results

NAMES = {"math": "PRM-Math", "code": "PRM-Code"}
LINE = 44  # characters of a step that are shown
TRUTH = {1.0: ("right step", style.BLACK), 0.0: ("wrong step, or after one", style.VERMILION)}
UNKNOWN = style.GREY
LOOKS = {"math": style.LOOKS[0], "code": style.LOOKS[2]}
RESPONSE = ["dataset", "problem_id", "correct", "solution_id"]
BY = [*RESPONSE, "step", "text", "truth", "role", "reward_model"]


def draw(results: Results, rules: Rules) -> tuple[Figure, pd.DataFrame]:
    """The figure and its table: a row for each step and reward model."""
    chosen = choose_responses(results.scores, rules.aggregation)
    if chosen.empty:
        raise UserError(
            "fig6: needs step scores of reward models with the roles math and code, and a problem "
            "with a right and a wrong sample. Give rewards.models[].role, or leave fig6 out of "
            "analysis.figures"
        )
    scores = results.scores.merge(chosen).groupby(BY, dropna=False)["score"]
    data = scores.agg(score="mean", lowest="min", highest="max").reset_index()
    with style.apply():
        return _draw_panels(data), data


def choose_responses(scores: pd.DataFrame, aggregation: str) -> pd.DataFrame:
    """The two responses shown of each test set: dataset, problem_id, solution_id."""
    each = solution_scores(scores, [*RESPONSE, "role", "replicate"], aggregation)
    means = each.groupby(RESPONSE).mean().reset_index()
    first = means.drop_duplicates(RESPONSE[:3])  # sorted: the first right and the first wrong
    wide = first.pivot(index=RESPONSE[:2], columns="correct", values="score")
    wide = wide.reindex(columns=[False, True]).dropna()
    margins = (wide[True] - wide[False]).rename("margin").reset_index()
    margins = margins.sort_values(["margin", "problem_id"])
    median = margins.groupby("dataset")["problem_id"].agg(
        lambda names: names.iloc[(len(names) - 1) // 2]
    )
    return first[first["problem_id"].isin(median)][["dataset", "problem_id", "solution_id"]]


def _draw_panels(data: pd.DataFrame) -> Figure:
    """A row of panels for each test set: the right response at the left, the wrong at the right."""
    names = list(dict.fromkeys(data["dataset"]))
    steps = data.groupby(["dataset", "solution_id"])["step"].max().groupby("dataset").max() + 1
    heights = [0.2 * steps[name] + 0.2 for name in names]
    size = (style.full_width(), sum(heights) + 0.55 * len(names) + 0.7)
    figure = Figure(figsize=size, layout="constrained")
    every = figure.subplots(len(names), 2, squeeze=False, height_ratios=heights, sharex=True)
    for name, pair in zip(names, every, strict=True):
        for axis, correct in zip(pair, (True, False), strict=True):
            response = data[(data["dataset"] == name) & (data["correct"] == correct)]
            # the title spans the steps' texts as well: it is wider than the panel
            axis.set_title(f"{name}: {'right' if correct else 'wrong'} response", loc="right")
            _draw_response(axis, response)
            if name == names[-1]:
                axis.set_xlabel("score of the step")
    _add_legend(figure, data["truth"].isna().any())
    return figure


def _add_legend(figure: Figure, unknown: bool) -> None:
    """The reward models, and what the colours of the steps' texts mean."""
    entries = {NAMES[role]: Line2D([], [], **look.options) for role, look in LOOKS.items()}
    colours = dict(TRUTH.values())
    if unknown:
        colours["step of unknown truth"] = UNKNOWN
    for name, colour in colours.items():
        entries[name] = Line2D([], [], color=colour, marker="s", linestyle="")
    figure.legend(
        list(entries.values()), list(entries), loc="outside lower center", ncols=len(entries)
    )


def _draw_response(axis: Axes, response: pd.DataFrame) -> None:
    """The scores of both reward models from the first step, at the top, to the last."""
    for shift, (role, look) in zip((-0.1, 0.1), LOOKS.items(), strict=True):
        scores = response[response["role"] == role].sort_values("step")
        y = scores["step"] + shift
        axis.plot(scores["score"], y, zorder=3, **look.options)
        axis.hlines(
            y, scores["lowest"], scores["highest"], color=look.colour, linewidth=0.7, zorder=2
        )
    steps = response.drop_duplicates("step").sort_values("step")
    texts = [_shorten(text) for text in steps["text"]]
    # as it was written: a step of mathematics is often no formula that matplotlib can set
    axis.set_yticks(
        steps["step"],
        texts,
        fontfamily="DejaVu Sans Mono",
        fontsize=style.points(6),
        parse_math=False,
    )
    for label, truth in zip(axis.get_yticklabels(), steps["truth"], strict=True):
        label.set_color(UNKNOWN if np.isnan(truth) else TRUTH[float(truth)][1])
    axis.set_ylim(len(steps) - 0.5, -0.5)
    axis.set_xlim(-0.03, 1.03)
    axis.axvline(0.5, color=style.GREY, linewidth=0.5, zorder=1)
    axis.spines[["top", "right"]].set_visible(False)


def _shorten(text: str) -> str:
    """A step as a single line of at most LINE characters."""
    line = text.strip("\n").replace("\n", " ")
    return line if len(line) <= LINE else f"{line[: LINE - 1]}…"
