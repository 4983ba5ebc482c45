"""Figure 8: which search strategy wins at which budget and difficulty, and from which budget on
each leads best-of-n.

The study's own figure on the paper's Observation 3, which speaks of all problems together.
Strategies are compared at tokens spent. Above, a cell names a strategy only where its lead over
every other one is certain; elsewhere it holds the marks of those that may be the best, each at its
place (`crossover.winners`). Below stand the crossovers with best-of-n and their intervals; arrows
point to what lies beyond what was spent. One sample's worth is left out, since nothing is chosen
there. Rows and looks are those of figure 4.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from prmscale.analysis import crossover, strategies
from prmscale.analysis.rows import keep_first_policy
from prmscale.analysis.strategies import NAMES
from prmscale.errors import UserError
from prmscale.figures import panels, strategy_lines, style

ABREAST = 5  # marks of strategies beside each other in a cell without a winner
CELL = 0.27  # inches, the height of a cell
UNDECIDED = "#F1F1F1"
BAR = "|"  # the mark of a strategy whose lines have none


def draw(
    search: pd.DataFrame,
    reward_models: pd.DataFrame,
    reported: pd.DataFrame | None,
    level: float,
    aggregation: str,
) -> tuple[Figure, pd.DataFrame]:
    """The figure and what it draws: rows of `crossover.winners` and of `crossover.crossovers`, by
    the column `part`.
    """
    rows = strategies.require_compared(
        keep_first_policy(search), reward_models, aggregation, "fig8"
    )
    cells = crossover.winners(rows, level)
    lines = crossover.crossovers(rows, level)
    if lines.empty:
        raise UserError(
            "fig8: best-of-n by the reward model that guides the tree search, and a strategy at "
            "the same budgets, are wanted; the search table has "
            f"{', '.join(sorted(set(rows['strategy'])))}. Add best_of_n to search.strategies"
        )

    with style.applied():
        names = [name for name in NAMES if name in set(lines["strategy"])]
        figure, axes = _panels(rows, cells["difficulty"].nunique(), names)
        for dataset, (above, below) in axes.items():
            own = cells[cells["dataset"] == dataset]
            budgets = sorted(int(budget) for budget in own["budget"].unique())
            _grid(above, own, budgets)
            _forest(below, lines[lines["dataset"] == dataset], names, budgets)
        _legend(figure, level, strategy_lines.note(rows, reward_models, figure.get_figwidth()))
    data = pd.concat(
        [cells.assign(part="winner"), lines.assign(part="crossover")], ignore_index=True
    )
    data = data.assign(policy=rows["policy"].iloc[0], reward_model=strategy_lines.guide_name(rows))
    first = ["policy", "reward_model", "part"]
    return figure, data[[*first, *(column for column in data if column not in first)]]


def _panels(
    rows: pd.DataFrame, difficulties: int, names: list[str]
) -> tuple[Figure, dict[str, tuple[Axes, Axes]]]:
    """A grid's panel above a forest's for each data set, two data sets side by side; names at the
    left ones alone.
    """
    sizes = {str(name): int(own["problem_id"].nunique()) for name, own in rows.groupby("dataset")}
    columns = min(panels.COLUMNS, len(sizes))
    bands = -(-len(sizes) // columns)
    heights = [CELL * difficulties + 0.1, 0.21 * len(names) + 0.1]
    width = style.FULL_WIDTH if columns > 1 else 0.7 * style.FULL_WIDTH  # names in cells want room
    figure = Figure(figsize=(width, bands * (sum(heights) + 1.0) + 0.8), layout="constrained")
    every = figure.subplots(2 * bands, columns, squeeze=False, height_ratios=heights * bands)
    axes = {}
    for number in range(bands * columns):
        band, column = divmod(number, columns)
        above, below = every[2 * band, column], every[2 * band + 1, column]
        if number >= len(sizes):
            above.remove()
            below.remove()
            continue
        dataset, n = list(sizes.items())[number]
        axes[dataset] = above, below
        above.set_title(f"{dataset} ({n} problems)")
        below.set_xlabel("tokens spent (samples' worth)")
        below.set_yticks(
            [-i for i in range(len(names))], [_label(name) if column == 0 else "" for name in names]
        )
        below.set_ylim(-len(names) + 0.4, 0.8)
        below.tick_params(
            axis="y", pad=12
        )  # the strategies' marks stand between their names and the panel
        if column == 0:
            above.set_ylabel("difficulty\n(problems)")
            below.set_ylabel("leads best-of-n (BoN) from …")
    return figure, axes


def _label(strategy: str) -> str:
    """A strategy's name, and what cells call it where that is no part of it."""
    short = style.STRATEGIES[strategy][0]
    return (
        NAMES[strategy]
        if short.lower() in NAMES[strategy].lower()
        else f"{NAMES[strategy]} ({short})"
    )


def _grid(axis: Axes, cells: pd.DataFrame, budgets: list[int]) -> None:
    """Budget × difficulty, each cell with its winner or with those that may be it; all problems
    together at the top.
    """
    labels = list(dict.fromkeys(cells["difficulty"]))
    labels = [*(label for label in labels if label != crossover.EVERY), crossover.EVERY]
    for _, cell in cells.iterrows():
        x, y = budgets.index(cell["budget"]), labels.index(cell["difficulty"])
        short, look = style.STRATEGIES.get(cell["winner"], ("", None))
        face = to_rgb(look.colour if look else UNDECIDED)
        axis.add_patch(
            Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=face, edgecolor="white", linewidth=1.2)
        )
        if short:
            axis.text(
                x,
                y,
                short,
                ha="center",
                va="center",
                fontsize=6.5,
                fontweight="bold",
                color=_ink(face),
            )
        else:
            _marks(axis, x, y, cell["compatible"].split())
    problems = cells.groupby("difficulty")["n"].max()
    axis.set_yticks(range(len(labels)), [f"{label} ({problems[label]})" for label in labels])
    axis.set_ylim(-0.5, len(labels) - 0.5)
    if len(labels) > 1:
        axis.axhline(len(labels) - 1.5, color=style.GREY, linewidth=0.8)
    _budget_axis(axis, budgets)
    axis.grid(False)
    for spine in axis.spines.values():
        spine.set_visible(False)


def _marks(axis: Axes, x: int, y: int, names: list[str]) -> None:
    """The marks of these strategies in a cell, each at the place it has in every cell."""
    for name in names:
        row, column = divmod(list(NAMES).index(name), ABREAST)
        at = x + (column - (ABREAST - 1) / 2) * 0.9 / ABREAST, y + 0.22 - 0.44 * row
        axis.plot(*at, **_mark(name, 0.85))


def _mark(strategy: str, scale: float = 1.0) -> dict[str, Any]:
    """A strategy's mark on its own, as matplotlib's keyword arguments."""
    look = style.STRATEGIES[strategy][1]
    return look.options | {
        "marker": look.marker or BAR,
        "linestyle": "",
        "markersize": scale * look.size,
    }


def _forest(axis: Axes, lines: pd.DataFrame, names: list[str], budgets: list[int]) -> None:
    """Each strategy's crossover with best-of-n; in words where there is none. The marks beside the
    names are a key.
    """
    for _, row in lines.iterrows():
        y, colour = -names.index(row["strategy"]), style.STRATEGIES[row["strategy"]][1].colour
        # what lies beyond what both spent stands just beside it
        edges = {
            0.0: _place(row["first"], budgets) - 0.4,
            np.inf: _place(row["last"], budgets) + 0.4,
        }
        at = {
            part: edges.get(row[part], _place(row[part], budgets))
            for part in ("low", "high", "budget")
        }
        axis.plot([at["low"], at["high"]], [y, y], color=colour, linewidth=1.4, zorder=2)
        for value in {row["low"], row["high"]} & edges.keys():
            arrow = ">" if value else "<"
            axis.plot(
                edges[value], y, marker=arrow, color=colour, markersize=4.5, linestyle="", zorder=2
            )
        if row["outcome"] == crossover.OVERTAKES:
            axis.plot(at["budget"], y, zorder=3, **_mark(row["strategy"], 1.3))
        else:
            side = "left" if row["outcome"] == crossover.ALWAYS else "right"
            x = edges[0.0 if side == "left" else np.inf]
            axis.text(x, y + 0.16, row["outcome"], va="bottom", ha=side, fontsize=6.5)
    for number, name in enumerate(names):
        axis.plot(
            -0.035, -number, transform=axis.get_yaxis_transform(), clip_on=False, **_mark(name)
        )
    _budget_axis(axis, budgets)
    axis.spines[["top", "right"]].set_visible(False)


def _budget_axis(axis: Axes, budgets: list[int]) -> None:
    """Budgets at equal distances (those of powers of two lie on a logarithmic axis), alike above
    and below.
    """
    axis.set_xticks(range(len(budgets)), [str(budget) for budget in budgets])
    axis.set_xlim(-0.5, len(budgets) - 0.5)


def _place(budget: float, budgets: list[int]) -> float:
    """Where a budget stands on that axis."""
    return float(np.interp(np.log2(max(budget, 1.0)), np.log2(budgets), np.arange(len(budgets))))


def _ink(face: tuple[float, float, float]) -> str:
    """Black or white, whichever reads better on this colour (WCAG's relative luminance, roughly)."""
    luminance = sum(w * part**2.2 for w, part in zip((0.2126, 0.7152, 0.0722), face, strict=True))
    return "white" if luminance < 0.18 else style.BLACK


def _legend(figure: Figure, level: float, guide: str) -> None:
    """What cells, marks and arrows mean."""
    entries = {
        "named: leads every other one with certainty": Patch(facecolor="#777777"),
        "no one strategy: the marks of those not certainly beaten": Patch(
            facecolor=UNDECIDED, edgecolor="#BBBBBB"
        ),
        f"crossover with {level:.0%} interval": Line2D(
            [], [], color=style.GREY, marker="o", linewidth=1.4
        ),
        _label(crossover.BASELINE): Line2D([], [], **_mark(crossover.BASELINE)),
        "beyond what was spent": Line2D(
            [], [], color=style.GREY, marker=">", linestyle="", markersize=4.5
        ),
    }
    legend = figure.legend(
        list(entries.values()), list(entries), loc="outside lower center",
        ncols=2 if figure.get_figwidth() == style.FULL_WIDTH else 1,
        title=guide, title_fontsize=style.RC["legend.fontsize"],
    )  # fmt: skip
    legend.get_title().set_multialignment("center")
