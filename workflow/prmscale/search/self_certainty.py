"""Self-certainty: the sample whose next-token distributions are furthest from uniform (arXiv
2502.18581).
"""

from __future__ import annotations

from collections.abc import Sequence

from prmscale.engines.requests import Strategy
from prmscale.search.samples import choose, draw, highest


def self_certainty(budgets: Sequence[int]) -> Strategy:
    """The sample with the highest mean divergence from the uniform distribution."""
    samples = yield from draw(budgets[-1])
    yield from choose(samples, budgets, highest([sample.self_certainty for sample in samples]))
