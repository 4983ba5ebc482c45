"""One module for each figure or table of the paper, in one shared style.

A module's docstring is the figure's caption. Its `draw(results, rules)` returns the figure and the
table of exactly what it shows.
"""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the workflow reads the registry and the captions without matplotlib
    import pandas as pd
    from matplotlib.figure import Figure

    from prmscale.analysis.verdicts import Rules
    from prmscale.results import Results

FIGURES: dict[str, tuple[str, ...]] = {  # the kinds of files that `Results` reads for each
    "fig1": ("search", "rewards"),
    "fig2": ("search", "rewards"),
    "fig3": ("search", "rewards"),
    "fig4": ("search", "rewards"),
    "fig5": ("search", "rewards", "speeds"),
    "fig6": ("scores", "rewards"),
    "fig7": ("search", "rewards"),
    "fig8": ("search", "rewards"),
    "fig9": ("labels", "spending"),
    "fig10": ("first_errors", "rewards", "reported"),
    "fig11": ("reliability", "search", "rewards"),
    "controls": ("search", "rewards"),
    "granularity": ("granularity", "search", "rewards"),
    "temperature": ("search", "rewards"),
    "transfer": ("problems", "search", "rewards"),
    "table1": ("search", "rewards", "reported"),
    "table2": ("patterns", "reported"),
}


def draw(figure: str, results: Results, rules: Rules) -> tuple[Figure, pd.DataFrame]:
    """Draw a figure by its module; returns it with the table of what it shows."""
    module = import_module(f"{__name__}.{figure}")
    drawing: tuple[Figure, pd.DataFrame] = module.draw(results, rules)
    return drawing


def caption(figure: str) -> str:
    """The docstring of a figure's module, read without importing the module."""
    package = Path(__file__).parent
    source = (package / f"{figure}.py").read_text(encoding="utf-8")
    return ast.get_docstring(ast.parse(source)) or ""
