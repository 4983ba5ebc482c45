"""The methods that label steps by rollouts: a new method is a module and a line of METHODS."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from prmscale import plugins
from prmscale.engines.requests import Strategy
from prmscale.engines.scheduler import Grader, run
from prmscale.engines.stream import Policy
from prmscale.errors import UserError
from prmscale.labels.adaptive import ANY_RIGHT, Decision, adaptive
from prmscale.labels.binary_search import binary_search
from prmscale.labels.monte_carlo import Estimate, monte_carlo, prefixes_of
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


def register_label_method(name: str) -> Callable[[Start], Start]:
    """Register a plugin's label method: a generator function like those of METHODS (see `Start`).

    Raises UserError if the name is taken or the function is no such generator.
    """

    def enter(start: Start) -> Start:
        plugins.check_generator(start, "solutions", "complete", "rollouts", "decision")
        # `compare` is the name of the table in which methods are compared
        plugins.register("method", name, (METHODS, start), taken=["compare"])
        return start

    return enter


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

    The problems run in common batches; each is charged the tokens that it would cost alone. Raises
    UserError if the method leaves out a prefix.
    """
    by_problem = dict(tuple(solutions.groupby("problem_id", sort=False)))
    strategies = [(problem, method.start(by_problem[problem.problem_id])) for problem in problems]
    runs = run(strategies, policy, grader=grader, progress=progress)
    for each in runs:
        name = each.problem.problem_id
        _check_estimates(f"label method {method.name}: {name}", by_problem[name], each.result)
    return [each.result for each in runs]


def _check_estimates(label: str, solutions: pd.DataFrame, estimates: Any) -> None:
    """Raise UserError unless there is an Estimate of every prefix."""
    for prefix in prefixes_of([tuple(each) for each in solutions["steps"]]):
        if not isinstance(estimates, Mapping) or not isinstance(estimates.get(prefix), Estimate):
            raise UserError(
                f"{label}: a method must return an Estimate of every prefix of the solutions, and "
                f"the first without one has {len(prefix)} steps"
            )
