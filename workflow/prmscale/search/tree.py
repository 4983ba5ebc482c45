"""What the strategies over partial solutions share: nodes, how they grow, and the best whole
solution so far.
"""

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
    search keeps `visits` and `value` (the mean or maximum of what was backed up through the node).
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
        """The nodes from the root to here."""
        found = [self]
        while (above := found[-1].parent) is not None:
            found.append(above)
        return found[::-1]


@dataclass
class Forest:
    """The search trees of one run, which share what the reward model says, and the whole solutions
    found in them.

    Where the budget ends, growing brings fewer nodes than were asked for: those that were drawn and
    read in time.
    """

    aggregate: Aggregate
    roots: list[Node] = field(default_factory=list)
    found: list[Node] = field(default_factory=list)
    _known: dict[Prefix, float] = field(default_factory=dict)

    def plant(self) -> Node:
        """A further root: the problem, without a step."""
        self.roots.append(Node())
        return self.roots[-1]

    def grow(self, nodes: Sequence[Node]) -> Generator[Request, Any, list[Node]]:
        """Draw a next step of each node, of one that is named k times k steps: every draw is a
        child of its own.
        """
        drawn = yield Extend([node.prefix for node in nodes], 1, until="step")
        pairs = [(node, step) for node, steps in zip(nodes, drawn, strict=True) for step in steps]
        return (
            yield from self._add(
                [Node(node.solution.then(step), node, step) for node, step in pairs]
            )
        )

    def widen(self, node: Node, width: int) -> Generator[Request, Any, list[Node]]:
        """Draw `width` next steps of a node; those that it does not have yet become its children."""
        (drawn,) = yield Extend([node.prefix], width, until="step")
        new = {(child.prefix, child.whole): child for child in node.children}
        for step in drawn:
            child = Node(node.solution.then(step), node, step)
            new.setdefault((child.prefix, child.whole), child)
        grown = yield from self._add(list(new.values())[len(node.children) :])
        node.draws += len(drawn) - len(grown)  # repeats
        return grown

    def _add(self, children: Sequence[Node]) -> Generator[Request, Any, list[Node]]:
        """Score nodes and put them below their parents."""
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
        """The aggregated score of each solution, whole or not, each read once; 0 where there is no
        step.

        None where the budget ended before a solution was read.
        """
        new = [prefix for prefix in dict.fromkeys(solutions) if prefix not in self._known]
        scores = (yield Score(new)) if new else []
        for prefix, each in zip(new, scores, strict=True):
            if each is not None:
                self._known[prefix] = self.aggregate(each) if len(each) else 0.0
        return [self._known.get(prefix) for prefix in solutions]

    def best(self) -> Node | None:
        """Of whole solutions, that with the highest score, the first of equals; None where there is
        none yet.
        """
        return max(self.found, key=lambda node: node.score, default=None)

    def incumbent(self, end: Node | None) -> Incumbent:
        """The trees so far, and the whole solution to answer with."""
        return Incumbent(end.solution if end else None, tuple(self.roots), end)


def priors(children: Sequence[Node], averaged: bool) -> list[float]:
    """The policy's probability of each node's last step among these.

    They are exp(l) / sum of exp(l), where l is the step's log-probability, or (`averaged`) its mean
    over the tokens.
    """
    logs = [child.step.mean_logprob if averaged else child.step.logprob for child in children]
    weights = [math.exp(each - max(logs)) for each in logs]
    return [weight / sum(weights) for weight in weights]
