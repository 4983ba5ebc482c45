"""Controls: every way of picking one of n solutions → accuracy, at the largest n.

What a reward model must beat stands beside it: choices that know nothing of labels (one sample,
random, majority, likelihood of the policy and of the largest base, self-certainty), reward models
that learnt nothing (untrained, or trained on shuffled labels), and above all of them what is
possible (pass@n). The paper has no such figure.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prmscale.analysis.controls import BOUND, CONTROL, PRM, list_selections
from prmscale.analysis.estimates import curve
from prmscale.analysis.rows import keep_final, keep_first_policy
from prmscale.errors import UserError
from prmscale.figures import panels, style

BY = ["dataset", "place", "selection", "group", "budget"]
LOOKS = {  # colour, marker and whether it is filled
    CONTROL: ("control: no label, or nothing learnt", style.GREY, "o", "none"),
    PRM: ("process reward model", style.BLUE, "D", "full"),
    BOUND: ("oracle: any of the samples is right", style.BLACK, "|", "full"),
}


def draw(
    search: pd.DataFrame,
    reward_models: pd.DataFrame,
    reported: pd.DataFrame | None,
    level: float,
    aggregation: str,
) -> tuple[Figure, pd.DataFrame]:
    """The figure and what it draws; a selection that was not measured has no row."""
    rows = keep_final(keep_first_policy(search))
    if rows.empty:
        raise UserError("controls: no row of the search table is left to draw")
    rows = rows[(rows["strategy"] != "best_of_n") | (rows["aggregation"] == aggregation)]
    top = panels.largest_budget(rows, "controls")
    chosen = list_selections(
        rows[(rows["budget"] == top) | (rows["strategy"] == "one_sample")], reward_models
    )
    data = curve(chosen, BY, level=level)

    with style.applied():
        names = data.sort_values("place").drop_duplicates("selection")[["selection", "group"]]
        heights = {name: i for i, name in enumerate(names["selection"])}
        figure, axes = panels.rows_of_dots(data, list(heights), f"accuracy (%), n = {top}")
        for dataset, axis in axes.items():
            _dots(axis, data[data["dataset"] == dataset], heights)
            _one_sample(axis, data[data["dataset"] == dataset])
            groups = list(names["group"])
            for i in range(1, len(groups)):
                if groups[i] != groups[i - 1]:
                    axis.axhline(i - 0.5, color=style.GREY, linewidth=0.5, zorder=1)
        panels.finish(figure, axes)
    return figure, panels.tidy(data.drop(columns="place"), str(rows["policy"].iloc[0]), [])


def _dots(axis: Axes, data: pd.DataFrame, heights: dict[str, int]) -> None:
    """Each selection's accuracy with its interval."""
    for group, (label, colour, marker, fill) in LOOKS.items():
        rows = data[data["group"] == group].sort_values("place")
        if rows.empty:
            continue
        y = rows["selection"].map(heights)
        axis.hlines(y, rows["low"], rows["high"], color=colour, linewidth=1.2, zorder=2)
        face = "white" if fill == "none" else colour
        shape: dict[str, Any] = {"marker": marker, "markerfacecolor": face, "markersize": 4.5}
        axis.plot(rows["mean"], y, linestyle="", color=colour, label=label, zorder=3, **shape)


def _one_sample(axis: Axes, data: pd.DataFrame) -> None:
    """A line down the panel at what one sample gives: what every selection must beat."""
    for mean in data.loc[data["selection"] == "one sample", "mean"]:
        axis.axvline(mean, color=style.GREY, linestyle=(0, (1, 1.2)), linewidth=0.9, zorder=1)
