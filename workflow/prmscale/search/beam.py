"""Beam search over steps: extend the best partial solutions, keep the best of the extensions, until all have ended.

As in the paper (arXiv 2506.00027) the K partial solutions with the highest cumulative score are kept: the *sum* of
their steps' scores. The sum favours many steps, so that the last, minimal, mean score and the product are offered
beside it (those of search-and-learn and others). Ended solutions keep their places in the beam.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

from prmscale.engines.aggregation import Aggregate
from prmscale.engines.requests import Request, Standing, Strategy
from prmscale.search.tree import Node, best, grow, root

Rank = Callable[[Sequence[Node]], Generator[Request, Any, list[float]]]


def by_score(nodes: Sequence[Node]) -> Generator[Request, Any, list[float]]:
    """Partial solutions ranked by their own steps' scores."""
    yield from ()
    return [node.score for node in nodes]


def beam(slots: int, aggregate: Aggregate, expansion: int, rank: Rank = by_score) -> Strategy:
    """`slots` sequences in flight: the best slots // expansion partial solutions, `expansion` candidates for each.

    Where fewer are left, because steps were alike, they share all slots. With expansion 1 it is best-of-n.
    """
    width = max(1, slots // expansion)
    start = root()
    kept, found = [start], list[Node]()
    while open_ := [node for node in kept if not node.whole]:
        new = yield from grow(open_, max(1, slots // len(kept)), aggregate)
        found += [node for node in new if node.whole]
        candidates = [node for node in kept if node.whole] + new
        ranks = yield from rank(candidates)
        order = sorted(range(len(candidates)), key=lambda i: -ranks[i])[:width]
        kept = [candidates[i] for i in sorted(order)]
        yield Standing(best(found), start)
