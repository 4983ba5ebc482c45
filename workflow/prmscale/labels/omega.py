"""OmegaPRM's tree (arXiv 2406.06592): new solutions and the labels of their steps, from one search
a problem.

A state is a prefix that rollouts were drawn from; MC(s) is the share of them that is right. Each
search chooses a wrong rollout r of a state s with 0 < MC(s) < 1 by Q(s, r) + U(s), Q(s, r) =
alpha^(1 - MC(s)) beta^(tokens of r / L) and U(s) = c_puct sqrt(sum of N) / (1 + N(s)), where N
counts how often a state was chosen: states that mostly succeed and short rollouts first. Binary
search then finds the first error of r; the prefixes that it checks are new states, and their
rollouts new solutions. As in `binary_search` a prefix is right if anything right follows it, and
nothing right follows a wrong one. So every solution that is right, was searched, or shares its
first error with one that was, has all of its steps labelled; the others are left without labels.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from prmscale.engines.requests import Continuation, Extend, Judge, Request, Strategy
from prmscale.labels.binary_search import next_check, proved
from prmscale.labels.monte_carlo import Estimate, prefixes_of
from prmscale.study import OmegaTree
from prmscale.tasks.base import Prefix


@dataclass(frozen=True)
class Wrong:
    """A wrong rollout: the state it was drawn from, the whole solution, and the tokens of its own."""

    state: Prefix
    solution: Prefix
    tokens: int


@dataclass
class Tree:
    """What is known of one problem: the states, all rollouts as whole solutions (each once), and
    how those end.
    """

    states: dict[Prefix, Estimate] = field(default_factory=dict)
    solutions: dict[Prefix, Continuation] = field(default_factory=dict)
    ends: dict[Prefix, Estimate] = field(default_factory=dict)
    wrong: list[Wrong] = field(default_factory=list)
    chosen: Counter[Prefix] = field(default_factory=Counter)

    @property
    def checked(self) -> dict[Prefix, Estimate]:
        """Every prefix of which something was measured."""
        return self.ends | self.states

    @property
    def spent(self) -> tuple[int, int]:
        """Rollouts drawn and their tokens, of the problem itself too, whether or not they gave a
        label.
        """
        states = self.states.values()
        return sum(e.rollouts for e in states), sum(e.tokens for e in states)

    def estimates(self) -> dict[Prefix, Estimate]:
        """Every prefix of the solutions whose first error, or that there is none, is known."""
        checked = self.checked
        right = proved(checked)
        located = [s for s in self.solutions if next_check(s, checked, right) is None]
        spent = {p: self.states.get(p, Estimate(0, 0, 0)) for p in prefixes_of(located)}
        return {p: replace(e, right=p in right) for p, e in spent.items()}


def omega(rollouts: int, settings: OmegaTree) -> Strategy:
    """Grow the tree of one problem by `rollouts` from each state; returns the Tree."""
    tree = Tree()
    yield from _visit(tree, (), rollouts)
    for _ in range(settings.searches):
        checked = tree.checked
        right = proved(checked)
        open_ = [w for w in tree.wrong if next_check(w.solution, checked, right) is not None]
        if not open_:
            break
        one = select(open_, tree.states, tree.chosen, settings)
        tree.chosen[one.state] += 1
        while (middle := next_check(one.solution, tree.checked, proved(tree.checked))) is not None:
            yield from _visit(tree, middle, rollouts)
    return tree


def select(
    pool: list[Wrong],
    states: Mapping[Prefix, Estimate],
    chosen: Mapping[Prefix, int],
    settings: OmegaTree,
) -> Wrong:
    """The rollout of the pool with the largest Q + U, the first drawn of equals."""
    root = math.sqrt(sum(chosen.values()))

    def priority(one: Wrong) -> float:
        quality = settings.alpha ** (1 - states[one.state].value) * settings.beta ** (
            one.tokens / settings.length
        )
        return quality + settings.exploration * root / (1 + chosen.get(one.state, 0))

    return max(pool, key=priority)


def _visit(tree: Tree, state: Prefix, rollouts: int) -> Generator[Request, Any, None]:
    """Roll out a new state: its value, and its rollouts as solutions; wrong ones go in the pool if
    some are right.
    """
    (drawn,) = yield Extend([state], rollouts, until="end")
    whole = [state + c.steps for c in drawn]
    right = yield Judge(
        [replace(c, steps=solution) for c, solution in zip(drawn, whole, strict=True)]
    )
    tree.states[state] = Estimate(len(drawn), sum(map(bool, right)), sum(c.tokens for c in drawn))
    for solution, continuation, good in zip(whole, drawn, right, strict=True):
        known = tree.solutions.get(solution)
        if not solution or (continuation.is_cut and known and not known.is_cut):
            continue  # what was cut says nothing of the same text that ended
        if known and known.is_cut:
            del tree.solutions[solution]
        tree.ends[solution] = Estimate(0, 0, 0, bool(good))
        if not good and any(right):
            tree.wrong.append(Wrong(state, solution, continuation.tokens))
        # what was paid is known of the rollout alone, how likely the whole is, is not
        unknown = dict.fromkeys(("logprob", "min_logprob", "self_certainty"), math.nan)
        tree.solutions.setdefault(solution, replace(continuation, steps=solution, **unknown))
