"""Monte-Carlo tree search over steps, guided by a reward model (UCT: Kocsis and Szepesvári 2006, as
in the paper).

One simulation goes down the tree by UCT(s, a) = Q(s, a) + c sqrt(ln N(s) / N(s, a)), expands the
node it ends at on its second visit, values it, and backs the value up; the first one completes a
solution. The paper leaves open what a leaf is worth, how values are backed up and which solution is
taken in the end: they are settings here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from itertools import count
from typing import Any, Literal

from prmscale.engines.aggregation import Aggregate
from prmscale.engines.requests import Extend, Request, Strategy
from prmscale.search.tree import Forest, Node

Value = Literal["prm", "rollout", "both"]
Backup = Literal["mean", "max"]
Final = Literal["best", "visits", "value"]
Select = Callable[[Node], Node]


def uct(exploration: float) -> Select:
    """The child with the highest upper confidence bound; an unvisited one first, that with the best
    score.
    """

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
    """Simulations (`simulations`, or until the budget is spent), each with at most one expansion of
    a node.

    The first one goes down to a whole solution, with one candidate a step, as one sample would;
    those that follow widen the nodes that they end at to `expansion` candidates. `value` of a leaf:
    its steps' aggregated score (prm), that of a rollout to the end (rollout), or the mean of both.
    `final`: the whole solution with the best score, or of the child with most visits or the highest
    value, step by step. With one simulation for each of n candidates of the root, valued by
    rollouts, it is best-of-n if no two candidates are alike: a tree has a step once.
    """
    forest = Forest(aggregate)
    forest.plant()
    for number in count() if simulations is None else range(simulations):
        leaf = yield from (_down(forest, expansion, select) if number else _first_path(forest))
        worth = yield from _worth(leaf, value, forest)
        for each in leaf.path():
            each.visits += 1
            each.value = (
                max(each.value, worth)
                if backup == "max"
                else each.value + (worth - each.value) / each.visits
            )
        yield forest.incumbent(_answer(forest, final))


def _first_path(forest: Forest) -> Generator[Request, Any, Node]:
    """One candidate after the other, until the solution is whole or the budget ends."""
    (node,), new = forest.roots, forest.roots
    while new and not node.whole:
        new = yield from forest.widen(node, 1)
        node = new[0] if new else node
    return node


def _down(forest: Forest, expansion: int, select: Select) -> Generator[Request, Any, Node]:
    """The leaf that a simulation ends at: down by `select` to a node that is to be widened, the
    best of its new ones.

    A node is widened on its second visit. Where all its candidates are known, it is valued again.
    """
    (node,) = forest.roots
    while node.draws >= expansion and not node.whole:
        node = select(node)
    if not node.visits:
        return node
    above = _to_widen(node) if node.whole else node
    new = yield from forest.widen(above, expansion if node.whole else expansion - node.draws)
    return max(new, key=lambda child: child.score, default=node)


def _to_widen(node: Node) -> Node:
    """Of the nodes above a whole solution that was met again, the one with most visits for each
    candidate drawn.

    Without this a search would spend no more, and learn no more, once it has visited every leaf of
    its tree.
    """
    return max(node.path()[:-1], key=lambda each: each.visits / each.draws)


def _worth(node: Node, value: Value, forest: Forest) -> Generator[Request, Any, float]:
    """What a leaf is worth; a rollout's end is added to the whole solutions."""
    if value == "prm" or node.whole:
        return node.score
    (rollouts,) = yield Extend([node.prefix], 1, until="end")
    ends = [Node(node.solution.then(rollout), node, rollout) for rollout in rollouts]
    scores = yield from forest.read([end.prefix for end in ends])
    for end, score in zip(ends, scores, strict=True):
        if score is not None:
            end.score = score
            forest.found.append(end)
            return score if value == "rollout" else (node.score + score) / 2
    return node.score  # the budget ended before the rollout did


def _answer(forest: Forest, final: Final) -> Node | None:
    """The whole solution to answer with: the best, or the best below where visits or values lead."""
    if final == "best":
        return forest.best()
    (node,) = forest.roots
    leads = {each for end in forest.found for each in end.path()}
    while choices := [child for child in node.children if child in leads]:
        node = max(
            choices, key=lambda c: (c.visits, c.score) if final == "visits" else (c.value, c.score)
        )
    return max(
        (end for end in forest.found if node in end.path()), key=lambda end: end.score, default=None
    )
