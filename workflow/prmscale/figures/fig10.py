"""Figure 10: how well each reward model finds the first wrong step of a solution (F1).

F1 is the harmonic mean of the accuracies on erroneous and on right solutions, by the protocol of
ProcessBench (arXiv 2412.06559). The solutions are the policy's first samples of each test problem,
whose truth is known. Intervals are over problems and training seeds; controls are open circles.
Each reward model's threshold was chosen on validation solutions. On ProcessBench's own subsets,
where a study has them, crosses are the published numbers of released reward models. The study's own
figure; the paper has no such points.
"""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prmscale.analysis import first_errors as protocol
from prmscale.analysis.models import OUTCOMES, is_marked, name_labels
from prmscale.analysis.verdicts import Rules
from prmscale.errors import UserError
from prmscale.figures import panels, style
from prmscale.results import Results

SUBSETS = {  # ours: ProcessBench's
    "ProcessBench gsm8k": "GSM8K",
    "ProcessBench math": "MATH",
    "ProcessBench olympiadbench": "OlympiadBench",
    "ProcessBench omnimath": "Omni-MATH",
}
LOOKS = {  # of groups that look alike in every study
    "control": style.Look(style.GREY, "o", ""),
    "reported": style.Look(style.BLACK, "x", ""),
}


def draw(results: Results, rules: Rules) -> tuple[Figure, pd.DataFrame]:
    """The figure and its table: reward models by size, then training data; controls come last."""
    if results.first_errors.empty:
        raise UserError(
            "fig10: no solution whose first wrong step is known. Name a generated data set in the "
            "first of search.evaluations, or give search.first_errors.process_bench"
        )
    measured = protocol.f1(results.first_errors, rules.level)
    measured = _facts(results.reward_models).merge(measured, on="reward_model")
    published = _select_published(results.read_reported("fig10"), set(measured["dataset"]))
    data = pd.concat([measured.sort_values("place"), published], ignore_index=True)
    if data.empty:  # the policy is never right, or never wrong
        why = "no F1: the solutions whose first wrong step is known are all right, or all wrong"
        return panels.explain(why), data.drop(columns="place")
    with style.apply():
        names = list(dict.fromkeys(data["reward_model"]))
        figure, axes = panels.rows_of_dots(data, names, "F1 of the first wrong step (%)")
        groups = list(dict.fromkeys(data["group"]))
        looks = {group: style.look(place) for place, group in enumerate(groups)} | LOOKS
        for (dataset, group), rows in data.groupby(["dataset", "group"]):
            _draw_dots(axes[str(dataset)], rows, names, looks[group], str(group))
        for axis in axes.values():
            axis.set_xlim(-0.02, 1.02)
        panels.finish(figure, axes)
    return figure, data.drop(columns="place")


def _facts(reward_models: pd.DataFrame) -> pd.DataFrame:
    """Name, group in the legend and place of each reward model."""
    rows = reward_models.drop_duplicates("reward_model").copy()
    control = is_marked(rows, "untrained") | is_marked(rows, "shuffled")
    rows["group"] = name_labels(rows["labels"])
    rows.loc[rows["supervise"] == "outcome", "group"] = OUTCOMES
    rows.loc[is_marked(rows, "released"), "group"] = "released"
    rows.loc[control, "group"] = "control"
    facts = ["base_parameters", "base_tokens", "train_on", "labels", "training_set"]
    rows = rows.assign(control=control)
    rows = rows.sort_values(["control", *facts, "reward_model"], ignore_index=True)
    rows = rows.assign(place=range(len(rows)))
    return rows[["reward_model", "base_parameters", "train_on", "group", "place"]]


def _select_published(reported: pd.DataFrame | None, datasets: set[str]) -> pd.DataFrame:
    """The published numbers of ProcessBench's subsets among these data sets."""
    if reported is None:
        return pd.DataFrame()
    names = {theirs: ours for ours, theirs in SUBSETS.items() if ours in datasets}
    rows = reported[reported["dataset"].isin(names)]
    return pd.DataFrame(
        {
            "reward_model": rows["reward_model"],
            "group": "reported",
            "dataset": rows["dataset"].map(names),
            "mean": rows["f1"] / 100,
        }
    )


def _draw_dots(
    axis: Axes, data: pd.DataFrame, names: list[str], look: style.Look, group: str
) -> None:
    """F1 with its interval of the reward models of a group, each at the height of its name."""
    y = data["reward_model"].map(names.index)
    axis.hlines(y, data["low"], data["high"], color=look.colour, linewidth=1.2, zorder=2)
    face = "white" if group == "control" else look.colour
    options = look.options | {"linestyle": "", "markerfacecolor": face}
    axis.plot(data["mean"], y, label=group, zorder=3, **options)
