"""Best-of-n: the sample that the reward model scores highest (prm@N of the paper)."""

from __future__ import annotations

from collections.abc import Sequence

from prmscale.engines.aggregation import Aggregate
from prmscale.engines.requests import Score, Strategy
from prmscale.search.samples import choose, draw


def best_of_n(budgets: Sequence[int], aggregate: Aggregate) -> Strategy:
    """The argmax of the aggregated step scores; the first of equals."""
    samples = yield from draw(budgets[-1])
    scores = yield Score([sample.steps for sample in samples])
    values = [aggregate(each) for each in scores]
    yield from choose(samples, budgets, lambda group: [max(group, key=lambda i: values[i])])
