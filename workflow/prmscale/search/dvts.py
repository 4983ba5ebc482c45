"""Diverse verifier tree search (DVTS): independent greedy trees instead of one beam.

Beeching et al. 2024, search-and-learn. The candidates of a beam soon descend from one early step;
independent trees keep different first steps.
"""

from __future__ import annotations

from itertools import count

from prmscale.engines.aggregation import Aggregate
from prmscale.engines.requests import Strategy
from prmscale.search.tree import Forest


def dvts(aggregate: Aggregate, expansion: int, trees: int | None = None) -> Strategy:
    """Grow one tree after another (`trees`, or until the budget is spent).

    A tree follows, at each step, the best of the `expansion` steps drawn for it. The answer is the
    best whole solution of all trees. With expansion 1 it is best-of-n.
    """
    forest = Forest(aggregate)
    for _ in count() if trees is None else range(trees):
        node = forest.plant()
        while not node.whole:
            new = yield from forest.grow([node] * expansion)
            yield forest.incumbent(forest.best())
            node = max(new, key=lambda child: child.score)
