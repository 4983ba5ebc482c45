"""PRMBench: right solutions, and the same with errors of one class put in (Song et al. 2025).

arXiv 2501.03124. Each row of a class gives two solutions: the modified one, whose first error is
the first of its error steps, and the original one, which is right. They are judged by the protocol
of ProcessBench, the first wrong step; PRMBench's own score counts every step.
"""

from __future__ import annotations

from prmscale.errors import UserError
from prmscale.tasks.base import Problem
from prmscale.tasks.benchmarks import sources
from prmscale.tasks.benchmarks.process_bench import NO_ERROR, FirstError
from prmscale.tasks.benchmarks.rows import Rows

_KINDS = ("modified", "original")


def load(subset: str, path: str | None = None) -> list[FirstError]:
    """All solutions of a class of errors, modified and original, from the hub or a file.

    In the path of a file, {split} stands for the class. Rows have the published columns `idx`,
    `classification`, `modified_question`, `modified_process`, `error_steps` (from 1),
    `original_question` and `original_process`. As in the published code an `idx` counts once, and
    an error step behind the last step is none. Raises UserError naming the file and line of a
    malformed row, or if no row is of the class.
    """
    file = path.replace("{split}", subset) if path else None
    rows = sources.rows("prmbench", file, "train")
    chosen: dict[str, int] = {}
    for index in range(len(rows)):
        if rows.field(index, "classification", str) == subset:
            chosen.setdefault(rows.field(index, "idx", str), index)
    if not chosen:
        raise UserError(f"{path or 'PRMBench'}: no row has the classification {subset!r}")
    return [_read_solution(rows, index, kind) for index in chosen.values() for kind in _KINDS]


def _read_solution(rows: Rows, index: int, kind: str) -> FirstError:
    """The modified or the original solution of a row."""
    texts = rows.field(index, f"{kind}_process", list)
    if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
        rows.refuse(index, f"'{kind}_process' should be texts, none of them empty")
    errors = rows.field(index, "error_steps", list)
    if not all(isinstance(step, int) and step >= 1 for step in errors):
        rows.refuse(index, "'error_steps' should be numbers of steps, from 1")
    within = [step - 1 for step in errors if step <= len(texts)]
    questions = {name: rows.field(index, f"{name}_question", str) for name in _KINDS}
    # both solutions are of one problem, unless its question was modified
    version = f"/{kind}" if len(set(questions.values())) > 1 else ""
    problem = Problem(
        problem_id=f"prmbench/{rows.field(index, 'idx', str)}{version}",
        domain="math",
        split="test",
        prompt=questions[kind],
        answer=None,
        tests=None,
        difficulty=0,
        source="prmbench",
        licence=sources.PUBLISHED["prmbench"].licence,
    )
    place = min(within, default=NO_ERROR) if kind == "modified" else NO_ERROR
    return FirstError(problem, tuple(text.strip() for text in texts), place)
