"""From solutions to a `labels` table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from prmscale.engines.requests import Prefix
from prmscale.engines.scheduler import Grader, Policy, run
from prmscale.labels.monte_carlo import Estimate, monte_carlo
from prmscale.tasks.base import Problem


def truths(task: Any, problem: Problem, steps: Sequence[str]) -> Sequence[bool | None]:
    """Whether the solution is right up to each step, None where the task cannot know."""
    return task.truth(problem, steps) if hasattr(task, "truth") else [None] * len(steps)


def by_rollouts(
    problems: Sequence[Problem],
    solutions: pd.DataFrame,
    policy: Policy,
    grader: Grader,
    rollouts: int,
    progress: str | None = None,
) -> list[dict[Prefix, Estimate]]:
    """Monte-Carlo estimates of every prefix of the solutions, one mapping a problem."""
    by_problem = dict(tuple(solutions.groupby("problem_id", sort=False)))
    strategies = []
    for problem in problems:
        own = by_problem[problem.problem_id]
        complete = (own.finish_reason == "stop").tolist()
        strategies.append((problem, monte_carlo([tuple(s) for s in own.steps], complete, rollouts)))
    return [each.result for each in run(strategies, policy, grader=grader, progress=progress)]


def table(
    problem: Problem,
    solutions: pd.DataFrame,
    estimates: Mapping[Prefix, Estimate] | None,
    task: Any,
    provenance: Mapping[str, Any],
) -> pd.DataFrame:
    """The labels of one problem's solutions; without estimates the labels are the truth.

    The cost of a prefix that solutions share stands on the first of them.
    """
    rows, paid = [], set()
    for row in solutions.itertuples(index=False):
        steps = tuple(row.steps)
        known = truths(task, problem, steps)
        for t, truth in enumerate(known):
            prefix = steps[: t + 1]
            if estimates is None:
                count, successes, tokens = 0, 0, 0
                value = float(bool(truth))
            else:
                estimate = estimates[prefix]
                count, successes = estimate.rollouts, estimate.successes
                tokens = 0 if prefix in paid else estimate.tokens
                value = successes / count
                paid.add(prefix)
            rows.append(
                {
                    "problem_id": problem.problem_id,
                    "solution_id": row.solution_id,
                    "step": t,
                    "rollouts": count,
                    "successes": successes,
                    "value": value,
                    "label": int(value > 0),  # right if any rollout succeeds (Math-Shepherd's hard estimate)
                    "tokens_spent": tokens,
                    "truth": float("nan") if truth is None else float(truth),
                    **provenance,
                }
            )
    return pd.DataFrame(rows)
