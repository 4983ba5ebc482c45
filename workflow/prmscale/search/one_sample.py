"""One sample: what the policy does without any search (pass@1)."""

from __future__ import annotations

from collections.abc import Sequence

from prmscale.engines.requests import Strategy
from prmscale.search.samples import choose, draw


def one_sample(budgets: Sequence[int]) -> Strategy:
    """The first sample, averaged over all samples of the largest budget; budget 1 alone."""
    samples = yield from draw(budgets[-1])
    yield from choose(samples, [1], lambda group: group)
