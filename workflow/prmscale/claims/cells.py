"""How `claims.md` writes numbers and rows of tables."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from prmscale.analysis.verdicts import Check, Claim

MOST_PLACES = 4


def format_row(cells: Iterable[object]) -> str:
    """A row of a Markdown table."""
    return f"| {' | '.join(map(str, cells))} |"


def format_points(share: float) -> str:
    """A share in points, without zeros at its end."""
    return f"{100 * share:g}"


def format_effect(found: Claim | Check) -> str:
    """An effect in points with its interval; a dash where it was not measured."""
    if np.isnan(found.effect):
        return "–"
    return format_difference(found.effect, found.low, found.high)


def format_difference(mean: float, low: float, high: float) -> str:
    """A difference in points with its interval (NaN: none).

    It has one decimal place more than the interval's width needs, so that small effects (of fits,
    of similarities) can be told from zero.
    """
    if np.isnan([low, high]).any():
        return f"{100 * mean:+.1f} (no interval)".replace("-", "−")
    width = 100 * (high - low)
    places = 1
    if width > 0:
        places = max(1, min(MOST_PLACES, 1 - int(np.floor(np.log10(width)))))
    # an end that is not zero must not look like zero
    while places < MOST_PLACES and any(_looks_like_zero(end, places) for end in (low, high)):
        places += 1
    text = f"{100 * mean:+.{places}f} [{100 * low:+.{places}f}, {100 * high:+.{places}f}]"
    return text.replace("-", "−")


def format_accuracy(mean: float, low: float, high: float) -> str:
    """An accuracy in percent with its interval (NaN: none)."""
    if np.isnan([low, high]).any():
        return f"{100 * mean:.1f} (no interval)"
    return f"{100 * mean:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def _looks_like_zero(share: float, places: int) -> bool:
    return bool(share) and not round(100 * share, places)
