"""Figure 7: how pre-training of the base and training of the reward model share a compute budget.

The study's own figure. Above: pre-training tokens of the base → accuracy of best-of-n at the largest n, one line a
size, with the reward model fully trained (the axis shows tokens, which a line has in common with the others where FLOPs
also differ by size; the CSV holds both). Below, where enough was measured: accuracy over the FLOPs of both trainings,
as points and as the fitted law (`analysis.law`) with its lines of equal accuracy; along lines of equal total, the best
split with its interval. The law is shown nowhere beyond the points' convex hull.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from matplotlib.tri import Triangulation
from scipy.spatial import ConvexHull

from prmscale.analysis import law, selection, tradeoff
from prmscale.analysis.bootstrap import Array, curve
from prmscale.analysis.tradeoff import Points
from prmscale.analysis.verdicts import Rules
from prmscale.errors import UserError
from prmscale.figures import panels, style

BY = ["dataset", "strategy", "base_parameters", "base_tokens", "base_flops", "budget"]
COLOURS = "cividis"  # made to look alike to the colour-blind; dark is low
CELLS = 40  # of the law's grid along each axis
LINES, MEASURED, SURFACE, SPLIT = "accuracy along pre-training", "point", "law", "best split"


def draw(
    search: pd.DataFrame,
    reward_models: pd.DataFrame,
    reported: pd.DataFrame | None,
    level: float,
    draws: int,
    seed: int,
    aggregation: str,
) -> tuple[Figure, pd.DataFrame]:
    """The figure and what it draws, by the column `part`; sizes with one pre-training budget are single points."""
    own = selection.first_policy(search)
    models = selection.budgets(reward_models)
    if models.groupby("base_parameters")["base_tokens"].nunique().max() < 2 or models.empty:
        raise UserError(
            "fig7: reward models whose bases are one language model at two checkpoints of its pre-training or more "
            "(base: NAME@PERCENT), alike in all else, are wanted; there are "
            f"{', '.join(dict.fromkeys(models['reward_model'])) or 'none'}"
        )
    rules = Rules(0.0, aggregation, level=level, draws=draws, seed=seed)
    data, top = _along_pretraining(own, models, rules)
    planes = [each for each in tradeoff.points(own, reward_models, aggregation) if each.enough]

    with style.applied():
        figure, above, below = _panels(data, top, planes)
        panels.level_controls(above, data, top)
        lines = data[data["strategy"] == "best_of_n"]
        sizes = sorted(lines["base_parameters"].unique())
        for (dataset, size), points in lines.groupby(["dataset", "base_parameters"]):
            label = f"PRM of {panels.count(float(str(size)))} parameters"
            panels.line(above[str(dataset)], points, "base_tokens", style.look(sizes.index(size)), label)
        for axis in above.values():
            panels.powers_axis(axis, lines["base_tokens"], "count")
        surfaces = []
        if planes:
            every = np.concatenate([each.means[0] for each in planes])
            shade = ScalarMappable(Normalize(every.min(), every.max()), COLOURS)
            surfaces = [_plane(below[each.dataset], each, shade, rules) for each in planes]
            bar = figure.colorbar(shade, ax=list(below.values()), label="accuracy (%)", pad=0.01)
            panels.percent(bar.ax.yaxis)
        panels.finish(figure, {**above, **{f"{name} below": axis for name, axis in below.items()}})
    tidy = panels.tidy(data, str(own["policy"].iloc[0]), ["base_parameters", "base_tokens", "base_flops"])
    every = pd.concat([tidy.assign(part=LINES), *surfaces], ignore_index=True)
    return figure, every.assign(policy=tidy["policy"].iloc[0])


def _along_pretraining(own: pd.DataFrame, models: pd.DataFrame, rules: Rules) -> tuple[pd.DataFrame, int]:
    """Accuracies of fully trained reward models and of controls at the largest budget, and that budget."""
    rows = selection.final(own)
    scored = selection.best_of_n(rows, models["reward_model"], rules.aggregation)
    top = panels.largest_budget(scored, "fig7")
    scored = scored[scored["budget"] == top]
    facts = {column: scored["reward_model"].map(selection.fact(models, column)) for column in BY[2:5]}
    checks = selection.controls(rows, ["one_sample", "majority", "likelihood"], [top])
    both = pd.concat([scored.assign(**facts), checks.assign(**dict.fromkeys(facts, 0.0))])
    return curve(both, BY, level=rules.level, draws=rules.draws, seed=rules.seed), top


def _panels(data: pd.DataFrame, top: int, planes: list[Points]) -> tuple[Figure, dict[str, Axes], dict[str, Axes]]:
    """A panel of lines for each data set, two side by side, and below it that of the plane where there is one."""
    sizes = {str(name): int(n.max()) for name, n in data.groupby("dataset")["n"]}
    columns = min(panels.COLUMNS, len(sizes))
    bands = -(-len(sizes) // columns)
    kinds = 2 if planes else 1
    width = style.FULL_WIDTH if columns > 1 else style.COLUMN_WIDTH
    figure = Figure(figsize=(width, bands * (2.3 + 2.9 * (kinds - 1)) + 1.0), layout="constrained")
    every = figure.subplots(kinds * bands, columns, squeeze=False, height_ratios=[2.3, 2.9][:kinds] * bands)
    above, below = {}, {}
    for number in range(bands * columns):
        band, column = divmod(number, columns)
        cells = every[kinds * band : kinds * (band + 1), column]
        name = list(sizes)[number] if number < len(sizes) else ""
        if name:
            above[name] = cells[0]
            cells[0].set_title(f"{name} ({sizes[name]} problems)")
            cells[0].set_xlabel("pre-training tokens of the base")
            panels.percent(cells[0].yaxis)
        if name in {each.dataset for each in planes}:
            below[name] = cells[1]
            cells[1].set_xlabel("pre-training of the base (FLOPs)")
        for cell in cells[bool(name) + (name in below) :]:
            cell.remove()
        if column == 0:
            cells[0].set_ylabel(f"accuracy of best-of-{top} (%)")
            if name in below:
                cells[1].set_ylabel("training of the PRM (FLOPs)")
    return figure, above, below


def _plane(axis: Axes, own: Points, shade: ScalarMappable, rules: Rules) -> pd.DataFrame:
    """The law over both budgets, the points, and the best split of some totals; returns what is drawn."""
    cells = _cells(own.budgets)
    surface = law.fit(law.LAW, own.budgets, own.means).accuracy(cells)[0]
    triangles = Triangulation(np.log(cells.pretraining), np.log(cells.training)).triangles
    plane = Triangulation(cells.pretraining, cells.training, triangles)
    levels = MaxNLocator(10).tick_values(*shade.get_clim())
    axis.tricontourf(plane, surface, levels, cmap=shade.cmap, norm=shade.norm)
    lines = axis.tricontour(plane, surface, levels, colors="white", linewidths=0.6)
    for text in axis.clabel(lines, fmt=lambda value: f"{100 * value:g}", fontsize=6.5, colors=style.BLACK):
        text.set_path_effects([withStroke(linewidth=1.5, foreground="white")])
    axis.scatter(
        own.budgets.pretraining, own.budgets.training, 22, own.means[0], cmap=shade.cmap, norm=shade.norm,
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
    for which in ("x", "y"):
        panels.costs_axis(axis, which=which)
    return _drawn(own, cells, surface, splits, best)


def _cells(budgets: law.Budgets) -> law.Budgets:
    """Where the law is drawn: a grid over the convex hull of the points, on logarithmic axes, and its edge."""
    logs = np.log([budgets.pretraining, budgets.training]).T
    corners = logs[ConvexHull(logs).vertices]
    edge = np.concatenate([np.linspace(a, b, CELLS) for a, b in pairwise([*corners, corners[0]])])
    grid = np.stack(np.meshgrid(*(np.linspace(each.min(), each.max(), CELLS) for each in logs.T)), axis=-1).reshape(
        -1, 2
    )
    inside = grid[law.within(budgets, law.Budgets(*np.exp(grid.T)))]
    return law.Budgets(*np.exp(np.unique(np.concatenate([inside, edge]).round(9), axis=0).T))


def _equal_totals(axis: Axes, splits: pd.DataFrame, name: str) -> None:
    """Lines of equal total, and on each the interval of its best split."""
    for number, row in enumerate(splits.itertuples()):
        whole = (row.least, row.most, {"linewidth": 0.9, "linestyle": (0, (2, 1.5))}, "equal total, as far as measured")
        part = (row.low, row.high, {"linewidth": 2.2}, name)
        for low, high, look, label in (whole, part):
            along = law.spend(row.total, np.geomspace(low, high, CELLS))
            label = "" if number else label
            axis.plot(along.pretraining, along.training, color=style.BLACK, zorder=5, label=label, **look)


def _drawn(own: Points, cells: law.Budgets, surface: Array, splits: pd.DataFrame, best: law.Budgets) -> pd.DataFrame:
    """What a plane shows: one row a point, a place of the law or a total."""
    parts = [
        pd.DataFrame({"part": part, "base_flops": at.pretraining, "train_flops": at.training, "mean": accuracy})
        for part, at, accuracy in (
            (MEASURED, own.budgets, own.means[0]),
            (SURFACE, cells, surface),
            (SPLIT, best, splits["accuracy"]),
        )
    ]
    parts[0] = parts[0].assign(base=own.bases, base_parameters=own.sizes)
    parts[2] = parts[2].join(splits[["total", "share", "low", "high", "least", "most"]].add_prefix("split_"))
    n = {"n": own.values.shape[0], "seeds": own.values.shape[1]}
    return pd.concat(parts, ignore_index=True).assign(dataset=own.dataset, **n)
