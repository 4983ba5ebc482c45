"""What a task is: problems, and how a solution of one is judged."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import pandas as pd

Domain = Literal["math", "code"]
Prefix = tuple[str, ...]  # the steps of a solution so far


@dataclass(frozen=True)
class Problem:
    """One problem.

    `answer` is the reference (math: the final answer; code: a reference solution or None). `tests`
    belong to code: task-specific, JSON-serialisable. `detail` is what the task alone understands
    (the generated worlds keep their specification there). `difficulty` is 1 (easiest) and up; 0
    where it is not known.
    """

    problem_id: str
    domain: Domain
    split: str
    prompt: str
    answer: Any
    tests: Any
    difficulty: int
    source: str
    licence: str
    detail: Any = None


@dataclass(frozen=True)
class Grade:
    """The verdict on one solution: the canonical answer that majority voting counts (None: no
    answer), right or not.

    `found_by` names the rule by which the answer, or the program, was found in the text; empty
    where there is only one.
    """

    answer: str | None
    correct: bool
    found_by: str = ""


class Task(Protocol):
    """A family of problems. `source` on a problem names its task."""

    domain: Domain

    def load(self, split: str, count: int | None, seed: int) -> list[Problem]:
        """The first `count` problems (None: all) of a split, in an order that `seed` fixes."""
        ...

    def grade(self, problems: Sequence[Problem], texts: Sequence[str]) -> list[Grade]:
        """Judge `texts[i]`, a whole solution of `problems[i]`."""
        ...


def to_table(problems: Sequence[Problem]) -> pd.DataFrame:
    """Problems as a `problems` table (answer, tests and detail as JSON)."""
    rows = [
        {
            **vars(p),
            "answer": json.dumps(p.answer),
            "tests": json.dumps(p.tests),
            "detail": json.dumps(p.detail),
        }
        for p in problems
    ]
    return pd.DataFrame(rows, columns=list(Problem.__dataclass_fields__))


def from_table(table: pd.DataFrame) -> list[Problem]:
    """The inverse of `to_table`."""
    return [
        Problem(
            **{
                **{
                    str(key): value
                    for key, value in row.items()
                    if key in Problem.__dataclass_fields__
                },
                "answer": json.loads(row["answer"]),
                "tests": json.loads(row["tests"]),
                "detail": json.loads(row["detail"]),
            }
        )
        for row in table.to_dict("records")
    ]
