"""Beam search over steps: extend the best partial solutions and keep the best of the extensions.

The paper (arXiv 2506.00027) keeps the K partial solutions with the highest cumulative score: the
*sum* of their steps' scores. The sum favors long solutions, so the last, minimal and mean score and
the product are offered as well (search-and-learn and others use them). The other rules are those of
search-and-learn (Beeching et al. 2024).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

from prmscale.engines.aggregation import Aggregate
from prmscale.engines.requests import Request, Strategy
from prmscale.search.tree import Forest, Node

Rank = Callable[[Forest, Sequence[Node]], Generator[Request, Any, list[float]]]


def rank_by_score(forest: Forest, nodes: Sequence[Node]) -> Generator[Request, Any, list[float]]:
    """Rank partial solutions by the aggregated scores of their steps."""
    yield from ()
    return [node.score for node in nodes]


def beam(
    budget: int, aggregate: Aggregate, expansion: int, rank: Rank = rank_by_score, price: int = 1
) -> Strategy:
    """A beam of one sequence per `price` samples of the budget, then beams of what is left.

    A sequence costs `price` samples. The answer is the best whole solution of all beams. With
    expansion 1 it is best-of-n.
    """
    forest = Forest(aggregate)
    left: float | None = float(budget)
    while left is not None:
        left = yield from _run_beam(forest, max(1, int(left) // price), expansion, rank)


def _run_beam(
    forest: Forest, slots: int, expansion: int, rank: Rank
) -> Generator[Request, Any, float | None]:
    """Run one beam of `slots` sequences; returns the samples' worth that is left of the budget.

    Each of the best slots // expansion sequences is extended by `expansion` draws. Every draw is a
    sequence, even if it repeats another. Ended sequences leave the beam, and the beam ends when
    `slots` sequences have ended or no other is left. (search-and-learn gives the slots of ended
    sequences to the others and goes on until none is left, so it would not be best-of-n with
    expansion 1.)
    """
    flying, ended = [forest.plant()] * slots, 0
    width = max(1, slots // expansion)
    left: float | None = None
    while flying and ended < slots:
        new = yield from forest.grow(flying)
        candidates = [node for node in new if not node.whole]
        ended += len(new) - len(candidates)
        ranks = yield from rank(forest, candidates)
        left = yield forest.incumbent(forest.best())
        best = sorted(range(len(candidates)), key=lambda i: -ranks[i])[:width]
        flying = ([candidates[i] for i in sorted(best)] * expansion)[:slots]
    return left
