"""Oracle: pass@n, right if any of the n samples is; the upper bound of every choice among samples."""

from __future__ import annotations

from collections.abc import Sequence

from prmscale.engines.requests import Judge, Strategy
from prmscale.search.samples import choose, draw, highest


def oracle(budgets: Sequence[int]) -> Strategy:
    """A right sample where there is one, by the reference."""
    samples = yield from draw(budgets[-1])
    right = yield Judge(samples)
    yield from choose(samples, budgets, highest(right))
