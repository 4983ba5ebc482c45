"""Diverse verifier tree search: independent greedy trees in place of one beam (Beeching et al. 2024, search-and-learn).

A beam's candidates come to descend from one early step; independent trees keep their first steps apart.
"""

from __future__ import annotations

from itertools import count

from prmscale.engines.aggregation import Aggregate
from prmscale.engines.requests import Standing, Strategy
from prmscale.search.tree import Node, best, grow, root


def dvts(aggregate: Aggregate, expansion: int, trees: int | None = None) -> Strategy:
    """Tree after tree (`trees`, or until the budget is spent): at each step the best of `expansion` candidates.

    The answer is the best whole solution that any tree has met. With expansion 1 it is best-of-n.
    """
    start = root()
    found: list[Node] = []
    for _ in count() if trees is None else range(trees):
        node = start
        while not node.whole:
            new = yield from grow([node], expansion, aggregate)
            found += [each for each in new if each.whole]
            node = max(new or node.children, key=lambda child: child.score)
            yield Standing(best(found), start)
