"""Weighted best-of-n: the answer with the highest summed score.

Li et al. 2023, arXiv 2206.02336.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from prmscale.engines.aggregation import Aggregate
from prmscale.engines.requests import Read, Score, Strategy
from prmscale.search.samples import Select, choose, draw, highest


def weighted_best_of_n(budgets: Sequence[int], aggregates: Mapping[str, Aggregate]) -> Strategy:
    """Vote for final answers, weighted by the samples' scores.

    The best-scored sample with the winning answer represents it.
    """
    yield from vote(budgets, aggregates, highest_sum)


def vote(
    budgets: Sequence[int],
    aggregates: Mapping[str, Aggregate],
    elect: Callable[[Sequence[str | None], Sequence[float]], Select],
) -> Strategy:
    """Draw, score and read the samples of the largest budget; `elect` chooses by their answers and
    their scores by each aggregate.
    """
    samples = yield from draw(budgets[-1])
    scores = yield Score([sample.steps for sample in samples])
    answers = yield Read(samples)
    for name, aggregate in aggregates.items():
        values = [aggregate(each) for each in scores]
        yield from choose(samples, budgets, elect(answers, values), name, values)


def highest_sum(
    answers: Sequence[str | None], values: Sequence[float] | Mapping[int, float]
) -> Select:
    """Select the sample with the highest value among those with the answer whose values have the
    highest sum; a sample without an answer adds to none.
    """

    def select(group: list[int]) -> list[int]:
        weights: dict[str, float] = defaultdict(float)
        for i in group:
            if (answer := answers[i]) is not None:
                weights[answer] += values[i]
        winner = max(weights, key=lambda answer: weights[answer], default=None)
        return highest(values)([i for i in group if answers[i] == winner])

    return select
