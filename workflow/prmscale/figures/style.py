"""The style of all figures, and saving them: PDF, PNG and the CSV of exactly what is drawn.

The colours are Okabe and Ito's, which people with colour-blindness tell apart; every line also has
its marker and dashes, so that nothing is lost in grey. The same data give the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator

from prmscale.files import atomic_write
from prmscale.study import Style

FONT_SIZE = 8.0  # points that all sizes below are relative to

PALETTE: dict[str, str] = {
    "black": "#000000",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "green": "#009E73",
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "purple": "#CC79A7",
    "grey": "#666666",
    # three of Tol's and a brown, as far from Okabe and Ito's for the colour-blind as these are from
    # each other
    "wine": "#882255",
    "sand": "#C8B560",
    "indigo": "#332288",
    "brown": "#5A3A00",
}
# matplotlib knows the colours by these names, so that a study's palette can stand for ours
BLACK, ORANGE, SKY, GREEN = (f"prmscale:{name}" for name in ("black", "orange", "sky", "green"))
BLUE, VERMILION = "prmscale:blue", "prmscale:vermilion"
PURPLE, GREY, WINE = "prmscale:purple", "prmscale:grey", "prmscale:wine"
SAND, INDIGO, BROWN = "prmscale:sand", "prmscale:indigo", "prmscale:brown"


@dataclass(frozen=True)
class Look:
    """How a line is drawn."""

    colour: str
    marker: str
    dashes: str | tuple[float, tuple[float, ...]]
    size: float = 3.8  # of the marker, in points

    @property
    def options(self) -> dict[str, Any]:
        """The look as matplotlib's keyword arguments."""
        return {
            "color": self.colour,
            "marker": self.marker,
            "linestyle": self.dashes,
            "markersize": self.size,
        }


LOOKS = [
    Look(BLUE, "o", "-"),
    Look(VERMILION, "s", (0, (5, 1.5))),
    Look(GREEN, "^", (0, (3, 1, 1, 1))),
    Look(PURPLE, "D", (0, (1, 1))),
    Look(ORANGE, "v", (0, (6, 1, 1, 1, 1, 1))),
    Look(SKY, "P", (0, (2, 1.5))),
]

# strategies without a reward model look alike in every figure: dark, without markers
CONTROLS = {
    "one_sample": ("one sample", Look(GREY, "", (0, (1, 1.2)))),
    "random": ("random choice", Look(GREY, "", (0, (4, 2)))),
    "likelihood": ("likelihood", Look(GREY, "x", (0, (6, 1.2, 1, 1.2, 1, 1.2)))),
    "majority": ("majority vote", Look(BLACK, "", (0, (5, 2)))),
    "oracle": ("oracle (pass@n)", Look(BLACK, "", (0, (1, 2.5)))),
}

# short name (for the cells of figure 8) and look of a search strategy, alike in all figures
STRATEGIES = {
    "majority": ("maj", Look(BLACK, "", (0, (5, 2)))),
    "best_of_n": ("BoN", Look(BLUE, "o", "-")),
    "weighted_best_of_n": ("wBoN", Look(SKY, "P", (0, (2, 1.5)))),
    "adaptive_best_of_n": ("aBoN", Look(PURPLE, "D", (0, (1, 1)))),
    "calibrated_majority": ("cMaj", Look(GREY, "d", (0, (4, 1, 1, 1)))),
    "filtered_best_of_n": ("fBoN", Look(BROWN, "p", (0, (4, 1, 1, 1, 1, 1)))),
    "beam": ("beam", Look(VERMILION, "s", (0, (5, 1.5)))),
    "lookahead": ("look", Look(ORANGE, "v", (0, (6, 1, 1, 1, 1, 1)))),
    "dvts": ("DVTS", Look(WINE, "X", (0, (3, 1, 1, 1)))),
    "particle_filtering": ("PF", Look(INDIGO, ">", (0, (2, 1, 5, 1)))),
    "mcts": ("MCTS", Look(GREEN, "^", "-")),
    "puct": ("PUCT", Look(SAND, "*", (0, (7, 1.5, 2, 1.5)), 6.0)),
}

# of strategies and label methods without a look of their own
SPARE = (
    Look(BLACK, "h", (0, (4, 1))),
    Look(WINE, "<", (0, (1, 1.5))),
    Look(BLUE, "d", (0, (2, 1))),
)


def show_strategy(name: str) -> tuple[str, Look]:
    """The short name and the look of a strategy; one that has none gets a spare look."""
    return STRATEGIES.get(name, (name[:4], pick_spare(name)))


def pick_spare(name: str) -> Look:
    """The spare look of a name, the same in every figure."""
    return SPARE[sum(map(ord, name)) % len(SPARE)]


def mark_outcome(look: Look) -> Look:
    """The look of an outcome reward model's line, beside that of the process reward model's."""
    return replace(look, marker="X", dashes=(0, (1.5, 1.2)), size=4.2)


# dashes of the thin black curves that are fitted to points
FITS: list[tuple[float, tuple[float, ...]]] = [(0, (8, 2)), (0, (3, 1, 1, 1, 1, 1)), (0, (1, 0.8))]

SIZES = {  # points, at the usual size of the font
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
}
RC = {
    "legend.frameon": False,
    "legend.handlelength": 3.2,
    "lines.linewidth": 1.3,
    "axes.linewidth": 0.7,
    "grid.linewidth": 0.4,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "pdf.fonttype": 42,
    "svg.hashsalt": "prmscale",  # else its names are random
    "savefig.dpi": 200,
}
# the pictures that are written, and the entry of each that would name the time or the program
UNDATED = {"pdf": "CreationDate", "svg": "Date", "png": "Software"}


_current = Style()  # of the figure that this process draws


@contextmanager
def use(style: Style) -> Iterator[None]:
    """Draw and save a figure in its style within a `with` block."""
    global _current
    before, _current = _current, style
    _name_colours(style.palette)
    try:
        yield
    finally:
        _current = before
        _name_colours(before.palette)


def _name_colours(palette: Mapping[Any, str]) -> None:
    """Make matplotlib know our colours by their names."""
    known = mpl.colors.get_named_colors_mapping()
    for name, colour in {**PALETTE, **palette}.items():
        known[f"prmscale:{name}"] = mpl.colors.to_hex(colour)


_name_colours({})


@contextmanager
def apply() -> Iterator[None]:
    """Use the shared style within a `with` block."""
    settings: dict[Any, Any] = {
        **sns.axes_style("whitegrid"),
        **sns.plotting_context("paper"),
        **RC,
        **{name: points(size) for name, size in SIZES.items()},
        "font.family": _current.font,
    }
    with mpl.rc_context(settings):
        yield


def points(size: float) -> float:
    """Points of a text that has this size where the font has its usual size."""
    return size * _current.font_size / FONT_SIZE


def column_width() -> float:
    """Inches of a figure with one panel."""
    return _current.column_width


def full_width() -> float:
    """Inches of a figure with panels side by side."""
    return _current.full_width


def look(index: int) -> Look:
    """The look of line number `index` of a figure; looks repeat after the sixth."""
    return LOOKS[index % len(LOOKS)]


def save(figure: Figure, data: pd.DataFrame, stem: str | Path) -> list[Path]:
    """Write STEM.pdf, STEM.svg, STEM.png (200 dpi) and STEM.csv, each atomically; returns their
    paths.
    """
    for own in _current.figures.values():
        width, height = figure.get_size_inches()
        figure.set_size_inches(own.width or width, own.height or height)
    translate(figure, _current.labels)
    stem = Path(stem)
    paths = []
    for suffix, dated in UNDATED.items():
        paths.append(stem.with_name(f"{stem.name}.{suffix}"))
        with apply(), atomic_write(paths[-1]) as aside:
            figure.savefig(aside, metadata={dated: None})
    paths.append(stem.with_name(f"{stem.name}.csv"))
    with atomic_write(paths[-1]) as aside:
        data.to_csv(aside, index=False, float_format="%.6g")
    return paths


def translate(figure: Figure, labels: Mapping[str, str]) -> None:
    """Let other words stand for whole words of the figure's texts; the longest first."""
    if not labels:
        return
    words = "|".join(map(re.escape, sorted(labels, key=len, reverse=True)))
    known = re.compile(rf"(?<!\w)(?:{words})(?!\w)")

    def replace_words(text: str) -> str:
        return known.sub(lambda found: labels[found[0]], text)

    tickers = {id(axis.major): axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)}
    for axis in tickers.values():  # panels share them
        if isinstance(axis.get_major_locator(), FixedLocator):
            texts = [replace_words(label.get_text()) for label in axis.get_ticklabels()]
            axis.set_ticks(axis.get_majorticklocs(), texts)
    for text in figure.findobj(Text):
        text.set_text(replace_words(text.get_text()))
