"""The methods that label steps by rollouts: a new method is a module and a line of METHODS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from prmscale.engines.requests import Strategy
from prmscale.engines.scheduler import Grader, Policy, run
from prmscale.labels.adaptive import ANY_RIGHT, Decision, adaptive
from prmscale.labels.binary_search import binary_search
from prmscale.labels.monte_carlo import Estimate, monte_carlo
from prmscale.tasks.base import Prefix, Problem

# (solutions of one problem, whether the policy ended each, rollouts, decision) to a strategy that
# returns {prefix: Estimate} for every prefix of the solutions
Start = Callable[[Sequence[Prefix], Sequence[bool], int, Decision], Strategy]

METHODS: dict[str, Start] = {
    "monte_carlo": lambda solutions, complete, rollouts, _: monte_carlo(
        solutions, complete, rollouts
    ),
    "adaptive": adaptive,
    "binary_search": binary_search,
}


@dataclass(frozen=True)
class Method:
    """A label method with its settings.

    `rollouts` is K, the number of rollouts from each prefix, or the most where `decision` stops
    earlier. The names `oracle` and `omega` are no METHODS: the truth needs no rollouts, and a tree
    writes its own solutions (`labeller.Labeller`).
    """

    name: str
    rollouts: int
    decision: Decision = ANY_RIGHT

    def start(self, solutions: pd.DataFrame) -> Strategy:
        """The strategy that estimates every prefix of these solutions of one problem."""
        steps = [tuple(each) for each in solutions["steps"]]
        complete = (solutions["finish_reason"] == "stop").tolist()
        return METHODS[self.name](steps, complete, self.rollouts, self.decision)


def estimate_prefixes(
    problems: Sequence[Problem],
    solutions: pd.DataFrame,
    method: Method,
    policy: Policy,
    grader: Grader,
    progress: str | None = None,
) -> list[dict[Prefix, Estimate]]:
    """Estimates of every prefix of the solutions, one mapping a problem.

    The problems run in common batches; each is charged the tokens that it would cost alone.
    """
    by_problem = dict(tuple(solutions.groupby("problem_id", sort=False)))
    strategies = [(problem, method.start(by_problem[problem.problem_id])) for problem in problems]
    return [each.result for each in run(strategies, policy, grader=grader, progress=progress)]
