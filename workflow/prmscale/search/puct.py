"""PUCT: tree search with the policy's prior (Silver et al. 2017, AlphaGo Zero; as in openr)."""

from __future__ import annotations

import math

from prmscale.search.mcts import Select
from prmscale.search.tree import Node, priors


def puct(base: float, init: float, averaged: bool = True) -> Select:
    """Select by Q + c P sqrt(N(s)) / (1 + N(s, a)), where c = log((1 + N(s) + base) / base) + init.

    P is the policy's probability of the step among the node's candidates, `averaged` over its
    tokens as in openr. Q of a child without a visit is its score.
    """

    def bound(parent: Node, child: Node, prior: float) -> float:
        rate = math.log((1 + parent.visits + base) / base) + init
        known = child.value if child.visits else child.score
        return known + rate * prior * math.sqrt(parent.visits) / (1 + child.visits)

    def select(node: Node) -> Node:
        prior = dict(zip(node.children, priors(node.children, averaged), strict=True))
        return max(prior, key=lambda child: bound(node, child, prior[child]))

    return select
