"""Weighted best-of-n: the answer with the highest summed score (Li et al. 2023, arXiv 2206.02336)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from prmscale.engines.aggregation import Aggregate
from prmscale.engines.requests import Read, Score, Strategy
from prmscale.search.samples import choose, draw


def weighted_best_of_n(budgets: Sequence[int], aggregate: Aggregate) -> Strategy:
    """Votes for final answers weighted by the solutions' scores; the best-scored solution stands for the winner."""
    samples = yield from draw(budgets[-1])
    scores = yield Score([sample.steps for sample in samples])
    answers = yield Read([sample.steps for sample in samples])
    values = [aggregate(each) for each in scores]

    def select(group: list[int]) -> list[int]:
        weights: dict[str, float] = defaultdict(float)
        for i in group:
            if answers[i] is not None:
                weights[answers[i]] += values[i]
        winner = max(weights, key=lambda answer: weights[answer], default=None)
        return [max((i for i in group if answers[i] == winner), key=lambda i: values[i])]

    yield from choose(samples, budgets, select)
