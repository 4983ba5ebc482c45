"""Figure 9: tokens spent on the labels of a solution → how good the labels are.

Above, the share of steps, and in the middle the share of first errors, that are labelled as in
truth: a line or a point for each method of labelling, with intervals over problems. Results for
fewer rollouts than the largest K are computed exactly from the rollouts of the largest K. Tokens
are all that a method spent, also on solutions that it could not label; its point then says which
share of the solutions it labels. OmegaPRM's tree labels its own rollouts, and only those whose
first error it has located; the other methods label the same sampled solutions. Relative progress,
advantage and denoised labels are readings of K rollouts a prefix, charged with those that they
need. Below, how often a step is right by the value of its label (bins of ten steps or more), with
the expected calibration error (ECE) over all bins: on the diagonal a value is a probability. The
study's own figure, for generated problems, whose truth is known.
"""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from prmscale.analysis import label_costs
from prmscale.analysis.verdicts import Rules
from prmscale.errors import UserError
from prmscale.figures import panels, style
from prmscale.results import Results

METHODS = {
    "monte_carlo": ("K rollouts a prefix", style.Look(style.BLUE, "o", "-")),
    "adaptive": ("adaptive rollouts", style.Look(style.VERMILION, "s", (0, (5, 1.5)), 4.5)),
    "binary_search": ("binary search", style.Look(style.GREEN, "^", (0, (3, 1, 1, 1)), 5.0)),
    "omega": ("OmegaPRM's tree", style.Look(style.PURPLE, "D", (0, (1, 1)), 4.0)),
    "consensus": (
        "consensus of policies",
        style.Look(style.ORANGE, "v", (0, (6, 1, 1, 1, 1, 1)), 5.0),
    ),
    "progress": ("relative progress", style.Look(style.SKY, "P", (0, (2, 1.5)), 4.5)),
    "advantage": ("advantage under a prover", style.Look(style.WINE, "X", (0, (3, 1, 1, 1)), 4.5)),
    "denoised": ("denoised (SCAN)", style.Look(style.SAND, "*", (0, (7, 1.5, 2, 1.5)), 6.0)),
}
ROWS = {
    "accuracy": "steps labelled\nas in truth (%)",
    "first_error": "first errors placed\nas in truth (%)",
}
FLOOR = {"accuracy": 0.5, "first_error": 0.0}  # where the axis starts, unless something lies lower
FEW = 10  # steps


def draw(results: Results, rules: Rules) -> tuple[Figure, pd.DataFrame]:
    """The figure, and its costs and reliability (`analysis.label_costs`) by the column `part`."""
    problems = label_costs.tabulate_problems(results.labels, results.spending)
    if problems.empty:
        raise UserError(
            "fig9: needs labels by rollouts of problems whose steps' truth is known; there are none"
        )
    points = label_costs.points(problems, rules.level)
    values = label_costs.reliability(results.labels)
    values = values[values["n"] >= FEW]
    with style.apply():
        figure, axes = _make_panels(points)
        for dataset, (*above, below) in axes.items():
            for measure, axis in zip(ROWS, above, strict=True):
                measured = points[points["measure"] == measure]
                _draw_costs(axis, measured[measured["dataset"] == dataset])
                axis.set_ylim(min(FLOOR[measure], measured["low"].min()), 1.09)
            _draw_reliability(below, values[values["dataset"] == dataset])
        named = {
            f"{dataset} {row}": axis
            for dataset, column in axes.items()
            for row, axis in enumerate(column)
        }
        panels.finish(figure, named)
    parts = [points.assign(part="cost"), values.assign(part="reliability")]
    return figure, pd.concat(parts, ignore_index=True)


def _list_methods(points: pd.DataFrame) -> dict[str, tuple[str, style.Look]]:
    """Name and look of each method: those above, then those of plugins in the points."""
    others = sorted(set(points["method"]) - set(METHODS))
    return METHODS | {name: (name.replace("_", " "), style.pick_spare(name)) for name in others}


def _make_panels(points: pd.DataFrame) -> tuple[Figure, dict[str, list[Axes]]]:
    """A column of three panels for each data set."""
    sizes = {str(name): n for name, n in points.groupby("dataset")["n"].max().items()}
    figure = Figure(figsize=(style.full_width(), 6.2), layout="constrained")
    every = figure.subplots(len(ROWS) + 1, len(sizes), squeeze=False)
    axes = {name: list(every[:, column]) for column, name in enumerate(sizes)}
    for number, (name, column) in enumerate(axes.items()):
        column[0].set_title(f"{name} ({sizes[name]} problems)")
        for axis, label in zip(column, [*ROWS.values(), "steps that are right (%)"], strict=True):
            panels.percent(axis.yaxis)
            if number == 0:
                axis.set_ylabel(label)
        column[-2].set_xlabel("tokens spent a labelled solution")
        column[-1].set_xlabel("value of the label (%)")
    return figure, axes


def _draw_costs(axis: Axes, points: pd.DataFrame) -> None:
    """Quality over tokens: for each method a line with K at its points, or a single point."""
    for method, (name, look) in _list_methods(points).items():
        rows = points[points["method"] == method].sort_values("tokens")
        if rows.empty:
            continue
        spread = [rows["mean"] - rows["low"], rows["high"] - rows["mean"]]
        x, y = rows["tokens"], rows["mean"]
        axis.errorbar(x, y, yerr=spread, label=name, elinewidth=0.9, zorder=3, **look.options)
        for _, row in rows.iterrows():
            if len(rows) > 1:
                _write(axis, f"K = {row['k']}", (row["tokens"], row["low"]), above=False)
            if row["labelled"] < 1:
                text = f"{100 * row['labelled']:.0f} % labelled"
                _write(axis, text, (row["tokens"], row["high"]), above=True)
    panels.costs_axis(axis)


def _write(axis: Axes, text: str, at: tuple[float, float], above: bool) -> None:
    """A small text just above or below a place of the panel."""
    offset, side = ((0, 2), "bottom") if above else ((0, -2), "top")
    axis.annotate(
        text, at, offset, textcoords="offset points", ha="center", va=side, size=style.points(6)
    )


def _draw_reliability(axis: Axes, values: pd.DataFrame) -> None:
    """How often steps are right by the value of the label, and each method's calibration error."""
    axis.plot([0, 1], [0, 1], color=style.GREY, linewidth=0.8, linestyle=(0, (1, 1.2)), zorder=1)
    errors = []
    for method, (_, look) in _list_methods(values).items():
        rows = values[values["method"] == method].sort_values("value")
        if rows.empty:
            continue
        axis.plot(rows["value"], rows["right"], zorder=3, **look.options)
        errors.append((rows["calibration_error"].iloc[0], look.colour))
    for line, (error, colour) in enumerate(reversed(errors)):
        axis.annotate(
            f"ECE {100 * error:.0f} %", (1.05, 0.04 + 0.1 * line), color=colour,
            xycoords=("data", "axes fraction"), size=style.points(7),
        )  # fmt: skip
    axis.set_xlim(-0.05, 1.33)  # room for the errors beside the lines
    panels.percent(axis.xaxis)
    axis.xaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
