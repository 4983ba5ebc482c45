"""OmegaPRM's tree (arXiv 2406.06592): new solutions with labels of their steps, a tree a problem.

A state is a prefix that rollouts were drawn from; MC(s) is the share of its rollouts that are
right. Each search selects a wrong rollout r of a state s with 0 < MC(s) < 1 that maximises
Q(s, r) + U(s):

    Q(s, r) = alpha^(1 - MC(s)) beta^(tokens of r / L)
    U(s) = c_puct sqrt(sum of N) / (1 + N(s)),    N(s): how often s was selected

States that mostly succeed and short rollouts come first. Binary search then locates the first error
of r; the prefixes that it checks become states, and their rollouts become solutions. As in
`binary_search`, a prefix is right if anything right follows it, and nothing right follows a wrong
prefix. So all steps of a solution are labelled if the solution is right, was searched, or shares
its first error with a searched solution; other solutions have no labels.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from prmscale.engines.requests import Continuation, Extend, Judge, Request, Strategy
from prmscale.labels.binary_search import next_check, prove
from prmscale.labels.monte_carlo import Estimate, prefixes_of
from prmscale.study import OmegaTree
from prmscale.tasks.base import Prefix


@dataclass(frozen=True)
class Wrong:
    """A wrong rollout: its state, the whole solution, and the tokens after the state."""

    state: Prefix
    solution: Prefix
    tokens: int


@dataclass
class Tree:
    """The tree of one problem: its states, its distinct rollouts as whole solutions, their grades.

    `wrong` are the rollouts that a search may select, `chosen` counts the selections of a state.
    """

    states: dict[Prefix, Estimate] = field(default_factory=dict)
    solutions: dict[Prefix, Continuation] = field(default_factory=dict)
    ends: dict[Prefix, Estimate] = field(default_factory=dict)
    wrong: list[Wrong] = field(default_factory=list)
    chosen: Counter[Prefix] = field(default_factory=Counter)

    @property
    def checked(self) -> dict[Prefix, Estimate]:
        """Every prefix with a measured estimate: states and whole solutions."""
        return self.ends | self.states

    @property
    def spent(self) -> tuple[int, int]:
        """All rollouts and their tokens, with those of the empty prefix and without a label."""
        states = self.states.values()
        return sum(e.rollouts for e in states), sum(e.tokens for e in states)

    def estimates(self) -> dict[Prefix, Estimate]:
        """Estimates of every prefix of the solutions whose first error, or none, is located."""
        checked = self.checked
        right = prove(checked)
        located = [s for s in self.solutions if next_check(s, checked, right) is None]
        spent = {p: self.states.get(p, Estimate(0, 0, 0)) for p in prefixes_of(located)}
        return {p: replace(e, right=p in right) for p, e in spent.items()}


def omega(rollouts: int, settings: OmegaTree) -> Strategy:
    """Grow the tree of one problem, with `rollouts` from each state; returns the Tree."""
    tree = Tree()
    yield from _visit(tree, (), rollouts)
    for _ in range(settings.searches):
        checked = tree.checked
        right = prove(checked)
        open_ = [w for w in tree.wrong if next_check(w.solution, checked, right) is not None]
        if not open_:
            break
        selected = select(open_, tree.states, tree.chosen, settings)
        tree.chosen[selected.state] += 1
        yield from _search(tree, selected.solution, rollouts)
    return tree


def _search(tree: Tree, solution: Prefix, rollouts: int) -> Generator[Request, Any, None]:
    """Locate a solution's first error by binary search; the prefixes it checks become states."""
    while (middle := next_check(solution, tree.checked, prove(tree.checked))) is not None:
        yield from _visit(tree, middle, rollouts)


def select(
    pool: list[Wrong],
    states: Mapping[Prefix, Estimate],
    chosen: Mapping[Prefix, int],
    settings: OmegaTree,
) -> Wrong:
    """The rollout of the pool with the largest Q + U; of equals the one drawn first."""
    root = math.sqrt(sum(chosen.values()))

    def priority(rollout: Wrong) -> float:
        by_value = settings.alpha ** (1 - states[rollout.state].value)
        by_length = settings.beta ** (rollout.tokens / settings.length)
        unexplored = settings.exploration * root / (1 + chosen.get(rollout.state, 0))
        return by_value * by_length + unexplored

    return max(pool, key=priority)


def _visit(tree: Tree, state: Prefix, rollouts: int) -> Generator[Request, Any, None]:
    """Make `state` a state: draw its rollouts, judge them, and keep them as solutions.

    Wrong rollouts may be searched later if other rollouts of the state are right.
    """
    (drawn,) = yield Extend([state], rollouts, until="end")
    whole = [replace(rollout, steps=state + rollout.steps) for rollout in drawn]
    right = yield Judge(whole)
    tree.states[state] = Estimate(len(drawn), sum(map(bool, right)), sum(c.tokens for c in drawn))
    for solution, success in zip(whole, right, strict=True):
        if _keep(tree, solution, bool(success)) and not success and any(right):
            tree.wrong.append(Wrong(state, solution.steps, solution.tokens))


def _keep(tree: Tree, solution: Continuation, right: bool) -> bool:
    """Keep a judged rollout as a solution; returns False if the rollout is to be ignored.

    A text that the policy ended replaces the same text cut at the token limit, never the reverse.
    """
    known = tree.solutions.get(solution.steps)
    if not solution.steps or (solution.is_cut and known and not known.is_cut):
        return False
    if known and known.is_cut:
        del tree.solutions[solution.steps]
    tree.ends[solution.steps] = Estimate(0, 0, 0, right)
    # the cost is the rollout's; the probability of the whole solution is unknown
    as_drawn = replace(solution, logprob=math.nan, min_logprob=math.nan, self_certainty=math.nan)
    tree.solutions.setdefault(solution.steps, as_drawn)
    return True
