"""Tree search with the policy's prior: PUCT (Silver et al. 2017, AlphaGo Zero; its constants as in openr)."""

from __future__ import annotations

import math

from prmscale.search.mcts import Select
from prmscale.search.tree import Node


def puct(base: float, init: float) -> Select:
    """How `mcts` goes down: Q + c P sqrt(N(s)) / (1 + N(s, a)), where c = log((1 + N(s) + base) / base) + init.

    P is the policy's probability of the step among the node's candidates. An unvisited child's Q is its score.
    """

    def bound(parent: Node, child: Node, mass: float) -> float:
        rate = math.log((1 + parent.visits + base) / base) + init
        known = child.value if child.visits else child.score
        share = child.prior / mass if mass else 1 / len(parent.children)  # steps too long for a probability
        return known + rate * share * math.sqrt(parent.visits) / (1 + child.visits)

    def select(node: Node) -> Node:
        mass = sum(child.prior for child in node.children)
        return max(node.children, key=lambda child: bound(node, child, mass))

    return select
