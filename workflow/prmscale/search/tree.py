"""What the strategies over partial solutions share: nodes, how they grow, and the best solution."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

from prmscale.engines.aggregation import Aggregate
from prmscale.engines.requests import (
    NOTHING,
    Continuation,
    Extend,
    Incumbent,
    Request,
    Score,
)
from prmscale.tasks.base import Prefix


@dataclass(eq=False)
class Node:
    """A partial solution, and what a search knows of it.

    `solution` holds all steps from the problem on, `step` the last draw of them; `score` aggregates
    the reward model's scores; `draws` counts the candidates drawn below, repeats included. A tree
    search keeps `visits` and `value` (the mean or maximum of what was backed up through the node);
    particle filtering keeps its counts there.
    """

    solution: Continuation = NOTHING
    parent: Node | None = None
    step: Continuation = NOTHING
    score: float = 0.0
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
        """The nodes from the root to this one."""
        nodes = [self]
        while (above := nodes[-1].parent) is not None:
            nodes.append(above)
        return nodes[::-1]


@dataclass
class Forest:
    """The search trees of one run with the whole solutions `found` in them; they share scores.

    Where the budget ends, growing returns fewer nodes than were asked for: only those that were
    drawn and scored in time.
    """

    aggregate: Aggregate
    roots: list[Node] = field(default_factory=list)
    found: list[Node] = field(default_factory=list)
    _known: dict[Prefix, float] = field(default_factory=dict)

    def plant(self) -> Node:
        """Add a root: the problem without a step."""
        self.roots.append(Node())
        return self.roots[-1]

    def grow(self, nodes: Sequence[Node]) -> Generator[Request, Any, list[Node]]:
        """Draw a next step of each node (k steps of a node that is listed k times).

        Every draw becomes a child, even if it repeats another. Returns the new children.
        """
        drawn = yield Extend([node.prefix for node in nodes], 1, until="step")
        children = []
        for node, steps in zip(nodes, drawn, strict=True):
            children += [Node(node.solution.join(step), node, step) for step in steps]
        return (yield from self._add(children))

    def widen(self, node: Node, width: int) -> Generator[Request, Any, list[Node]]:
        """Draw `width` next steps of a node; steps it does not have yet become its children."""
        (drawn,) = yield Extend([node.prefix], width, until="step")
        known = {(child.prefix, child.whole) for child in node.children}
        new: dict[tuple[Prefix, bool], Node] = {}
        for step in drawn:
            child = Node(node.solution.join(step), node, step)
            key = (child.prefix, child.whole)
            if key not in known:
                new.setdefault(key, child)
        grown = yield from self._add(list(new.values()))
        node.draws += len(drawn) - len(grown)  # repeats
        return grown

    def _add(self, children: Sequence[Node]) -> Generator[Request, Any, list[Node]]:
        """Score nodes and put them below their parents; returns those scored in time."""
        scores = yield from self.read([child.prefix for child in children])
        grown = []
        for child, score in zip(children, scores, strict=True):
            if score is not None and child.parent:
                child.score = score
                child.parent.children.append(child)
                child.parent.draws += 1
                grown.append(child)
        self.found += [child for child in grown if child.whole]
        return grown

    def read(self, solutions: Sequence[Prefix]) -> Generator[Request, Any, list[float | None]]:
        """The aggregated score of each partial or whole solution; each is scored once.

        0 for a solution without a step; None if the budget ended before it was scored.
        """
        new = [prefix for prefix in dict.fromkeys(solutions) if prefix not in self._known]
        scores = (yield Score(new)) if new else []
        for prefix, each in zip(new, scores, strict=True):
            if each is not None:
                self._known[prefix] = self.aggregate(each) if len(each) else 0.0
        return [self._known.get(prefix) for prefix in solutions]

    def best(self) -> Node | None:
        """The whole solution with the highest score, of equals the first; None if there is none."""
        return max(self.found, key=lambda node: node.score, default=None)

    def incumbent(self, end: Node | None) -> Incumbent:
        """The trees so far, and the whole solution to answer with."""
        return Incumbent(end.solution if end else None, tuple(self.roots), end)


def priors(children: Sequence[Node], averaged: bool) -> list[float]:
    """The policy's probability of each node's last step among these nodes.

    exp(l) / sum of exp(l), where l is the step's log-probability, or (`averaged`) its mean over the
    step's tokens.
    """
    logs = [child.step.mean_logprob if averaged else child.step.logprob for child in children]
    weights = [math.exp(each - max(logs)) for each in logs]
    return [weight / sum(weights) for weight in weights]
