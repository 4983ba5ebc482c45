"""Accuracy over the FLOPs of pre-training and of reward-model training: lower panels of figure 7.

Points are measured; the fitted scaling law (`analysis.scaling_law`) stands behind them with its
lines of equal accuracy, within the points' convex hull. Along lines of equal total lies the best
split with its interval.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from matplotlib.tri import Triangulation
from scipy.spatial import ConvexHull

from prmscale.analysis import scaling_law as law
from prmscale.analysis import tradeoff
from prmscale.analysis.estimates import Array
from prmscale.analysis.tradeoff import Points
from prmscale.analysis.verdicts import Rules
from prmscale.figures import panels, style

COLOURS = "cividis"  # made to look alike to the colour-blind; dark is low
CELLS = 40  # of the scaling law's grid along each axis
MEASURED, SURFACE, SPLIT = "point", "law", "best split"  # parts of what is drawn


def colours(planes: list[Points]) -> ScalarMappable:
    """The scale of colours for the accuracies of all panels."""
    every = np.concatenate([points.means[0] for points in planes])
    return ScalarMappable(Normalize(every.min(), every.max()), COLOURS)


def draw_plane(axis: Axes, points: Points, shade: ScalarMappable, rules: Rules) -> pd.DataFrame:
    """Draw the scaling law over both budgets, the points and the best split of some totals.

    Returns the table of what is drawn.
    """
    cells = _cells(points.budgets)
    surface = law.fit(law.LAW, points.budgets, points.means).accuracy(cells)[0]
    triangles = Triangulation(np.log(cells.pretraining), np.log(cells.training)).triangles
    plane = Triangulation(cells.pretraining, cells.training, triangles)
    norm = Normalize(*shade.get_clim())
    levels = MaxNLocator(10).tick_values(*shade.get_clim())
    axis.tricontourf(plane, surface, levels, cmap=shade.cmap, norm=norm)
    lines = axis.tricontour(plane, surface, levels, colors="white", linewidths=0.6)
    for text in axis.clabel(
        lines, fmt=lambda value: f"{100 * value:g}", fontsize=style.points(6.5), colors=style.BLACK
    ):
        text.set_path_effects([withStroke(linewidth=1.5, foreground="white")])
    spent = points.budgets
    axis.scatter(
        spent.pretraining, spent.training, 22, points.means[0], cmap=shade.cmap, norm=norm,
        edgecolors="white", linewidths=0.7, zorder=4, label="measured (colour: accuracy)",
    )  # fmt: skip
    splits = tradeoff.best_shares(points, rules)
    _draw_totals(axis, splits, f"{rules.level:.0%} interval of the best split")
    best = law.spend(splits["total"].to_numpy(), splits["share"].to_numpy())
    axis.plot(
        best.pretraining, best.training, color=style.VERMILION, marker="D", markersize=4.5,
        zorder=6, label="best split by the scaling law",
    )  # fmt: skip
    axis.use_sticky_edges = False
    panels.costs_axis(axis)
    panels.costs_axis(axis, which="y")
    return _tabulate(points, cells, surface, splits, best)


def _cells(budgets: law.Budgets) -> law.Budgets:
    """The grid of the law: inside the points' convex hull on log axes, and along its edge."""
    logs = np.log([budgets.pretraining, budgets.training]).T
    corners = logs[ConvexHull(logs).vertices]
    edge = np.concatenate([np.linspace(a, b, CELLS) for a, b in pairwise([*corners, corners[0]])])
    ticks = (np.linspace(log.min(), log.max(), CELLS) for log in logs.T)
    grid = np.stack(np.meshgrid(*ticks), axis=-1).reshape(-1, 2)
    inside = grid[law.is_within(budgets, law.Budgets(*np.exp(grid.T)))]
    return law.Budgets(*np.exp(np.unique(np.concatenate([inside, edge]).round(9), axis=0).T))


def _draw_totals(axis: Axes, splits: pd.DataFrame, interval: str) -> None:
    """Lines of equal total, and on each line the interval of its best split."""
    dashes: dict[str, Any] = {
        "linewidth": 0.9,
        "linestyle": (0, (2, 1.5)),
        "label": "equal total, as far as measured",
    }
    thick: dict[str, Any] = {"linewidth": 2.2, "label": interval}
    for row in splits.to_dict("records"):
        _draw_total(axis, row["total"], (row["least"], row["most"]), dashes)
        _draw_total(axis, row["total"], (row["low"], row["high"]), thick)


def _draw_total(
    axis: Axes, total: float, shares: tuple[float, float], options: dict[str, Any]
) -> None:
    """A line between two shares of a total; nothing where a share is unknown (NaN).

    The interval of a split at the end of the measured range is unknown.
    """
    if np.isnan(shares).any():
        return
    budgets = law.spend(total, np.geomspace(*shares, CELLS))
    halo = [withStroke(linewidth=options["linewidth"] + 1, foreground="white", alpha=0.6)]
    axis.plot(
        budgets.pretraining,
        budgets.training,
        color=style.BLACK,
        zorder=5,
        path_effects=halo,
        **options,
    )


def _tabulate(
    points: Points, cells: law.Budgets, surface: Array, splits: pd.DataFrame, best: law.Budgets
) -> pd.DataFrame:
    """What a plane shows: a row for each point, place of the law and total."""
    parts = [
        _part(MEASURED, points.budgets, points.means[0]),
        _part(SURFACE, cells, surface),
        _part(SPLIT, best, splits["accuracy"]),
    ]
    parts[0] = parts[0].assign(base=points.bases, base_parameters=points.sizes)
    columns = ["total", "share", "low", "high", "least", "most"]
    parts[2] = parts[2].join(splits[columns].add_prefix("split_"))
    n, seeds = points.values.shape[:2]
    return pd.concat(parts, ignore_index=True).assign(dataset=points.dataset, n=n, seeds=seeds)


def _part(part: str, budgets: law.Budgets, accuracy: Array | pd.Series) -> pd.DataFrame:
    """Accuracies at budgets, as one part of the table."""
    spent = {"base_flops": budgets.pretraining, "train_flops": budgets.training}
    return pd.DataFrame({"part": part, **spent, "mean": accuracy})
