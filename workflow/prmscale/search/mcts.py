"""Monte-Carlo tree search over steps, guided by a reward model (UCT: Kocsis and Szepesvári 2006, as in the paper).

One simulation goes down the tree by UCT(s, a) = Q(s, a) + c sqrt(ln N(s) / N(s, a)), expands the node it ends at on
its second visit (the root at once), values it, and backs the value up. The paper leaves open what a leaf is worth, how
values are backed up and which solution is taken in the end: they are settings here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from itertools import count
from typing import Any, Literal

from prmscale.engines.aggregation import Aggregate
from prmscale.engines.requests import Continuation, Extend, Request, Standing, Strategy
from prmscale.search.tree import Node, best, grow, root, values

Value = Literal["prm", "rollout", "both"]
Backup = Literal["mean", "max"]
Final = Literal["best", "visits", "value"]
Select = Callable[[Node], Node]


def uct(exploration: float) -> Select:
    """The child with the highest upper confidence bound; an unvisited one first, that with the best score."""

    def bound(parent: Node, child: Node) -> tuple[float, float]:
        if not child.visits:
            return math.inf, child.score
        return child.value + exploration * math.sqrt(math.log(parent.visits) / child.visits), 0.0

    return lambda node: max(node.children, key=lambda child: bound(node, child))


def mcts(
    aggregate: Aggregate,
    expansion: int,
    select: Select,
    value: Value = "prm",
    backup: Backup = "mean",
    final: Final = "best",
    simulations: int | None = None,
) -> Strategy:
    """Simulations (`simulations`, or until the budget is spent), each with at most one expansion of a node.

    `expansion`: candidates of a node. `value` of a leaf: its steps' aggregated score (prm), that of a rollout to the
    end (rollout), or the mean of both. `final`: the whole solution with the best score, or of the child with most
    visits or the highest value, step by step. With one simulation for each of n candidates of the root, valued by
    rollouts, it is best-of-n.
    """
    start = root()
    found: list[Node] = []  # whole solutions, of the tree and of rollouts
    for _ in count() if simulations is None else range(simulations):
        node = start
        while node.children:
            node = select(node)
        if node.visits or node is start:
            new = yield from grow([_to_widen(node) if node.whole else node], expansion, aggregate)
            found += [each for each in new if each.whole]
            node = max(new, key=lambda child: child.score, default=node)
        worth = yield from _worth(node, value, aggregate, found)
        for each in node.path():
            each.visits += 1
            each.value = max(each.value, worth) if backup == "max" else each.value + (worth - each.value) / each.visits
        yield Standing(_answer(start, found, final), start)


def _to_widen(node: Node) -> Node:
    """Of the nodes above a whole solution that was met again, the one with most visits for each candidate drawn.

    Without this a search would spend no more, and learn no more, once it has visited every leaf of its tree.
    """
    return max(node.path()[:-1], key=lambda each: each.visits / each.draws)


def _worth(node: Node, value: Value, aggregate: Aggregate, found: list[Node]) -> Generator[Request, Any, float]:
    """What a leaf is worth; a rollout's end is added to the whole solutions."""
    if value == "prm" or node.whole:
        return node.score
    ((rollout,),) = yield Extend([node.prefix], 1, until="end")
    end = Node(node.solution.then(rollout), node)
    (end.score,) = yield from values([end.prefix], aggregate)
    found.append(end)
    return end.score if value == "rollout" else (node.score + end.score) / 2


def _answer(start: Node, found: list[Node], final: Final) -> Continuation | None:
    """The whole solution to answer with: the best, or the best below where visits or values lead."""
    node = start
    leads = set() if final == "best" else {each for end in found for each in end.path()}
    while choices := [child for child in node.children if child in leads]:
        node = max(choices, key=lambda c: (c.visits, c.score) if final == "visits" else (c.value, c.score))
    return best(found if node is start else [end for end in found if node in end.path()])
