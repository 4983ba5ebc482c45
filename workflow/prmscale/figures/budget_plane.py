"""Accuracy over the FLOPs of pre-training and of reward-model training: the lower panels of figure
7.

Points are what was measured; the fitted law (`analysis.law`) stands behind them with its lines of
equal accuracy, in the points' convex hull alone. Along lines of equal total lies the best split
with its interval.
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
CELLS = 40  # of the law's grid along each axis
MEASURED, SURFACE, SPLIT = "point", "law", "best split"  # parts of what is drawn


def colours(planes: list[Points]) -> ScalarMappable:
    """One scale of accuracies for all panels."""
    every = np.concatenate([each.means[0] for each in planes])
    return ScalarMappable(Normalize(every.min(), every.max()), COLOURS)


def draw_plane(axis: Axes, own: Points, shade: ScalarMappable, rules: Rules) -> pd.DataFrame:
    """The law over both budgets, the points, and the best split of some totals; returns what is
    drawn.
    """
    cells = _cells(own.budgets)
    surface = law.fit(law.LAW, own.budgets, own.means).accuracy(cells)[0]
    triangles = Triangulation(np.log(cells.pretraining), np.log(cells.training)).triangles
    plane = Triangulation(cells.pretraining, cells.training, triangles)
    norm = Normalize(*shade.get_clim())
    levels = MaxNLocator(10).tick_values(*shade.get_clim())
    axis.tricontourf(plane, surface, levels, cmap=shade.cmap, norm=norm)
    lines = axis.tricontour(plane, surface, levels, colors="white", linewidths=0.6)
    for text in axis.clabel(
        lines, fmt=lambda value: f"{100 * value:g}", fontsize=6.5, colors=style.BLACK
    ):
        text.set_path_effects([withStroke(linewidth=1.5, foreground="white")])
    axis.scatter(
        own.budgets.pretraining, own.budgets.training, 22, own.means[0], cmap=shade.cmap, norm=norm,
        edgecolors="white", linewidths=0.7, zorder=4, label="measured (colour: accuracy)",
    )  # fmt: skip
    splits = tradeoff.best_shares(own, rules)
    _equal_totals(axis, splits, f"{rules.level:.0%} interval of the best split")
    best = law.spend(splits["total"].to_numpy(), splits["share"].to_numpy())
    axis.plot(
        best.pretraining, best.training, color=style.VERMILION, marker="D", markersize=4.5, zorder=6,
        label="best split by the law",
    )  # fmt: skip
    axis.use_sticky_edges = False
    panels.costs_axis(axis)
    panels.costs_axis(axis, which="y")
    return _drawn(own, cells, surface, splits, best)


def _cells(budgets: law.Budgets) -> law.Budgets:
    """Where the law is drawn: a grid over the convex hull of the points, on logarithmic axes, and
    its edge.
    """
    logs = np.log([budgets.pretraining, budgets.training]).T
    corners = logs[ConvexHull(logs).vertices]
    edge = np.concatenate([np.linspace(a, b, CELLS) for a, b in pairwise([*corners, corners[0]])])
    ticks = (np.linspace(each.min(), each.max(), CELLS) for each in logs.T)
    grid = np.stack(np.meshgrid(*ticks), axis=-1).reshape(-1, 2)
    inside = grid[law.within(budgets, law.Budgets(*np.exp(grid.T)))]
    return law.Budgets(*np.exp(np.unique(np.concatenate([inside, edge]).round(9), axis=0).T))


def _equal_totals(axis: Axes, splits: pd.DataFrame, interval: str) -> None:
    """Lines of equal total, and on each the interval of its best split."""
    dashes: dict[str, Any] = {
        "linewidth": 0.9,
        "linestyle": (0, (2, 1.5)),
        "label": "equal total, as far as measured",
    }
    thick: dict[str, Any] = {"linewidth": 2.2, "label": interval}
    for row in splits.to_dict("records"):
        for low, high, look in (
            (row["least"], row["most"], dashes),
            (row["low"], row["high"], thick),
        ):
            if np.isnan(
                [low, high]
            ).any():  # a split at the end of those measured, which nothing moves
                continue
            along = law.spend(row["total"], np.geomspace(low, high, CELLS))
            halo = [withStroke(linewidth=look["linewidth"] + 1, foreground="white", alpha=0.6)]
            axis.plot(
                along.pretraining,
                along.training,
                color=style.BLACK,
                zorder=5,
                path_effects=halo,
                **look,
            )


def _drawn(
    own: Points, cells: law.Budgets, surface: Array, splits: pd.DataFrame, best: law.Budgets
) -> pd.DataFrame:
    """What a plane shows: one row a point, a place of the law or a total."""
    parts = [
        pd.DataFrame(
            {
                "part": part,
                "base_flops": at.pretraining,
                "train_flops": at.training,
                "mean": accuracy,
            }
        )
        for part, at, accuracy in (
            (MEASURED, own.budgets, own.means[0]),
            (SURFACE, cells, surface),
            (SPLIT, best, splits["accuracy"]),
        )
    ]
    parts[0] = parts[0].assign(base=own.bases, base_parameters=own.sizes)
    parts[2] = parts[2].join(
        splits[["total", "share", "low", "high", "least", "most"]].add_prefix("split_")
    )
    n = {"n": own.values.shape[0], "seeds": own.values.shape[1]}
    return pd.concat(parts, ignore_index=True).assign(dataset=own.dataset, **n)
