"""GSM8K and MATH: word problems and competition problems with a final answer."""

from __future__ import annotations

import re
from collections.abc import Sequence

from prmscale.tasks.base import Domain, Grade, Problem
from prmscale.tasks.benchmarks import sources
from prmscale.tasks.benchmarks.base import PublishedBenchmark
from prmscale.tasks.benchmarks.rows import Rows
from prmscale.tasks.grading import math_answers


class MathBenchmark(PublishedBenchmark):
    """A published data set whose solutions are judged by their final answer alone."""

    domain: Domain = "math"

    def _make_problems(
        self, rows: Rows, split: str, batch: Sequence[int]
    ) -> Sequence[Problem | str]:
        return [self._make_problem(rows, split, index) for index in batch]

    def _make_problem(self, rows: Rows, split: str, index: int) -> Problem | str:
        """The problem of a row, or the reason why it cannot be judged."""
        raise NotImplementedError

    def grade(self, problems: Sequence[Problem], texts: Sequence[str]) -> list[Grade]:
        """Compares the final answer of each text with the reference.

        A vote counts the canonical form of the answer.
        """
        found = [math_answers.find(text) for text in texts]
        pairs = [
            (problem, answer)
            for problem, (answer, _) in zip(problems, found, strict=True)
            if answer is not None
        ]
        verdicts = iter(self._compare(pairs))
        grades = []
        for answer, rule in found:
            if answer is None:
                grades.append(Grade(None, False, rule))
            else:
                grades.append(Grade(math_answers.to_canonical(answer), next(verdicts), rule))
        return grades

    def _compare(self, pairs: Sequence[tuple[Problem, str]]) -> list[bool]:
        """Whether each answer to a problem equals the reference."""
        return math_answers.compare([(problem.answer, answer) for problem, answer in pairs])


class GSM8K(MathBenchmark):
    """Grade-school word problems (Cobbe et al. 2021, arXiv 2110.14168).

    The published test set is `test`; every tenth row of the published training set is `validation`.
    """

    source = "gsm8k"

    def _select_rows(self, split: str) -> tuple[Rows, list[int]]:
        if split == "test":
            rows = sources.rows(self.source, self.path, "test")
            return rows, list(range(len(rows)))
        rows = sources.rows(self.source, self.path, "train")
        return rows, sources.hold_out_tenth(rows, split)

    def _make_problem(self, rows: Rows, split: str, index: int) -> Problem:
        solution = rows.field(index, "answer", str)
        _, mark, last = solution.rpartition("####")
        answer = last.strip() if mark else math_answers.extract(solution)
        if not answer:
            rows.refuse(index, f"'answer' must end with a number after '####' and is {solution!r}")
        return self._problem(
            split,
            index,
            prompt=rows.field(index, "question", str),
            answer=answer.replace(",", ""),
            tests=None,
            difficulty=solution.count("<<"),  # annotated calculations
        )


class GSM8KPlatinum(GSM8K):
    """GSM8K's test problems without wrong and ambiguous ones (Vendrow et al. 2025, 2502.03461).

    1,209 problems, all in `test`.
    """

    source = "gsm8k_platinum"

    def _select_rows(self, split: str) -> tuple[Rows, list[int]]:
        return sources.rows_of_split(self.source, self.path, split, "question")


class Math(MathBenchmark):
    """Competition problems (Hendrycks et al. 2021, arXiv 2103.03874); from the hub, MATH-500.

    The hash of a problem's text decides which split it belongs to.
    """

    source = "math"

    def _make_problem(self, rows: Rows, split: str, index: int) -> Problem | str:
        row = rows[index]
        prompt = rows.field(index, "problem", str)
        answer: str | None
        if row.get("answer") in (None, ""):
            answer = math_answers.extract(rows.field(index, "solution", str))
        else:
            answer = read_answer(rows, index)
        if answer is None:
            return "its solution has no final answer"
        level = re.fullmatch("(?:Level )?([1-5])", str(row.get("level")))
        return self._problem(
            split, index, prompt, answer, tests=None, difficulty=int(level[1]) if level else 0
        )

    def _select_rows(self, split: str) -> tuple[Rows, list[int]]:
        rows = sources.rows("math", self.path, split if self.path else "test")
        names = [rows.field(i, "problem", str) for i in range(len(rows))]
        if "{split}" in (self.path or ""):
            return rows, list(range(len(rows)))
        return rows, sources.part(names, split)


class Math500(Math):
    """MATH-500: 500 test problems of MATH (Lightman et al. 2023, 2305.20050), all in `test`."""

    source, subject_column = "math500", "subject"

    def _select_rows(self, split: str) -> tuple[Rows, list[int]]:
        return sources.rows_of_split(self.source, self.path, split, "problem")


class HendrycksMath(Math500):
    """The 7,500 training problems of MATH, none of which is in MATH-500.

    Every tenth problem is `validation`.
    """

    source, subject_column = "hendrycks_math", "type"


def read_answer(rows: Rows, index: int) -> str:
    """The text of an answer that may be a number: 33 of 33.0 and of `033`."""
    answer = rows.field(index, "answer", object)
    if isinstance(answer, bool) or not isinstance(answer, str | int | float) or answer != answer:
        rows.refuse(index, f"'answer' should be a text or a number and is {answer!r}")
    if isinstance(answer, float) and answer.is_integer():
        return str(int(answer))
    text = str(answer).strip()
    return str(int(text)) if text.isdecimal() else text
