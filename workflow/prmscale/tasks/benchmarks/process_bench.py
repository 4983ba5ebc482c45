"""ProcessBench: solutions whose first wrong step people have marked (Zheng et al. 2024).

arXiv 2412.06559.
"""

from __future__ import annotations

from dataclasses import dataclass

from prmscale.tasks.base import Problem
from prmscale.tasks.benchmarks import sources
from prmscale.tasks.benchmarks.rows import Rows

NO_ERROR = -1


@dataclass(frozen=True)
class FirstError:
    """A solution and the index of its first wrong step; NO_ERROR if all steps are right."""

    problem: Problem
    steps: tuple[str, ...]
    first_error: int


def load(subset: str, path: str | None = None) -> list[FirstError]:
    """All solutions of a subset (gsm8k, math, olympiadbench, omnimath), from the hub or a file.

    In the path of a file, {split} stands for the subset. Rows have the published columns `id`,
    `problem`, `steps` and `label`. Raises UserError naming the file and line of a malformed row.
    """
    rows = sources.rows("processbench", path, subset)
    return [_read_solution(rows, index, subset) for index in range(len(rows))]


def _read_solution(rows: Rows, index: int, subset: str) -> FirstError:
    texts, label = rows.field(index, "steps", list), rows.field(index, "label", int)
    if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
        rows.refuse(index, "'steps' should be texts, none of them empty")
    if not NO_ERROR <= label < len(texts):
        rows.refuse(
            index, f"a label of {label} and {len(texts)} steps; it is a step's number from 0, or -1"
        )
    problem = Problem(
        problem_id=f"processbench/{subset}/{rows.field(index, 'id', str)}",
        domain="math",
        split="test",
        prompt=rows.field(index, "problem", str),
        answer=None,
        tests=None,
        difficulty=0,
        source="processbench",
        licence=sources.PUBLISHED["processbench"].licence,
    )
    return FirstError(problem, tuple(text.strip() for text in texts), label)
