"""Replays stored solutions as if they were sampled now: one set of samples serves every reward
model and strategy.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from prmscale.engines.policy import Extension
from prmscale.engines.requests import Continuation
from prmscale.errors import UserError
from prmscale.tasks.base import Grade


class RecordedPolicy:
    """A policy whose whole solutions were sampled before (a `solutions` table); draw i replays
    solution i.

    Cost is what sampling them cost. Only whole solutions from the empty prefix are on record.
    """

    def __init__(self, solutions: pd.DataFrame, seconds_per_token: float = 0.0) -> None:
        self.seconds_per_token = seconds_per_token
        self._drawn: dict[str, list[Continuation]] = {}
        self.grades: dict[tuple[str, tuple[str, ...]], Grade] = {}
        ordered = solutions.sort_values(["problem_id", "solution_id"])
        for row in ordered.itertuples(index=False):
            steps = tuple(row.steps)
            answer = None if pd.isna(row.answer) else row.answer
            if row.finish_reason != "length":  # the same text, not cut, is judged by what it says
                self.grades[row.problem_id, steps] = Grade(answer, bool(row.correct))
            self._drawn.setdefault(row.problem_id, []).append(
                Continuation(
                    steps,
                    row.finish_reason,
                    int(row.tokens),
                    float(row.logprob),
                    float(row.self_certainty),
                    int(row.prefix_tokens),
                    float(row.flops),
                    float(row.min_logprob),
                    float(row.prefix_flops),
                )
            )

    def extend(
        self, extensions: Sequence[Extension], progress: str | None = None
    ) -> list[list[Continuation]]:
        """Replay the asked draws; raises UserError where they are not on record."""
        replies = []
        for e in extensions:
            drawn = self._drawn.get(e.problem.problem_id, [])
            if e.prefix or e.until != "end" or e.first_draw + e.samples > len(drawn):
                raise UserError(
                    f"{e.problem.problem_id}: {len(drawn)} recorded solutions, "
                    f"draws {e.first_draw}-{e.first_draw + e.samples - 1} were asked for; "
                    "raise search.evaluations[].samples in the configuration"
                )
            replies.append(drawn[e.first_draw : e.first_draw + e.samples])
        return replies
