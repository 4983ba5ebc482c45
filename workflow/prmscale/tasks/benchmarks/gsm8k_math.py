"""GSM8K and MATH: word problems and competition problems with a final answer."""

from __future__ import annotations

from collections.abc import Sequence

from prmscale.tasks.base import Domain, Grade, Problem
from prmscale.tasks.benchmarks import sources
from prmscale.tasks.benchmarks.drawing import Drawn
from prmscale.tasks.grading import math_answers


class _FinalAnswer(Drawn):
    """Judged by the final answer alone."""

    domain: Domain = "math"

    def _made(self, rows: sources.Rows, split: str, batch: Sequence[int]) -> list[Problem]:
        return [self._problem(rows, split, i) for i in batch]

    def _problem(self, rows: sources.Rows, split: str, index: int) -> Problem:
        """The problem of a row."""
        raise NotImplementedError

    def grade(self, problems: Sequence[Problem], texts: Sequence[str]) -> list[Grade]:
        """The extracted answers against the references; the answer counted by a vote is its normal
        form.
        """
        found = [math_answers.find(text) for text in texts]
        pairs = [
            (p.answer, f.answer)
            for p, f in zip(problems, found, strict=True)
            if f.answer is not None
        ]
        right = iter(math_answers.equal(pairs))
        return [
            Grade(None, False, f.rule)
            if f.answer is None
            else Grade(math_answers.canonical(f.answer), next(right), f.rule)
            for f in found
        ]


class GSM8K(_FinalAnswer):
    """Grade-school word problems (Cobbe et al. 2021, arXiv 2110.14168).

    The published test set is `test`; of the published training set every tenth row is `validation`.
    """

    source = "gsm8k"

    def _rows(self, split: str) -> tuple[sources.Rows, list[int]]:
        rows = sources.rows("gsm8k", self.path, "test" if split == "test" else "train")
        own = [
            i
            for i in range(len(rows))
            if split == "test" or (i % 10 == 9) == (split == "validation")
        ]
        return rows, own

    def _problem(self, rows: sources.Rows, split: str, index: int) -> Problem:
        solution = rows.field(index, "answer", str)
        return Problem(
            problem_id=f"{self.name}/{split}/{index:05d}",
            domain="math",
            split=split,
            prompt=rows.field(index, "question", str),
            answer=solution.rpartition("####")[2].strip().replace(",", ""),
            tests=None,
            difficulty=solution.count("<<"),  # annotated calculations
            source="gsm8k",
            licence=sources.PUBLISHED["gsm8k"].licence,
        )


class Math(_FinalAnswer):
    """Competition problems (Hendrycks et al. 2021, arXiv 2103.03874); on the hub MATH-500.

    A file is cut in splits by the hash of each problem's text.
    """

    source = "math"

    def _problem(self, rows: sources.Rows, split: str, index: int) -> Problem:
        row = rows[index]
        words = rows.field(index, "problem", str)
        answer = row.get("answer") or math_answers.extract(rows.field(index, "solution", str))
        level = "".join(c for c in str(row.get("level", "")) if c.isdigit())
        return Problem(
            problem_id=f"{self.name}/{split}/{index:05d}",
            domain="math",
            split=split,
            prompt=words,
            answer=str(answer),
            tests=None,
            difficulty=int(level or 0),
            source=self.source,
            licence=sources.PUBLISHED[self.source].licence,
        )

    def _rows(self, split: str) -> tuple[sources.Rows, list[int]]:
        rows = sources.rows("math", self.path, split if self.path else "test")
        names = [rows.field(i, "problem", str) for i in range(len(rows))]
        return rows, list(range(len(rows))) if "{split}" in (self.path or "") else sources.part(
            names, split
        )


class Math500(Math):
    """MATH-500, the 500 test problems of Lightman et al. (2023, arXiv 2305.20050); all of it is
    `test`.
    """

    source = "math500"

    def _rows(self, split: str) -> tuple[sources.Rows, list[int]]:
        return sources.own_rows(self.source, self.path, split, "problem")


class HendrycksMath(Math500):
    """The 7,500 training problems of MATH, none of which is in MATH-500; every tenth is
    `validation`.
    """

    source = "hendrycks_math"
