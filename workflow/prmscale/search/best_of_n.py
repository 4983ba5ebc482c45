"""Best-of-n: the sample that the reward model scores highest (prm@N of the paper)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from prmscale.engines.aggregation import Aggregate
from prmscale.engines.requests import Score, Strategy
from prmscale.search.samples import choose, draw, highest


def best_of_n(budgets: Sequence[int], aggregates: Mapping[str, Aggregate]) -> Strategy:
    """The sample with the highest aggregated score by each aggregate; of equals the first."""
    samples = yield from draw(budgets[-1])
    scores = yield Score([sample.steps for sample in samples])
    for name, aggregate in aggregates.items():
        values = [aggregate(each) for each in scores]
        yield from choose(samples, budgets, highest(values), name, values)
