"""Problems of programming contests, to train on: TACO, APPS and CodeContests.

A problem names a function to call, or asks for a program that reads standard input. A solution is
right only if the published inputs give the published outputs: other answers that the contest would
have accepted count as wrong. A problem whose published solutions all fail is left out.
"""

from __future__ import annotations

from typing import Any, TypeVar

from prmscale.tasks.benchmarks.judged_programs import Candidate, Cases, JudgedPrograms
from prmscale.tasks.benchmarks.rows import Rows
from prmscale.tasks.grading.printed import Printed

T = TypeVar("T", dict, list)


class TACO(JudgedPrograms):
    """25,443 training and 1,000 test problems with Python solutions (Li et al. 2023, 2312.14852).

    The published judge also accepts words in any order, and integers with a relative error of 1e-5;
    here order counts and integers must be exact. The time limit is one for each test. Every tenth
    training row is `validation`.
    """

    source, key, wrapped = "taco", "question", True
    levels: tuple[str, ...] = ("EASY", "MEDIUM", "MEDIUM_HARD", "HARD", "VERY_HARD")

    def _make_candidate(self, rows: Rows, split: str, index: int) -> Candidate | str:
        tests = _parse_filled(rows, index, "input_output", dict)
        solutions = _parse_filled(rows, index, "solutions", list)
        if not all(isinstance(solution, str) for solution in solutions):
            rows.refuse(index, "'solutions' should hold texts")
        for name in ("inputs", "outputs"):
            if not isinstance(tests.get(name, []), list):
                rows.refuse(index, f"{name!r} of 'input_output' should be a list")
        if not tests.get("inputs"):
            return "no tests"
        if not solutions:
            return "no solution"
        if tests.get("fn_name") is None:
            cases = Cases(
                entry=None,
                inputs=[_join_lines(given) for given in tests["inputs"]],
                expected=[_join_lines(printed) for printed in tests.get("outputs", [])],
            )
        else:
            cases = self._read_calls(rows, index, tests)
        words = rows.field(index, "question", str)
        return Candidate(self._make_problem(rows, split, index, words, cases), solutions)

    def _read_calls(self, rows: Rows, index: int, tests: dict[str, Any]) -> Cases:
        """The test cases of a function."""
        if not isinstance(tests["fn_name"], str):
            rows.refuse(index, "'fn_name' of 'input_output' should be the name of a function")
        if not all(isinstance(arguments, list) for arguments in tests["inputs"]):
            rows.refuse(index, "each of the inputs of a function should be a list of its arguments")
        return Cases(
            entry=tests["fn_name"],
            inputs=[_restore_keys(arguments) for arguments in tests["inputs"]],
            expected=[self._to_canonical(_restore_keys(v)) for v in tests.get("outputs", [])],
        )


class APPS(TACO):
    """5,000 training and 5,000 test problems in TACO's format (Hendrycks et al. 2021, 2105.09938).

    Many test problems have no solutions and are left out. Every tenth training row is `validation`.
    """

    source = "apps"
    levels = ("introductory", "interview", "competition")


class CodeContests(JudgedPrograms):
    """13,328 training, 117 validation and 165 test problems (Li et al. 2022, arXiv 2203.07814).

    Its tests are the public, private and generated ones together. As in the published judge, words
    are compared without regard to lines and case, and numbers within 1e-5. Problems without a
    solution in Python 3 are left out.
    """

    source, key = "codecontests", "name"
    printed = Printed("word", absolute=1e-5, case=False)

    def _make_candidate(self, rows: Rows, split: str, index: int) -> Candidate | str:
        row = rows[index]
        if row.get("input_file") or row.get("output_file"):
            return "files instead of standard input and output"
        public, private, generated = (
            _zip_columns(rows, index, name, "input", "output")
            for name in ("public_tests", "private_tests", "generated_tests")
        )
        tests = [*public, *private, *generated]
        if not tests:
            return "no tests"
        published = _zip_columns(rows, index, "solutions", "language", "solution")
        solutions = [text for language, text in published if language == _PYTHON_3]
        if not solutions:
            return "no solution in Python 3"
        cases = Cases(
            entry=None,
            inputs=[given for given, _ in tests],
            expected=[printed for _, printed in tests],
            visible=len(public),
        )
        words = rows.field(index, "description", str)
        return Candidate(self._make_problem(rows, split, index, words, cases), solutions)

    def _difficulty(self, rows: Rows, index: int) -> int:
        """The Codeforces rating in steps of 400; 0 if there is none."""
        return max(0, rows.optional(index, "cf_rating", int) or 0) // 400


_PYTHON_3 = 3  # the number of the language in CodeContests


def _parse_filled(rows: Rows, index: int, key: str, kind: type[T]) -> T:
    """A column that holds JSON text; an empty object of this kind if the column is empty."""
    return rows.parse(index, key, kind) if rows.field(index, key, str) else kind()


def _zip_columns(rows: Rows, index: int, name: str, first: str, second: str) -> list[Any]:
    """The pairs that CodeContests keeps as a column of two lists."""
    column = rows.field(index, name, dict)
    left, right = column.get(first), column.get(second)
    if not isinstance(left, list) or not isinstance(right, list) or len(left) != len(right):
        rows.refuse(index, f"{name!r} should hold equally many of {first!r} and {second!r}")
    return list(zip(left, right, strict=True))


def _join_lines(text: Any) -> str:
    """What a program reads or prints, given as a text or as a list of its lines."""
    return "\n".join(map(str, text)) if isinstance(text, list) else str(text)


def _restore_keys(value: Any) -> Any:
    """A value with the numeric keys of a dictionary that JSON has turned into text.

    The dictionary may also be the first item of a list.
    """
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [_restore_keys(value[0]), *value[1:]]
    if isinstance(value, dict) and all(str(key).lstrip("-").isdigit() for key in value):
        return {int(key): item for key, item in value.items()}
    return value
