"""Look-ahead search: beam search that ranks a candidate by the steps that follow it.

Snell et al. 2024, arXiv 2408.03314.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from typing import Any

from prmscale.engines.aggregation import Aggregate
from prmscale.engines.requests import Continuation, Extend, Request, Strategy
from prmscale.search.beam import beam
from prmscale.search.tree import Forest, Node


def lookahead(budget: int, aggregate: Aggregate, expansion: int, depth: int) -> Strategy:
    """A beam that rolls each candidate out by `depth` steps and ranks it by all these steps' score.

    The budget pays for the steps ahead: they are drawn, scored and thrown away.
    """

    def rank(forest: Forest, nodes: Sequence[Node]) -> Generator[Request, Any, list[float]]:
        ahead = [node.solution for node in nodes]
        for _ in range(depth):
            yield from _extend_unfinished(ahead)
        scores = yield from forest.read([solution.steps for solution in ahead])
        return [-math.inf if score is None else score for score in scores]

    # a candidate costs its step and the steps ahead of it
    return beam(budget, aggregate, expansion, rank, price=1 + depth)


def _extend_unfinished(solutions: list[Continuation]) -> Generator[Request, Any, None]:
    """Draw one more step of each solution that has not ended, in place."""
    unfinished = [i for i, each in enumerate(solutions) if each.finish_reason is None]
    if not unfinished:
        return
    drawn = yield Extend([solutions[i].steps for i in unfinished], 1, until="step")
    for i, steps in zip(unfinished, drawn, strict=True):
        for step in steps:  # none where the budget has ended
            solutions[i] = solutions[i].join(step)
