"""Sampling of whole solutions: the `solutions` table."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from prmscale.engines.policy import Extension, SamplingPolicy
from prmscale.engines.requests import Continuation
from prmscale.engines.scheduler import Grader, grade_whole
from prmscale.tasks import steps as step_text
from prmscale.tasks.base import Problem


def sample_solutions(
    policy: SamplingPolicy, grader: Grader, problems: Sequence[Problem], samples: int, progress: str
) -> pd.DataFrame:
    """`samples` judged solutions of every problem, with what they cost."""
    drawn = policy.extend([Extension(p, (), samples, 0, "end") for p in problems], progress)
    return solution_table(policy.name, grader, problems, drawn)


def solution_table(
    policy: str,
    grader: Grader,
    problems: Sequence[Problem],
    solved: Sequence[Sequence[Continuation]],
) -> pd.DataFrame:
    """The judged solutions of every problem, numbered in their order."""
    pairs = [
        (p, i, c) for p, group in zip(problems, solved, strict=True) for i, c in enumerate(group)
    ]
    grades = grade_whole(grader, [p for p, _, _ in pairs], [c for _, _, c in pairs])
    rows = [
        {
            "problem_id": p.problem_id,
            "solution_id": i,
            "policy": policy,
            "steps": list(c.steps),
            "text": step_text.join(c.steps),
            "answer": grade.answer,
            "finish_reason": c.finish_reason,
            "tokens": c.tokens,
            "correct": grade.correct,
            "found_by": grade.found_by,
            "logprob": c.logprob,
            "min_logprob": c.min_logprob,
            "self_certainty": c.self_certainty,
            "prefix_tokens": c.prefix_tokens,
            "flops": c.flops,
            "prefix_flops": c.prefix_flops,
            "thought": c.thought,
        }
        for (p, i, c), grade in zip(pairs, grades, strict=True)
    ]
    return pd.DataFrame(rows).astype({"answer": "string"})
