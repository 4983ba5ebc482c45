"""Choosing programs by the tests that their problem shows, as every user of code search does first.

The tests come with the problem: examples in its prompt, samples, public tests. No hidden test has a
part in the choice. If a prompt shows no test, all samples count alike. On a data set without any
visible test, such as one of math, these strategies have no rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from prmscale.engines.aggregation import Aggregate
from prmscale.engines.requests import Check, Score, Strategy
from prmscale.search.samples import choose, draw, highest


def visible_tests(budgets: Sequence[int]) -> Strategy:
    """A uniform choice among the samples that pass all visible tests; among all if none does."""
    samples = yield from draw(budgets[-1])
    shares = yield Check(samples)
    yield from choose(samples, budgets, lambda group: [i for i in group if shares[i] == 1] or group)


def filtered_best_of_n(budgets: Sequence[int], aggregates: Mapping[str, Aggregate]) -> Strategy:
    """Best-of-n among the samples that pass the most visible tests; of equals the first.

    The reward model reads all samples, so that it costs what best-of-n costs.
    """
    samples = yield from draw(budgets[-1])
    shares = yield Check(samples)
    scores = yield Score([sample.steps for sample in samples])
    for name, aggregate in aggregates.items():
        values = [aggregate(each) for each in scores]
        ranks = [*zip(shares, values, strict=True)]
        yield from choose(samples, budgets, highest(ranks), name, values)
