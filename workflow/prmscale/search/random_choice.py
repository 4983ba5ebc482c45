"""Random choice among n samples: the control that a reward model must beat."""

from __future__ import annotations

from collections.abc import Sequence

from prmscale.engines.requests import Strategy
from prmscale.search.samples import choose, draw


def random_choice(budgets: Sequence[int]) -> Strategy:
    """A uniform choice among the n samples (its expectation is recorded)."""
    samples = yield from draw(budgets[-1])
    yield from choose(samples, budgets, lambda group: group)
