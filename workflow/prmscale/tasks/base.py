"""What a task is: its problems, and how it judges solutions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import pandas as pd

Domain = Literal["math", "code", "knowledge"]
Prefix = tuple[str, ...]  # the steps of a solution so far


@dataclass(frozen=True)
class Problem:
    """One problem.

    `answer` is the reference (math: the final answer; code: a reference solution or None;
    knowledge: the letter of an option). `tests` is what the task judges solutions by beside it
    (code: test cases; math: errors that numbers may have), JSON-serialisable. `detail` is for the
    task only (the generated worlds keep their specification there, multiple-choice questions their
    options). `difficulty` is 1 (easiest) and up; 0 if it is unknown.
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
    """The verdict on one solution.

    `answer` is the canonical answer that majority voting counts (None: no answer). `found_by` is
    the name of the rule that found the answer, or the program, in the text; empty if there is only
    one rule. `visible` is the share of the visible tests that a program passes (None: the problem
    shows none).
    """

    answer: str | None
    correct: bool
    found_by: str = ""
    visible: float | None = None


class Task(Protocol):
    """A family of problems. `source` on a problem names its task."""

    domain: Domain

    def load(self, split: str, count: int | None, seed: int) -> list[Problem]:
        """The first `count` problems (None: all) of a split, in an order that `seed` fixes."""
        ...

    def grade(self, problems: Sequence[Problem], texts: Sequence[str]) -> list[Grade]:
        """Judge `texts[i]`, a whole solution of `problems[i]`."""
        ...


def bucket(name: str) -> int:
    """A number from 0 to 99: the hash of a name, which decides the split of what it names."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest(), "little") % 100


def rename(problem_id: str, dataset: str) -> str:
    """The id of the same problem in another data set."""
    return "/".join([dataset, *problem_id.split("/")[1:]])


_JSON = ("answer", "tests", "detail")


def to_table(problems: Sequence[Problem]) -> pd.DataFrame:
    """Problems as a `problems` table (answer, tests and detail as JSON)."""
    rows = []
    for problem in problems:
        row = vars(problem)
        encoded = {key: json.dumps(row[key]) for key in _JSON}
        rows.append({**row, **encoded})
    return pd.DataFrame(rows, columns=list(Problem.__dataclass_fields__))


def from_table(table: pd.DataFrame) -> list[Problem]:
    """The inverse of `to_table`."""
    names = list(Problem.__dataclass_fields__)
    problems = []
    for row in table[names].to_dict("records"):
        parsed = {key: json.loads(row[key]) for key in _JSON}
        problems.append(Problem(**{**row, **parsed}))
    return problems
