"""Beam search over steps: extend the best partial solutions, keep the best of the extensions, until
all have ended.

As in the paper (arXiv 2506.00027) the K partial solutions with the highest cumulative score are
kept: the *sum* of their steps' scores. The sum favours many steps, so that the last, minimal, mean
score and the product are offered beside it (those of search-and-learn and others). The rest is
search-and-learn's rule (Beeching et al. 2024).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

from prmscale.engines.aggregation import Aggregate
from prmscale.engines.requests import Request, Strategy
from prmscale.search.tree import Forest, Node

Rank = Callable[[Forest, Sequence[Node]], Generator[Request, Any, list[float]]]


def by_score(forest: Forest, nodes: Sequence[Node]) -> Generator[Request, Any, list[float]]:
    """Partial solutions ranked by their own steps' scores."""
    yield from ()
    return [node.score for node in nodes]


def beam(
    budget: int, aggregate: Aggregate, expansion: int, rank: Rank = by_score, price: int = 1
) -> Strategy:
    """One sequence in flight for each sample of the budget; what is left when they have ended pays
    for further beams.

    `price`: samples that a sequence costs. The answer is the best whole solution of all beams. With
    expansion 1 it is best-of-n.
    """
    forest = Forest(aggregate)
    left: float | None = float(budget)
    while left is not None:
        left = yield from _one(forest, max(1, int(left) // price), expansion, rank)


def _one(
    forest: Forest, slots: int, expansion: int, rank: Rank
) -> Generator[Request, Any, float | None]:
    """A beam of `slots` sequences: `expansion` draws of each of the best slots // expansion;
    returns what is left.

    Each draw is a sequence of its own, a repeat too. Ended ones leave the beam, which ends when
    they are as many as its slots or nothing else is left. (search-and-learn gives the places of
    ended ones to the others, and goes on until nothing else is left; so it would not be best-of-n
    with expansion 1.)
    """
    flying, ended = [forest.plant()] * slots, 0
    left: float | None = None
    while flying and ended < slots:
        new = yield from forest.grow(flying)
        candidates = [node for node in new if not node.whole]
        ended += len(new) - len(candidates)
        ranks = yield from rank(forest, candidates)
        left = yield forest.incumbent(forest.best())
        best = sorted(range(len(candidates)), key=lambda i: -ranks[i])[: max(1, slots // expansion)]
        flying = ([candidates[i] for i in sorted(best)] * expansion)[:slots]
    return left
