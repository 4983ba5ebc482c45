"""From estimates of prefixes, or from the truth, to a `labels` table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from prmscale.labels.monte_carlo import Estimate
from prmscale.tasks.base import Prefix, Problem


def truths(task: Any, problem: Problem, steps: Sequence[str]) -> Sequence[bool | None]:
    """Whether the solution is right up to each step; None where the task cannot know."""
    return task.truth(problem, steps) if hasattr(task, "truth") else [None] * len(steps)


def label_table(
    problem: Problem,
    solutions: pd.DataFrame,
    estimates: Mapping[Prefix, Estimate] | None,
    task: Any,
    provenance: Mapping[str, Any],
) -> pd.DataFrame:
    """The labels of one problem's solutions; without estimates the labels are the truth.

    The first solution with a prefix carries the prefix's cost; the others carry 0 tokens.
    """
    rows, paid = [], set()
    for solution in solutions.itertuples(index=False):
        steps = tuple(solution.steps)
        for step, truth in enumerate(truths(task, problem, steps)):
            prefix = steps[: step + 1]
            found = Estimate(0, 0, 0, bool(truth)) if estimates is None else estimates[prefix]
            rows.append(
                {
                    "problem_id": problem.problem_id,
                    "solution_id": solution.solution_id,
                    "step": step,
                    "rollouts": found.rollouts,
                    "successes": found.successes,
                    "value": found.value,
                    "label": int(found.label),
                    "tokens_spent": 0 if prefix in paid else found.tokens,
                    "truth": float("nan") if truth is None else float(truth),
                    **provenance,
                }
            )
            paid.add(prefix)
    return pd.DataFrame(rows)
