"""Panels, axes, lines and legends that figures share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, FixedLocator, FuncFormatter, LogLocator, NullLocator

from prmscale.errors import UserError
from prmscale.figures import style

COLUMNS = 2  # panels side by side


def grid(
    data: pd.DataFrame, xlabel: str, ylabel: str, extra: float = 0.0
) -> tuple[Figure, dict[str, Axes]]:
    """A figure with a panel for each data set of `data` (columns dataset, n), and the panels.

    A panel's title has the number of problems. The figure is `extra` inches higher than usual.
    """
    sizes = {str(name): (int(n.min()), int(n.max())) for name, n in data.groupby("dataset")["n"]}
    columns = min(COLUMNS, len(sizes))
    rows = -(-len(sizes) // columns)
    size = (style.full_width(), 2.3 * rows + 0.7) if columns > 1 else (style.column_width(), 3.4)
    figure = Figure(figsize=(size[0], size[1] + extra), layout="constrained")
    every = figure.subplots(rows, columns, squeeze=False)
    axes = dict(zip(sizes, every.flat, strict=False))
    for axis in every.flat[len(axes) :]:
        axis.remove()
    for number, (name, axis) in enumerate(axes.items()):
        fewest, most = sizes[name]
        axis.set_title(f"{name} ({most if fewest == most else f'{fewest}–{most}'} problems)")
        axis.set_xlabel(xlabel)
        percent(axis.yaxis)
        if number % columns == 0:
            axis.set_ylabel(ylabel)
    return figure, axes


def stack(
    data: pd.DataFrame, xlabels: Mapping[str, str], ylabel: str
) -> tuple[Figure, dict[tuple[str, str], Axes]]:
    """A figure with a panel for each data set of `data` and key of `xlabels`, and the panels.

    Two data sets stand side by side; each key has a row of panels.
    """
    sizes = {str(name): int(n.max()) for name, n in data.groupby("dataset")["n"]}
    columns = min(COLUMNS, len(sizes))
    bands = -(-len(sizes) // columns)
    width = style.full_width() if columns > 1 else style.column_width()
    legend = 0.9 if columns > 1 else 1.7
    figure = Figure(figsize=(width, 2.1 * len(xlabels) * bands + legend), layout="constrained")
    every = figure.subplots(
        len(xlabels) * bands, columns, squeeze=False, sharey="col" if bands == 1 else False
    )
    axes = {}
    for number in range(bands * columns):
        for row, (key, label) in enumerate(xlabels.items()):
            axis = every[number // columns * len(xlabels) + row, number % columns]
            if number >= len(sizes):
                axis.remove()
                continue
            dataset, n = list(sizes.items())[number]
            axes[dataset, key] = axis
            axis.set_xlabel(label)
            percent(axis.yaxis)
            if row == 0:
                axis.set_title(f"{dataset} ({n} problems)")
            if number % columns == 0:
                axis.set_ylabel(ylabel)
    return figure, axes


def rows_of_dots(
    data: pd.DataFrame, names: Sequence[str], xlabel: str
) -> tuple[Figure, dict[str, Axes]]:
    """A figure with a panel for each data set of `data`, and the panels.

    A panel has a row for each name, from the top.
    """
    sizes = {str(name): int(n.max()) for name, n in data.groupby("dataset")["n"]}
    columns = min(COLUMNS, len(sizes))
    rows = -(-len(sizes) // columns)
    figure = Figure(
        figsize=(style.full_width(), rows * (0.17 * len(names) + 0.7) + 0.3), layout="constrained"
    )
    every = figure.subplots(rows, columns, squeeze=False, sharey=True)
    axes = dict(zip(sizes, every.flat, strict=False))
    for axis in every.flat[len(axes) :]:
        axis.remove()
    for name, axis in axes.items():
        axis.set_title(f"{name} ({sizes[name]} problems)")
        axis.set_xlabel(xlabel)
        percent(axis.xaxis)
        axis.grid(False, axis="y")
        axis.set_ylim(len(names) - 0.4, -0.6)
        axis.set_yticks(range(len(names)), names)
    return figure, axes


def explain(reason: str) -> Figure:
    """A figure that says why nothing can be drawn."""
    figure = Figure(figsize=(style.full_width(), 0.6))
    figure.text(0.5, 0.5, reason, ha="center", va="center", wrap=True)
    return figure


def percent(axis: Axis) -> None:
    """Label fractions in percent; nothing above 100, where an axis has its margin."""
    axis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:.4g}" if v <= 1 + 1e-9 else ""))


def line(
    axis: Axes, data: pd.DataFrame, x: str, look: style.Look, label: str, band: float = 0.14
) -> None:
    """A line of `mean` over `x`, with a band of opacity `band` from `low` to `high`."""
    rows = data.sort_values(x)
    axis.plot(rows[x], rows["mean"], label=label, zorder=3, **look.options)
    axis.fill_between(
        rows[x], rows["low"], rows["high"], color=look.colour, alpha=band, linewidth=0
    )


def level_line(axis: Axes, row: pd.DataFrame, look: style.Look, label: str) -> None:
    """A horizontal line across the panel at the `mean` of a table of one row, with its band."""
    mean, low, high = (float(row[column].iloc[0]) for column in ("mean", "low", "high"))
    axis.axhline(
        mean, label=label, color=look.colour, linestyle=look.dashes, linewidth=1.0, zorder=2
    )
    axis.axhspan(low, high, color=look.colour, alpha=0.07, linewidth=0)


def level_controls(axes: dict[str, Axes], data: pd.DataFrame, budget: int) -> None:
    """The controls of `data` (`style.CONTROLS`) as horizontal lines in their panels."""
    for strategy, (name, look) in style.CONTROLS.items():
        for dataset, rows in data[data["strategy"] == strategy].groupby("dataset"):
            label = name if strategy == "one_sample" else f"{name}, n = {budget}"
            level_line(axes[str(dataset)], rows, look, label)


def powers_axis(axis: Axes, values: Iterable[float], text: str = "plain") -> None:
    """A logarithmic x axis with a tick at each value; `text` 'count' writes 77k, 1.5B."""
    axis.set_xscale("log", base=2)
    axis.xaxis.set_major_locator(FixedLocator(sorted(set(values))))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(
        FuncFormatter(lambda v, _: count(v) if text == "count" else f"{v:g}")
    )


def costs_axis(axes: Axes, unit: str = "", which: Literal["x", "y"] = "x") -> None:
    """A logarithmic axis of costs, with the unit in its ticks: 300, 1k; 3 ms; 30M."""
    axes.set(**{f"{which}scale": "log"})
    axis: Axis = getattr(axes, f"{which}axis")
    axis.set_major_locator(LogLocator(subs=(1, 3)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(EngFormatter(unit, sep=" " if unit else ""))


def count(value: float) -> str:
    """A number of parameters or tokens as people write it: 77k, 1.5B."""
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:g}"


def finish(
    figure: Figure, axes: dict[str, Axes], columns: int = 3, title: str | None = None
) -> None:
    """One legend below all panels (in one column below a single panel); no top and right spines."""
    entries: dict[str, Artist] = {}
    for axis in axes.values():
        axis.spines[["top", "right"]].set_visible(False)
        handles, labels = axis.get_legend_handles_labels()
        entries |= dict(zip(labels, handles, strict=True))
    legend = figure.legend(
        list(entries.values()),
        list(entries),
        loc="outside lower center",
        ncols=columns if len(axes) > 1 else 1,
        title=title,
        title_fontsize=style.points(7),
    )
    legend.get_title().set_multialignment("center")


def page(height: float, lowest: float) -> tuple[Figure, Axes]:
    """A figure of full width (`height` inches) for a table in print, and its axes.

    x runs from 0 to 1; the header is at y = 0, and each further row of text is lower by 1.
    """
    figure = Figure(figsize=(style.full_width(), height))
    axis = figure.add_axes((0.01, 0.0, 0.98, 1.0))
    axis.set_axis_off()
    axis.set_xlim(0, 1)
    axis.set_ylim(lowest, 1.0)
    return figure, axis


def print_row(
    axis: Axes, y: float, edges: Sequence[float], texts: Sequence[str], weight: str = "normal"
) -> None:
    """One row of a table in print: the first two texts begin at their x, the others are centred."""
    for column, (x, text) in enumerate(zip(edges, texts, strict=True)):
        side = "left" if column < 2 else "center"
        axis.text(
            x, y, text, ha=side, va="center", fontsize=style.points(7), fontweight=weight, zorder=3
        )


def cell(row: pd.Series, digits: int = 0) -> str:
    """A fraction in percent (to one digit at least), with its interval where it has one."""
    mean, low, high = (100 * row[column] for column in ("mean", "low", "high"))
    text = f"{mean:.{max(digits, 1)}f}"
    if np.isnan(low):
        return text
    return f"{text} [{low:.{digits}f}, {high:.{digits}f}]".replace("-", "−")


def largest_budget(rows: pd.DataFrame, figure: str) -> int:
    """The largest budget of the rows; raises UserError in the figure's name if there is no row."""
    if rows.empty:
        raise UserError(f"{figure}: no row of the search table is left to draw")
    return int(rows["budget"].max())


def tidy(data: pd.DataFrame, policy: str, blanks: Sequence[str]) -> pd.DataFrame:
    """The CSV's table, with the policy first.

    0, -1 and '' become missing in the columns `blanks`, in which a control has no value.
    """
    table = data.assign(policy=policy)
    for column in blanks:
        blank = table[column].isin([0, -1, ""])
        table[column] = table[column].astype(object).where(~blank, np.nan)
    return table[["policy", *data.columns]]
