"""Math of contests and universities: AIME, AMC, Minerva's course problems and OlympiadBench."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from prmscale.tasks.base import Problem
from prmscale.tasks.benchmarks import sources
from prmscale.tasks.benchmarks.gsm8k_math import MathBenchmark, read_answer
from prmscale.tasks.benchmarks.rows import Rows
from prmscale.tasks.grading import math_answers
from prmscale.tasks.grading.math_numbers import value
from prmscale.tasks.grading.tolerance import is_near


class Contest(MathBenchmark):
    """Problems that are all tested on: columns `key` and `answer`."""

    key = "problem"

    def _select_rows(self, split: str) -> tuple[Rows, list[int]]:
        return sources.rows_of_split(self.source, self.path, split, self.key)

    def _make_problem(self, rows: Rows, split: str, index: int) -> Problem | str:
        answer = read_answer(rows, index)
        prompt = rows.field(index, self.key, str)
        return self._problem(split, index, prompt, answer, self._allow_errors(answer))

    def _allow_errors(self, answer: str) -> list[str] | None:
        """The absolute errors that the numbers of an answer may have; None if they are exact."""
        return None


class AIME24(Contest):
    """The 30 problems of AIME I and II 2024; answers are whole numbers from 0 to 999."""

    source = "aime24"


class AIME25(Contest):
    """The 30 problems of AIME I and II 2025."""

    source = "aime25"


class AMC(Contest):
    """83 problems of AMC 12 in 2022 and 2023, reworded so that each answer is a number."""

    source = "amc"


class _NearContest(Contest):
    """Problems whose numbers need only be near the reference: `tests` holds the absolute errors."""

    def _compare(self, pairs: Sequence[tuple[Problem, str]]) -> list[bool]:
        equal = super()._compare(pairs)
        return [
            same or is_near(problem.answer, answer, list(map(Fraction, problem.tests or [])))
            for same, (problem, answer) in zip(equal, pairs, strict=True)
        ]


class MinervaMath(_NearContest):
    """272 problems of MIT courses (Lewkowycz et al. 2022, arXiv 2206.14858).

    A reference with a decimal point or a power of ten is a rounded result: numbers within one
    percent of it are right, the threshold of the published rule. Whole numbers must be exact.
    """

    source, key = "minerva_math", "question"

    def _allow_errors(self, answer: str) -> list[str] | None:
        number, is_whole = value(math_answers.clean(answer)), answer.strip("$ +-").isdigit()
        return None if number is None or is_whole else [str(abs(number) / 100)]


class OlympiadBench(_NearContest):
    """674 olympiad problems in English with final answers (He et al. 2024, arXiv 2402.14008).

    The column `error` is the absolute error that a number may have; several answers are a list. The
    prompt names the unit, which the reference leaves out. Problems with images, proofs and answers
    that only a person can judge are left out.
    """

    source, key, subject_column = "olympiadbench", "question", "subfield"

    def _make_problem(self, rows: Rows, split: str, index: int) -> Problem | str:
        row = rows[index]
        if row.get("final_answer") in (None, []):
            return "no final answer"
        if any(row[name] is not None for name in row if str(name).startswith("image_")):
            return "needs an image"
        if row.get("answer_type") == "Need_human_evaluate":
            return "its answer needs a person to judge it"
        texts = rows.texts(index, "final_answer")
        answer = ", ".join(math_answers.clean(text) for text in texts)
        prompt = _write_prompt(rows, index, rows.field(index, self.key, str))
        return self._problem(split, index, prompt, answer, _read_errors(rows, index))


def _write_prompt(rows: Rows, index: int, question: str) -> str:
    """The question, after its context, and the unit in which it wants the answer."""
    context, unit = rows.optional(index, "context", str), rows.optional(index, "unit", str)
    asked = f"Give the answer in {unit}." if unit else ""
    return "\n\n".join(filter(None, (context, question, asked)))


def _read_errors(rows: Rows, index: int) -> list[str] | None:
    """The errors that the numbers of an answer may have, as exact numbers; None if there are none.

    Raises UserError if they are not numbers.
    """
    text = str(rows[index].get("error") or "").strip("$ ")
    if not text:
        return None
    errors = [value(part) for part in re.split(r"\s*,\s*", text)]
    if None in errors:
        rows.refuse(index, f"'error' should be a number, or numbers with commas, and is {text!r}")
    return [str(error) for error in errors]
