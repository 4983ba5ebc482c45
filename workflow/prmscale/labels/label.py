"""From solutions to a `labels` table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from prmscale.engines.scheduler import Grader, Policy, run
from prmscale.labels.adaptive import Decision, adaptive
from prmscale.labels.binary_search import binary_search
from prmscale.labels.monte_carlo import Estimate, monte_carlo
from prmscale.tasks.base import Prefix, Problem


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
    decision: Decision | None = None,
    method: str = "monte_carlo",
) -> list[dict[Prefix, Estimate]]:
    """Estimates of every prefix of the solutions by this method, one mapping a problem.

    `rollouts` is the number from a prefix, or the largest where `decision` may stop earlier; each
    problem's tokens are counted as if it were labelled alone.
    """
    by_problem = dict(tuple(solutions.groupby("problem_id", sort=False)))
    strategies = []
    for problem in problems:
        own = by_problem[problem.problem_id]
        complete = (own.finish_reason == "stop").tolist()
        steps = [tuple(s) for s in own.steps]
        if method == "monte_carlo":
            strategy = monte_carlo(steps, complete, rollouts)
        else:
            assert decision is not None, f"{method} stops by a decision"
            of = {"adaptive": adaptive, "binary_search": binary_search}[method]
            strategy = of(steps, complete, rollouts, decision)
        strategies.append((problem, strategy))
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
                value, label = float(bool(truth)), bool(truth)
            else:
                estimate = estimates[prefix]
                count, successes = estimate.rollouts, estimate.successes
                tokens = 0 if prefix in paid else estimate.tokens
                value, label = estimate.value, estimate.label
                paid.add(prefix)
            rows.append(
                {
                    "problem_id": problem.problem_id,
                    "solution_id": row.solution_id,
                    "step": t,
                    "rollouts": count,
                    "successes": successes,
                    "value": value,
                    "label": int(label),
                    "tokens_spent": tokens,
                    "truth": float("nan") if truth is None else float(truth),
                    **provenance,
                }
            )
    return pd.DataFrame(rows)
