"""Figure 8: which search strategy wins at which budget and difficulty, at equal tokens spent.

Tokens are in samples' worth. Above: the winner of each budget and difficulty, named only where its
lead over every other strategy is certain (on 20 problems or more, at a level corrected for their
number); elsewhere the marks of all strategies that may be the best, each at its place. Below: from
which amount on each strategy leads best-of-n, with the amounts at which a lead of zero is
compatible with the data (problems and training seeds); arrows point beyond what both spent. One
sample's worth is left out, since nothing is chosen there; a problem without an answer counts as
wrong. The legend names the strategies that leave more than 5 % of a budget unspent. The study's own
figure on Observation 3, which speaks of all problems together; the paper has no such points.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from prmscale.analysis import crossover
from prmscale.analysis.strategies import NAMES
from prmscale.analysis.verdicts import Rules
from prmscale.errors import UserError
from prmscale.figures import panels, strategy_lines, style
from prmscale.results import Results

ABREAST = 5  # marks side by side in a cell without a winner; more if two rows have no room
CELL = 0.27  # inches, the height of a cell
UNDECIDED = "#F1F1F1"
SPENT = "tokens spent (samples' worth)"
BAR = "|"  # the mark of a strategy whose lines have none


def draw(results: Results, rules: Rules) -> tuple[Figure, pd.DataFrame]:
    """The figure, and its winners and crossovers (`analysis.crossover`) by the column `part`."""
    rows = strategy_lines.select(results, rules, "fig8")
    cells = crossover.winners(rows, rules.level)
    lines = crossover.crossovers(rows, rules.level)
    if lines.empty:
        raise UserError(
            "fig8: needs best-of-n by the reward model that guides the tree search, and a strategy "
            "at the same budgets; the search table has "
            f"{', '.join(sorted(set(rows['strategy'])))}. Add best_of_n to search.strategies"
        )
    with style.apply():
        names = [name for name in NAMES if name in set(lines["strategy"])]
        offsets = _find_offsets([name for name in NAMES if name in set(rows["strategy"])])
        figure, axes = _make_panels(rows, cells["difficulty"].nunique(), names)
        for dataset, (above, below) in axes.items():
            shown = cells[cells["dataset"] == dataset]
            budgets = sorted(int(budget) for budget in shown["budget"].unique())
            _draw_grid(above, shown, budgets, offsets)
            _draw_forest(below, lines[lines["dataset"] == dataset], names, budgets)
        note = strategy_lines.note(rows, results.reward_models, figure.get_figwidth())
        _add_legend(figure, rules.level, note)
    parts = [cells.assign(part="winner"), lines.assign(part="crossover")]
    data = pd.concat(parts, ignore_index=True)
    data = data.assign(policy=rows["policy"].iloc[0], reward_model=strategy_lines.guide_name(rows))
    first = ["policy", "reward_model", "part"]
    return figure, data[[*first, *(column for column in data if column not in first)]]


def _make_panels(
    rows: pd.DataFrame, difficulties: int, names: list[str]
) -> tuple[Figure, dict[str, tuple[Axes, Axes]]]:
    """A grid above a forest for each data set, two data sets side by side; names at the left."""
    sizes = {str(name): int(of.nunique()) for name, of in rows.groupby("dataset")["problem_id"]}
    columns = min(panels.COLUMNS, len(sizes))
    bands = -(-len(sizes) // columns)
    heights = [CELL * difficulties + 0.1, 0.21 * len(names) + 0.1]
    width = (
        style.full_width() if columns > 1 else 0.7 * style.full_width()
    )  # room for names in cells
    figure = Figure(figsize=(width, bands * (sum(heights) + 1.35) + 0.8), layout="constrained")
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
        above.set_title(f"{dataset} ({n} problems)\nwhich strategy is the best")
        above.set_xlabel(SPENT)
        below.set_title("leads best-of-n (BoN) from …")
        below.set_xlabel(SPENT)
        labels = ["" if column else _label(name) for name in names]
        below.set_yticks([-i for i in range(len(names))], labels)
        below.set_ylim(-len(names) + 0.4, 0.8)
        # the strategies' marks stand between their names and the panel
        below.tick_params(axis="y", pad=12)
        if column == 0:
            above.set_ylabel("difficulty\n(problems)")
    return figure, axes


def _label(strategy: str) -> str:
    """A strategy's name, with its short name in cells where the name does not contain it."""
    name, short = NAMES[strategy], style.show_strategy(strategy)[0]
    return name if short.lower() in name.lower() else f"{name} ({short})"


def _find_offsets(names: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Where a strategy's mark stands in every cell, from the cell's middle: in two rows."""
    abreast = max(ABREAST, -(-len(names) // 2))
    found = {}
    for number, name in enumerate(names):
        row, column = divmod(number, abreast)
        found[name] = (column - (abreast - 1) / 2) * 0.9 / abreast, 0.22 - 0.44 * row
    return found


def _draw_grid(
    axis: Axes, cells: pd.DataFrame, budgets: list[int], offsets: Mapping[str, tuple[float, float]]
) -> None:
    """Budget × difficulty, with the winner or its candidates in each cell; all problems on top."""
    labels = [label for label in dict.fromkeys(cells["difficulty"]) if label != crossover.EVERY]
    labels.append(crossover.EVERY)
    for _, cell in cells.iterrows():
        x, y = budgets.index(cell["budget"]), labels.index(cell["difficulty"])
        _draw_cell(axis, x, y, cell, offsets)
    problems = cells.groupby("difficulty")["n"].max()
    axis.set_yticks(range(len(labels)), [f"{label} ({problems[label]})" for label in labels])
    axis.set_ylim(-0.5, len(labels) - 0.5)
    if len(labels) > 1:
        axis.axhline(len(labels) - 1.5, color=style.GREY, linewidth=0.8)
    _set_budget_axis(axis, budgets)
    axis.grid(False)
    for spine in axis.spines.values():
        spine.set_visible(False)


def _draw_cell(
    axis: Axes, x: int, y: int, cell: pd.Series, offsets: Mapping[str, tuple[float, float]]
) -> None:
    """A cell with its winner's name, or with the marks of the strategies that may be the best."""
    short, look = style.show_strategy(cell["winner"]) if cell["winner"] in NAMES else ("", None)
    face = to_rgb(look.colour if look else UNDECIDED)
    axis.add_patch(
        Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=face, edgecolor="white", linewidth=1.2)
    )
    if short:
        font: dict[str, Any] = {
            "fontsize": style.points(6.5),
            "fontweight": "bold",
            "color": _ink(face),
        }
        axis.text(x, y, short, ha="center", va="center", **font)
        return
    for name in cell["compatible"].split():
        right, up = offsets[name]
        axis.plot(x + right, y + up, **_mark(name, 0.85))


def _mark(strategy: str, scale: float = 1.0) -> dict[str, Any]:
    """A strategy's mark without its line, as matplotlib's keyword arguments."""
    look = style.show_strategy(strategy)[1]
    mark = {"marker": look.marker or BAR, "linestyle": "", "markersize": scale * look.size}
    return look.options | mark


def _draw_forest(axis: Axes, lines: pd.DataFrame, names: list[str], budgets: list[int]) -> None:
    """Each strategy's crossover with best-of-n, in words where there is none.

    The marks beside the names are a key.
    """
    for _, row in lines.iterrows():
        _draw_crossover(axis, row, -names.index(row["strategy"]), budgets)
    for number, name in enumerate(names):
        transform = axis.get_yaxis_transform()
        axis.plot(-0.035, -number, transform=transform, clip_on=False, **_mark(name))
    _set_budget_axis(axis, budgets)
    axis.spines[["top", "right"]].set_visible(False)


def _draw_crossover(axis: Axes, row: pd.Series, y: int, budgets: list[int]) -> None:
    """The interval of a crossover and its mark, or its outcome in words."""
    colour = style.show_strategy(row["strategy"])[1].colour
    # what lies beyond what both spent stands just beside it
    left, right = _place(row["first"], budgets) - 0.4, _place(row["last"], budgets) + 0.4
    edges = {0.0: left, np.inf: right}
    low, high = (edges.get(row[end], _place(row[end], budgets)) for end in ("low", "high"))
    axis.plot([low, high], [y, y], color=colour, linewidth=1.4, zorder=2)
    arrow: dict[str, Any] = {"color": colour, "markersize": 4.5, "linestyle": "", "zorder": 2}
    for value in {row["low"], row["high"]} & edges.keys():
        axis.plot(edges[value], y, marker=">" if value else "<", **arrow)
    if row["outcome"] == crossover.OVERTAKES:
        x = edges.get(row["budget"], _place(row["budget"], budgets))
        axis.plot(x, y, zorder=3, **_mark(row["strategy"], 1.3))
    elif row["outcome"] == crossover.ALWAYS:
        axis.text(
            left, y + 0.16, row["outcome"], va="bottom", ha="left", fontsize=style.points(6.5)
        )
    else:
        axis.text(
            right, y + 0.16, row["outcome"], va="bottom", ha="right", fontsize=style.points(6.5)
        )


def _set_budget_axis(axis: Axes, budgets: list[int]) -> None:
    """Budgets at equal distances: powers of two are on a logarithmic axis."""
    axis.set_xticks(range(len(budgets)), [str(budget) for budget in budgets])
    axis.set_xlim(-0.5, len(budgets) - 0.5)


def _place(budget: float, budgets: list[int]) -> float:
    """The place of a budget on the axis of `_set_budget_axis`."""
    return float(np.interp(np.log2(max(budget, 1.0)), np.log2(budgets), np.arange(len(budgets))))


def _ink(face: tuple[float, float, float]) -> str:
    """Black or white, whichever reads better on this colour (roughly WCAG's relative luminance)."""
    luminance = sum(w * part**2.2 for w, part in zip((0.2126, 0.7152, 0.0722), face, strict=True))
    return "white" if luminance < 0.18 else style.BLACK


def _add_legend(figure: Figure, level: float, title: str) -> None:
    """What cells, marks and arrows mean."""
    entries = {
        "named: certainly better than every other": Patch(facecolor="#777777"),
        "marks: any of these may be the best": Patch(facecolor=UNDECIDED, edgecolor="#BBBBBB"),
        f"takes the lead here ({level:.0%} interval)": Line2D(
            [], [], color=style.GREY, marker="o", linewidth=1.4
        ),
        _label(crossover.BASELINE): Line2D([], [], **_mark(crossover.BASELINE)),
        "beyond what was spent": Line2D(
            [], [], color=style.GREY, marker=">", linestyle="", markersize=4.5
        ),
    }
    legend = figure.legend(
        list(entries.values()), list(entries), loc="outside lower center",
        ncols=2 if figure.get_figwidth() == style.full_width() else 1,
        title=title, title_fontsize=style.points(7),
    )  # fmt: skip
    legend.get_title().set_multialignment("center")
