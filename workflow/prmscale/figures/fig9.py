"""Figure 9: tokens spent on labels → how good they are, one line or point a method, where the truth
is known.

The study's own figure on step 2 of ASLAF. Above, the share of steps and of first errors that are
labelled as in truth; K rollouts a prefix are a line over K, counted exactly from those of the
largest K (`analysis.label_costs`). Below, how often a step is right by the share of its rollouts
that are: on the diagonal a value is a probability. A bin of fewer than ten steps is not drawn; the
calibration error (ECE) counts all of them. Tokens are all that a method spent, also on what it
could not label; where that is something, its point says which share of the solutions it labels.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from prmscale.analysis import label_costs
from prmscale.errors import UserError
from prmscale.figures import panels, style

METHODS = {
    "monte_carlo": ("K rollouts a prefix", style.Look(style.BLUE, "o", "-")),
    "adaptive": ("adaptive rollouts", style.Look(style.VERMILION, "s", (0, (5, 1.5)), 4.5)),
    "binary_search": ("binary search", style.Look(style.GREEN, "^", (0, (3, 1, 1, 1)), 5.0)),
    "omega": ("OmegaPRM's tree", style.Look(style.PURPLE, "D", (0, (1, 1)), 4.0)),
    "consensus": (
        "consensus of policies",
        style.Look(style.ORANGE, "v", (0, (6, 1, 1, 1, 1, 1)), 5.0),
    ),
}
ROWS = {
    "accuracy": "steps labelled\nas in truth (%)",
    "first_error": "first errors placed\nas in truth (%)",
}
FLOOR = {"accuracy": 0.5, "first_error": 0.0}  # where the axis starts, unless something lies lower
FEW = 10  # steps


def draw(
    tables: Sequence[pd.DataFrame], spent: Sequence[pd.DataFrame], level: float
) -> tuple[Figure, pd.DataFrame]:
    """The figure and what it draws: rows of `label_costs.points` and of `label_costs.reliability`,
    by `part`.
    """
    problems = label_costs.by_problem(tables, spent)
    if problems.empty:
        raise UserError(
            "fig9: labels by rollouts of problems whose steps' truth is known are wanted; there "
            "are none"
        )
    points = label_costs.points(problems, level)
    values = label_costs.reliability(tables)
    values = values[values["n"] >= FEW]

    with style.applied():
        figure, axes = _panels(points)
        for dataset, (*above, below) in axes.items():
            own = points[points["dataset"] == dataset]
            for measure, axis in zip(ROWS, above, strict=True):
                _costs(axis, own[own["measure"] == measure])
                axis.set_ylim(
                    min(FLOOR[measure], points.loc[points["measure"] == measure, "low"].min()), 1.09
                )
            _reliability(below, values[values["dataset"] == dataset])
        every = {
            f"{dataset} {row}": axis
            for dataset, column in axes.items()
            for row, axis in enumerate(column)
        }
        panels.finish(figure, every)
    return figure, pd.concat(
        [points.assign(part="cost"), values.assign(part="reliability")], ignore_index=True
    )


def _panels(points: pd.DataFrame) -> tuple[Figure, dict[str, list[Axes]]]:
    """For each data set a column of three panels."""
    sizes = {str(name): n for name, n in points.groupby("dataset")["n"].max().items()}
    figure = Figure(figsize=(style.FULL_WIDTH, 6.2), layout="constrained")
    every = figure.subplots(len(ROWS) + 1, len(sizes), squeeze=False)
    axes = {name: list(every[:, column]) for column, name in enumerate(sizes)}
    for number, (name, column) in enumerate(axes.items()):
        column[0].set_title(f"{name} ({sizes[name]} problems)")
        for axis, label in zip(column, [*ROWS.values(), "steps that are right (%)"], strict=True):
            panels.percent(axis.yaxis)
            if number == 0:
                axis.set_ylabel(label)
        column[-2].set_xlabel("tokens spent a labelled solution")
        column[-1].set_xlabel("value of the label: share of right rollouts (%)")
    return figure, axes


def _costs(axis: Axes, points: pd.DataFrame) -> None:
    """Quality over tokens: a line with K at its points, or a single point."""
    for method, (name, look) in METHODS.items():
        rows = points[points["method"] == method].sort_values("tokens")
        if rows.empty:
            continue
        spread = [rows["mean"] - rows["low"], rows["high"] - rows["mean"]]
        axis.errorbar(
            rows["tokens"],
            rows["mean"],
            yerr=spread,
            label=name,
            elinewidth=0.9,
            zorder=3,
            **look.options,
        )
        for _, row in rows.iterrows():
            if len(rows) > 1:
                below = (row["tokens"], row["low"])
                axis.annotate(
                    f"K = {row['k']}",
                    below,
                    (0, -2),
                    textcoords="offset points",
                    ha="center",
                    va="top",
                    size=6,
                )
            if row["labelled"] < 1:
                above, text = (
                    (row["tokens"], row["high"]),
                    f"{100 * row['labelled']:.0f} % labelled",
                )
                axis.annotate(
                    text,
                    above,
                    (0, 2),
                    textcoords="offset points",
                    ha="center",
                    va="bottom",
                    size=6,
                )
    panels.costs_axis(axis)


def _reliability(axis: Axes, values: pd.DataFrame) -> None:
    """How often steps are right, bin by bin of the value, and the calibration error of each method."""
    axis.plot([0, 1], [0, 1], color=style.GREY, linewidth=0.8, linestyle=(0, (1, 1.2)), zorder=1)
    errors = []
    for method, (_, look) in METHODS.items():
        rows = values[values["method"] == method].sort_values("value")
        if rows.empty:
            continue
        axis.plot(rows["value"], rows["right"], zorder=3, **look.options)
        errors.append((rows["calibration_error"].iloc[0], look.colour))
    for line, (error, colour) in enumerate(reversed(errors)):
        axis.annotate(
            f"ECE {100 * error:.0f} "
            "%", (0.98, 0.04 + 0.1 * line), xycoords="axes fraction", ha="right", color=colour,
            size=style.RC["legend.fontsize"],
        )  # fmt: skip
    panels.percent(axis.xaxis)
    axis.xaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
