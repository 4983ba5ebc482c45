"""Problems of programming contests to train on: TACO, APPS and CodeContests.

A problem names a function to call, or its programs read standard input. Only whether a problem's
published inputs give the published outputs is judged: other answers that a contest would have
accepted count as wrong, and problems of which that is true of all published solutions are left out.
"""

from __future__ import annotations

from typing import Any

from prmscale.tasks.benchmarks.judged_programs import Candidate, JudgedPrograms
from prmscale.tasks.benchmarks.sources import Rows
from prmscale.tasks.grading.printed import Printed


class TACO(JudgedPrograms):
    """25,443 training and 1,000 test problems with Python solutions (Li et al. 2023, arXiv
    2312.14852).

    Its judge also accepts the right words in any order, and integers within a hundred-thousandth of
    the right one; here order counts and integers are exact. Its seconds are those of a test. Every
    tenth training row is validation.
    """

    source, key, wrapped = "taco", "question", True
    levels: tuple[str, ...] = ("EASY", "MEDIUM", "MEDIUM_HARD", "HARD", "VERY_HARD")

    def _candidate(self, rows: Rows, split: str, index: int) -> Candidate | str:
        tests = (
            rows.parsed(index, "input_output", dict)
            if rows.field(index, "input_output", str)
            else {}
        )
        solutions = (
            rows.parsed(index, "solutions", list) if rows.field(index, "solutions", str) else []
        )
        for name in ("inputs", "outputs"):
            if not isinstance(tests.get(name, []), list):
                rows.wrong(index, f"{name!r} of 'input_output' should be a list")
        if not tests.get("inputs"):
            return "no tests"
        if not solutions:
            return "no solution"
        entry, inputs, outputs = tests.get("fn_name"), tests["inputs"], tests.get("outputs", [])
        if entry is None:
            inputs, expected = [_lines(i) for i in inputs], [_lines(o) for o in outputs]
        else:
            if not all(isinstance(arguments, list) for arguments in inputs):
                rows.wrong(
                    index, "each of the inputs of a function should be a list of its arguments"
                )
            inputs, expected = (
                [_numbered(i) for i in inputs],
                [self._value(o) for o in map(_numbered, outputs)],
            )
        problem = self._problem(
            rows,
            split,
            index,
            words=rows.field(index, "question", str),
            entry=entry,
            inputs=inputs,
            expected=expected,
        )
        return Candidate(problem, solutions)


class APPS(TACO):
    """5,000 training and 5,000 test problems, in the format of TACO (Hendrycks et al. 2021, arXiv
    2105.09938).

    Many test problems come without solutions and are left out. Every tenth training row is
    validation.
    """

    source = "apps"
    levels = ("introductory", "interview", "competition")


class CodeContests(JudgedPrograms):
    """13,328 training, 117 validation and 165 test problems (Li et al. 2022, arXiv 2203.07814).

    Public, private and generated tests together. As by its own judge, words are compared without
    regard to lines and case, and numbers within 1e-5. Problems without solutions in Python 3 are
    left out.
    """

    source, key = "codecontests", "name"
    printed = Printed("word", absolute=1e-5, case=False)

    def _candidate(self, rows: Rows, split: str, index: int) -> Candidate | str:
        row = rows[index]
        if row.get("input_file") or row.get("output_file"):
            return "files instead of standard input and output"
        public, *hidden = (
            _columns(rows, index, name, "input", "output")
            for name in ("public_tests", "private_tests", "generated_tests")
        )
        tests = [*public, *hidden[0], *hidden[1]]
        if not tests:
            return "no tests"
        python3 = [
            text
            for code, text in _columns(rows, index, "solutions", "language", "solution")
            if code == 3
        ]
        if not python3:
            return "no solution in Python 3"
        problem = self._problem(
            rows,
            split,
            index,
            words=rows.field(index, "description", str),
            entry=None,
            inputs=[given for given, _ in tests],
            expected=[printed for _, printed in tests],
            visible=len(public),
        )
        return Candidate(problem, python3)

    def _difficulty(self, rows: Rows, index: int) -> int:
        """Codeforces' rating in steps of 400; 0 where there is none."""
        return max(0, int(rows[index].get("cf_rating") or 0)) // 400


def _columns(rows: Rows, index: int, name: str, first: str, second: str) -> list[tuple[Any, Any]]:
    """Pairs that CodeContests keeps as a column of two lists."""
    found = rows.field(index, name, dict)
    lists = found.get(first), found.get(second)
    if not all(isinstance(each, list) for each in lists) or len(lists[0]) != len(lists[1]):  # type: ignore[arg-type]
        rows.wrong(index, f"{name!r} should hold equally many of {first!r} and {second!r}")
    return list(zip(*lists, strict=True))  # type: ignore[arg-type]


def _lines(text: Any) -> str:
    """What a program reads or prints: a text, or a list of its lines."""
    return "\n".join(map(str, text)) if isinstance(text, list) else str(text)


def _numbered(value: Any) -> Any:
    """A value with the numeric keys of a dictionary, alone or first in a list, that JSON made text."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [_numbered(value[0]), *value[1:]]
    if isinstance(value, dict) and all(str(key).lstrip("-").isdigit() for key in value):
        return {int(key): each for key, each in value.items()}
    return value
