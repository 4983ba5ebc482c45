"""What the strategies over partial solutions share: nodes, how they grow, and the best whole solution so far."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from prmscale.engines.aggregation import Aggregate
from prmscale.engines.requests import NOTHING, Continuation, Extend, Prefix, Request, Score


@dataclass(eq=False)
class Node:
    """A partial solution, and what a search knows of it.

    `solution` holds all steps from the problem on; `score` aggregates the reward model's scores of them; `prior` is
    the policy's probability of the last step; `draws` counts the candidates drawn below, duplicates included. A tree
    search keeps `visits` and `value` (the mean or maximum of what was backed up through the node).
    """

    solution: Continuation
    parent: Node | None = None
    score: float = 0.0
    prior: float = 1.0
    children: list[Node] = field(default_factory=list)
    draws: int = 0
    visits: int = 0
    value: float = 0.0

    @property
    def prefix(self) -> Prefix:
        """The steps so far."""
        return self.solution.steps

    @property
    def whole(self) -> bool:
        """Whether the policy ended the solution here, or it was cut at the token limit."""
        return self.solution.finish_reason is not None

    def path(self) -> list[Node]:
        """The nodes from the root to here."""
        return [*self.parent.path(), self] if self.parent else [self]


def root() -> Node:
    """The problem, without a step."""
    return Node(NOTHING)


def grow(nodes: Sequence[Node], width: int, aggregate: Aggregate) -> Generator[Request, Any, list[Node]]:
    """Draw `width` next steps of each node and score them; returns the new nodes.

    A step that the node has already is not a new node: a small tree is searched once.
    """
    drawn = yield Extend([node.prefix for node in nodes], width, until="step")
    new: list[Node] = []
    for node, group in zip(nodes, drawn, strict=True):
        node.draws += width
        known = {(child.prefix, child.whole) for child in node.children}
        for step in group:
            child = Node(node.solution.then(step), node, prior=math.exp(step.logprob))
            if (child.prefix, child.whole) not in known:
                known.add((child.prefix, child.whole))
                node.children.append(child)
                new.append(child)
    for node, value in zip(new, (yield from values([n.prefix for n in new], aggregate)), strict=True):
        node.score = value
    return new


def values(solutions: Sequence[Prefix], aggregate: Aggregate) -> Generator[Request, Any, list[float]]:
    """The reward model's aggregated score of each solution, whole or not; 0 where there is no step."""
    scores = (yield Score(solutions)) if solutions else []
    return [aggregate(each) if len(each) else 0.0 for each in scores]


def best(nodes: Iterable[Node]) -> Continuation | None:
    """Of whole solutions, that with the highest score, the first of equals; None where there is none yet."""
    node = max(nodes, key=lambda n: n.score, default=None)
    return node.solution if node else None
