"""Stored solutions: rows of the table `solutions`, and a policy that replays them as its draws.

One set of samples serves every reward model and strategy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from prmscale.engines.requests import Continuation, Extension
from prmscale.errors import UserError
from prmscale.tasks import steps as step_text
from prmscale.tasks.base import Grade


def to_row(
    problem_id: str, solution_id: int, policy: str, solution: Continuation, grade: Grade
) -> dict[str, Any]:
    """A row of the table `solutions`; one that its policy did not end is `partial`."""
    return {
        "problem_id": problem_id,
        "solution_id": solution_id,
        "policy": policy,
        "steps": list(solution.steps),
        "text": step_text.join(solution.steps),
        "answer": grade.answer,
        "finish_reason": solution.finish_reason or "partial",
        "tokens": solution.tokens,
        "correct": grade.correct,
        "found_by": grade.found_by,
        "visible": math.nan if grade.visible is None else grade.visible,
        "logprob": solution.logprob,
        "min_logprob": solution.min_logprob,
        "self_certainty": solution.self_certainty,
        "prefix_tokens": solution.prefix_tokens,
        "flops": solution.flops,
        "prefix_flops": solution.prefix_flops,
        "thought": solution.thought,
    }


def from_row(row: Any) -> tuple[Continuation, Grade]:
    """The solution and grade of a row (as `DataFrame.itertuples` yields it), without thoughts."""
    solution = Continuation(
        steps=tuple(row.steps),
        finish_reason=None if row.finish_reason == "partial" else row.finish_reason,
        tokens=int(row.tokens),
        logprob=float(row.logprob),
        self_certainty=float(row.self_certainty),
        prefix_tokens=int(row.prefix_tokens),
        flops=float(row.flops),
        min_logprob=float(row.min_logprob),
        prefix_flops=float(row.prefix_flops),
        number=int(row.solution_id),
    )
    answer, visible = row.answer, getattr(row, "visible", None)  # an older table has none
    grade = Grade(
        None if pd.isna(answer) else answer,
        bool(row.correct),
        visible=None if visible is None or pd.isna(visible) else float(visible),
    )
    return solution, grade


class RecordedPolicy:
    """A policy that replays recorded solutions: draw i of a problem is its solution i.

    The cost is that of sampling them. Only whole solutions of the bare problem are on record.
    `grades` are the recorded grades of (problem_id, steps).
    """

    def __init__(self, solutions: pd.DataFrame) -> None:
        self.grades: dict[tuple[str, tuple[str, ...]], Grade] = {}
        self._recorded: dict[str, list[Continuation]] = {}
        ordered = solutions.sort_values(["problem_id", "solution_id"])
        for row in ordered.itertuples(index=False):
            solution, grade = from_row(row)
            # a solution that was cut is wrong, but the same text, if it was not cut, may be correct
            if not solution.is_cut:
                self.grades[row.problem_id, solution.steps] = grade
            self._recorded.setdefault(row.problem_id, []).append(solution)

    def extend(
        self, extensions: Sequence[Extension], progress: str | None = None
    ) -> list[list[Continuation]]:
        """Replay the draws asked for; raises UserError if they are not on record."""
        replies = []
        for e in extensions:
            recorded = self._recorded.get(e.problem.problem_id, [])
            if e.prefix or e.until != "end" or e.first_draw + e.samples > len(recorded):
                raise UserError(
                    f"{e.problem.problem_id}: {len(recorded)} recorded solutions, "
                    f"draws {e.first_draw}-{e.first_draw + e.samples - 1} were asked for; "
                    "raise search.evaluations[].samples in the configuration"
                )
            replies.append(recorded[e.first_draw : e.first_draw + e.samples])
        return replies
