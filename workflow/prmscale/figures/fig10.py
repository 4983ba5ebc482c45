"""Figure 10: F1 of every reward model at naming a solution's first wrong step, by the protocol of
ProcessBench.

Ours beyond the paper. F1 is the harmonic mean of the accuracies on erroneous and on right solutions
(arXiv 2412.06559). On the subsets of ProcessBench itself, published numbers of released reward
models stand beside ours.
"""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prmscale.analysis import first_errors as protocol
from prmscale.analysis.models import is_marked
from prmscale.errors import UserError
from prmscale.figures import panels, style

SUBSETS = {  # ours: ProcessBench's
    "ProcessBench gsm8k": "GSM8K",
    "ProcessBench math": "MATH",
    "ProcessBench olympiadbench": "OlympiadBench",
    "ProcessBench omnimath": "Omni-MATH",
}
CONTROL = style.Look(style.GREY, "o", "")
REPORTED = style.Look(style.BLACK, "x", "")


def draw(
    search: pd.DataFrame,
    reward_models: pd.DataFrame,
    reported: pd.DataFrame | None,
    level: float,
    aggregation: str,
    first_errors: pd.DataFrame,
) -> tuple[Figure, pd.DataFrame]:
    """The figure and what it draws; reward models in order of size, then of their training data,
    controls last.
    """
    if first_errors.empty:
        raise UserError(
            "fig10: no solution whose first wrong step is known: it wants a generated data set "
            "among the first of search.evaluations, or search.first_errors.process_bench"
        )
    data = protocol.f1(first_errors, level)
    facts = _facts(reward_models).merge(data, on="reward_model")
    theirs = _published(reported, set(data["dataset"]))
    data = pd.concat([facts.sort_values("place"), theirs], ignore_index=True)

    with style.applied():
        names = list(dict.fromkeys(data["reward_model"]))
        figure, axes = panels.rows_of_dots(data, names, "F1 of the first wrong step (%)")
        groups = list(dict.fromkeys(data["group"]))
        for (dataset, group), own in data.groupby(["dataset", "group"]):
            look = {"control": CONTROL, "reported": REPORTED}.get(str(group)) or style.look(
                groups.index(group)
            )
            _dots(axes[str(dataset)], own, names, look, str(group))
        for axis in axes.values():
            axis.set_xlim(-0.02, 1.02)
        panels.finish(figure, axes)
    return figure, data.drop(columns="place")


def _facts(reward_models: pd.DataFrame) -> pd.DataFrame:
    """Name, group in the legend and place of each reward model."""
    rows = reward_models.drop_duplicates("reward_model").copy()
    control = is_marked(rows, "untrained") | is_marked(rows, "shuffled")
    rows["group"] = rows["labels"].str.replace("monte_carlo", "Monte-Carlo") + " labels"
    rows.loc[is_marked(rows, "released"), "group"] = "released"
    rows.loc[control, "group"] = "control"
    order = [
        "control",
        "base_parameters",
        "base_tokens",
        "train_on",
        "labels",
        "training_set",
        "reward_model",
    ]
    rows = rows.assign(control=control).sort_values(order, ignore_index=True)
    return rows.assign(place=range(len(rows)))[
        ["reward_model", "base_parameters", "train_on", "group", "place"]
    ]


def _published(reported: pd.DataFrame | None, datasets: set[str]) -> pd.DataFrame:
    """The published numbers of ProcessBench's subsets among these data sets."""
    if reported is None:
        return pd.DataFrame()
    own = {theirs: ours for ours, theirs in SUBSETS.items() if ours in datasets}
    rows = reported[reported["dataset"].isin(own)]
    return pd.DataFrame(
        {
            "reward_model": rows["reward_model"],
            "group": "reported",
            "dataset": rows["dataset"].map(own),
            "mean": rows["f1"] / 100,
        }
    )


def _dots(axis: Axes, data: pd.DataFrame, names: list[str], look: style.Look, label: str) -> None:
    """The F1 of reward models of one group with its intervals, each at the height of its name."""
    y = data["reward_model"].map(names.index)
    axis.hlines(y, data["low"], data["high"], color=look.colour, linewidth=1.2, zorder=2)
    face = "white" if label == "control" else look.colour
    axis.plot(
        data["mean"],
        y,
        **{**look.options, "linestyle": ""},
        markerfacecolor=face,
        label=label,
        zorder=3,
    )
