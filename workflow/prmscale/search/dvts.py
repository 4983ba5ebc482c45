"""Diverse verifier tree search: independent greedy trees in place of one beam (Beeching et al.
2024, search-and-learn).

A beam's candidates come to descend from one early step; independent trees keep their first steps
apart.
"""

from __future__ import annotations

from itertools import count

from prmscale.engines.aggregation import Aggregate
from prmscale.engines.requests import Strategy
from prmscale.search.tree import Forest


def dvts(aggregate: Aggregate, expansion: int, trees: int | None = None) -> Strategy:
    """Tree after tree (`trees`, or until the budget is spent): at each step the best of its own
    `expansion` draws.

    A tree has a root of its own and follows the best of what was drawn for it, whatever other trees
    have drawn. The answer is the best whole solution that any tree has met. With expansion 1 it is
    best-of-n.
    """
    forest = Forest(aggregate)
    for _ in count() if trees is None else range(trees):
        node = forest.plant()
        while not node.whole:
            new = yield from forest.grow([node] * expansion)
            yield forest.incumbent(forest.best())
            node = max(new, key=lambda child: child.score)
