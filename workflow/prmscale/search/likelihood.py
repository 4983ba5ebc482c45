"""Likelihood: the sample that the policy itself finds most probable, a control without a reward model."""

from __future__ import annotations

from collections.abc import Sequence

from prmscale.engines.requests import Strategy
from prmscale.search.samples import choose, draw


def likelihood(budgets: Sequence[int]) -> Strategy:
    """The sample with the highest log-probability (summed over tokens, temperature 1)."""
    samples = yield from draw(budgets[-1])
    yield from choose(samples, budgets, lambda group: [max(group, key=lambda i: samples[i].logprob)])
