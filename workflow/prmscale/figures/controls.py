"""Controls: every way of choosing one of n solutions → accuracy on test problems, at the largest n.

Intervals are over problems and training seeds. Open circles know no label (one sample, random,
majority, self-certainty, likelihood) or learnt nothing (untrained reward models, and those trained
on shuffled labels); likelihood is the sum, mean or minimum over token log-probabilities, of the
policy and of the largest pre-trained base. Diamonds are process reward models, the bar is what is
possible (pass@n), and the dotted line is one sample. The paper has no such figure.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prmscale.analysis import selection
from prmscale.analysis.controls import BOUND, CONTROL, PRM, selections
from prmscale.analysis.estimates import curve
from prmscale.analysis.verdicts import Rules
from prmscale.errors import UserError
from prmscale.figures import panels, style
from prmscale.results import Results

BY = ["dataset", "place", "selection", "group", "budget"]
LOOKS = {  # colour, marker and whether it is filled
    CONTROL: ("control: no label, or nothing learnt", style.GREY, "o", "none"),
    PRM: ("process reward model", style.BLUE, "D", "full"),
    BOUND: ("oracle: any of the samples is right", style.BLACK, "|", "full"),
}


def draw(results: Results, rules: Rules) -> tuple[Figure, pd.DataFrame]:
    """The figure and its table; a way of choosing that was not measured has no row."""
    rows = selection.final(selection.first_policy(results.search))
    if rows.empty:
        raise UserError("controls: no row of the search table is left to draw")
    other = (rows["strategy"] == "best_of_n") & (rows["aggregation"] != rules.aggregation)
    rows = rows[~other]
    top = panels.largest_budget(rows, "controls")
    rows = rows[(rows["budget"] == top) | (rows["strategy"] == "one_sample")]
    data = curve(selections(rows, results.reward_models), BY, level=rules.level)
    with style.apply():
        figure = _draw_panels(data, top)
    return figure, panels.tidy(data.drop(columns="place"), str(rows["policy"].iloc[0]), [])


def _draw_panels(data: pd.DataFrame, top: int) -> Figure:
    """A panel for each data set, with a row for each selection and lines between groups."""
    names = data.sort_values("place").drop_duplicates("selection")[["selection", "group"]]
    heights = {name: i for i, name in enumerate(names["selection"])}
    groups = list(names["group"])
    borders = [i for i in range(1, len(groups)) if groups[i] != groups[i - 1]]
    figure, axes = panels.rows_of_dots(data, list(heights), f"accuracy (%), n = {top}")
    for dataset, axis in axes.items():
        shown = data[data["dataset"] == dataset]
        _draw_dots(axis, shown, heights)
        for mean in shown.loc[shown["selection"] == "one sample", "mean"]:
            axis.axvline(mean, color=style.GREY, linestyle=(0, (1, 1.2)), linewidth=0.9, zorder=1)
        for border in borders:
            axis.axhline(border - 0.5, color=style.GREY, linewidth=0.5, zorder=1)
    panels.finish(figure, axes)
    return figure


def _draw_dots(axis: Axes, data: pd.DataFrame, heights: dict[str, int]) -> None:
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
