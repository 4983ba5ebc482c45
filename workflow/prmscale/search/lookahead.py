"""Look-ahead search: beam search that ranks a candidate by where it leads (Snell et al. 2024, arXiv
2408.03314).
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from typing import Any

from prmscale.engines.aggregation import Aggregate
from prmscale.engines.requests import Extend, Request, Strategy
from prmscale.search.beam import beam
from prmscale.search.tree import Forest, Node


def lookahead(budget: int, aggregate: Aggregate, expansion: int, depth: int) -> Strategy:
    """A beam whose candidates are each rolled out `depth` steps further and ranked by the score of
    all these steps.

    The steps ahead are drawn, read by the reward model, paid for, and thrown away.
    """

    def rank(forest: Forest, nodes: Sequence[Node]) -> Generator[Request, Any, list[float]]:
        ahead = [node.solution for node in nodes]
        for _ in range(depth):
            open_ = [i for i, solution in enumerate(ahead) if solution.finish_reason is None]
            if open_:
                drawn = yield Extend([ahead[i].steps for i in open_], 1, until="step")
                for i, steps in zip(open_, drawn, strict=True):
                    for step in steps:  # none where the budget has ended
                        ahead[i] = ahead[i].then(step)
        scores = yield from forest.read([solution.steps for solution in ahead])
        return [-math.inf if score is None else score for score in scores]

    # a candidate costs its own step and those ahead of it
    return beam(budget, aggregate, expansion, rank, price=1 + depth)
