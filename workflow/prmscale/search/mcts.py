"""Monte-Carlo tree search over steps, guided by a reward model.

UCT (Kocsis and Szepesvári 2006), as in the paper. A simulation descends the tree by UCT(s, a) =
Q(s, a) + c sqrt(ln N(s) / N(s, a)), expands a leaf on its second visit, evaluates it, and backs its
value up; the first simulation completes a solution. The paper does not say how a leaf is evaluated,
how values are backed up, or which solution is the answer: these are options here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from itertools import count
from typing import Any

from prmscale.engines.aggregation import Aggregate
from prmscale.engines.requests import Extend, Request, Strategy
from prmscale.search.tree import Forest, Node
from prmscale.study import Mcts

Select = Callable[[Node], Node]


def uct(exploration: float) -> Select:
    """Select the child with the highest upper confidence bound.

    Children without a visit come first, the best-scored one before the others.
    """

    def bound(parent: Node, child: Node) -> tuple[float, float]:
        if not child.visits:
            return math.inf, child.score
        return child.value + exploration * math.sqrt(math.log(parent.visits) / child.visits), 0.0

    return lambda node: max(node.children, key=lambda child: bound(node, child))


def mcts(aggregate: Aggregate, expansion: int, select: Select, options: Mcts) -> Strategy:
    """Run simulations (`options.simulations`, or until the budget is spent).

    The first simulation writes a whole solution with one candidate a step, as one sample would. The
    others each widen at most one node, to `expansion` candidates. With one simulation for each of n
    candidates of the root, evaluated by rollouts, the search is best-of-n if no two candidates are
    equal: a tree holds a step once.
    """
    forest = Forest(aggregate)
    forest.plant()
    limit = options.simulations
    for number in count() if limit is None else range(limit):
        leaf = yield from (_descend(forest, expansion, select) if number else _first_path(forest))
        value = yield from _evaluate(leaf, options, forest)
        for node in leaf.path():
            _back_up(node, value, options)
        yield forest.incumbent(_answer(forest, options))


def _back_up(node: Node, value: float, options: Mcts) -> None:
    """Count a visit of a node and update its value."""
    node.visits += 1
    if options.backup == "max":
        node.value = max(node.value, value)
    else:
        node.value += (value - node.value) / node.visits


def _first_path(forest: Forest) -> Generator[Request, Any, Node]:
    """Write one step after another until the solution is whole or the budget ends."""
    (node,), new = forest.roots, forest.roots
    while new and not node.whole:
        new = yield from forest.widen(node, 1)
        node = new[0] if new else node
    return node


def _descend(forest: Forest, expansion: int, select: Select) -> Generator[Request, Any, Node]:
    """Descend by `select` to a node that can be widened; returns the best of its new children.

    A node is widened on its second visit. If widening brings no new child, the node itself is
    returned and evaluated again.
    """
    (node,) = forest.roots
    while node.draws >= expansion and not node.whole:
        node = select(node)
    if not node.visits:
        return node
    if node.whole:
        new = yield from forest.widen(_find_least_widened(node), expansion)
    else:
        new = yield from forest.widen(node, expansion - node.draws)
    return max(new, key=lambda child: child.score, default=node)


def _find_least_widened(node: Node) -> Node:
    """Of the nodes above a whole solution, the one with most visits for each candidate drawn.

    A search that has visited every leaf of its tree widens this node; otherwise it would spend and
    learn nothing more.
    """
    return max(node.path()[:-1], key=lambda each: each.visits / each.draws)


def _evaluate(node: Node, options: Mcts, forest: Forest) -> Generator[Request, Any, float]:
    """The value of a leaf: its steps' score, a rollout's, or the mean of both.

    The end of a rollout is added to the whole solutions that were found.
    """
    if options.value == "prm" or node.whole:
        return node.score
    (rollouts,) = yield Extend([node.prefix], 1, until="end")
    ends = [Node(node.solution.join(rollout), node, rollout) for rollout in rollouts]
    scores = yield from forest.read([end.prefix for end in ends])
    for end, score in zip(ends, scores, strict=True):
        if score is not None:
            end.score = score
            forest.found.append(end)
            return score if options.value == "rollout" else (node.score + score) / 2
    return node.score  # the budget ended before the rollout did


def _answer(forest: Forest, options: Mcts) -> Node | None:
    """The whole solution to answer with; None if there is none yet.

    It is the best-scored one (`options.final` "best"), or the best-scored one below the node that
    is reached from the root by the most visits or the highest values.
    """
    if options.final == "best":
        return forest.best()

    def lead(child: Node) -> tuple[float, float]:
        return (child.visits if options.final == "visits" else child.value), child.score

    (node,) = forest.roots
    leads_to_end: set[Node] = set()
    for end in forest.found:
        leads_to_end.update(end.path())
    while choices := [child for child in node.children if child in leads_to_end]:
        node = max(choices, key=lead)
    below = [end for end in forest.found if node in end.path()]
    return max(below, key=lambda end: end.score, default=None)
