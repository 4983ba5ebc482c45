"""LiveCodeBench: contest problems that appeared after most models were trained."""

from __future__ import annotations

import base64
import binascii
import io
import json
import pickle
import zlib
from typing import Any

from prmscale.tasks.benchmarks.judged_programs import Candidate, JudgedPrograms
from prmscale.tasks.benchmarks.sources import Rows
from prmscale.tasks.grading.printed import Printed


class LiveCodeBench(JudgedPrograms):
    """Contest problems in the order they appeared, release 6; all of it is `test` (Jain et al.
    2024, arXiv 2403.07974).

    As by its own judge, output is compared line by line and numbers exactly, a returned tuple
    passes for a list though none within it does, and the seconds are those of a test. No solutions
    are published, so that nothing can be held to the tests here.
    """

    source, key, referenced = "livecodebench", "question_id", False
    printed = Printed("line")
    levels = ("easy", "medium", "hard")
    tuples = 1

    def _candidate(self, rows: Rows, split: str, index: int) -> Candidate | str:
        public = rows.parsed(index, "public_test_cases", list)
        tests = [*public, *_private(rows, index)]
        if not tests:
            return "no tests"
        for test in tests:
            if not isinstance(test, dict) or not {"input", "output", "testtype"} <= set(test):
                rows.wrong(index, "a test should have input, output and testtype")
        entry, inputs, expected = None, [t["input"] for t in tests], [t["output"] for t in tests]
        if tests[0]["testtype"] == "functional":
            entry = rows.parsed(index, "metadata", dict).get("func_name")
            try:
                inputs = [[json.loads(line) for line in text.split("\n")] for text in inputs]
                expected = [self._value(json.loads(text)) for text in expected]
            except ValueError as error:
                rows.wrong(index, f"a functional test is not JSON ({error})")
        problem = self._problem(
            rows,
            split,
            index,
            words=rows.field(index, "question_content", str),
            entry=entry,
            inputs=inputs,
            expected=expected,
            visible=len(public),
        )
        return Candidate(problem, ())


_UNREADABLE = (
    binascii.Error,
    zlib.error,
    pickle.UnpicklingError,
    EOFError,
    LookupError,
    TypeError,
    ValueError,
)


class _PlainData(pickle.Unpickler):
    """Reads a pickle of plain data; one that names any class or function is refused, so that
    nothing of it is run.
    """

    def find_class(self, module: str, name: str) -> Any:
        """Refuse every name."""
        raise pickle.UnpicklingError(f"names {module}.{name}")


def _private(rows: Rows, index: int) -> list[Any]:
    """The private tests of LiveCodeBench: JSON, or JSON pickled as a string, compressed and in
    base64.
    """
    text = rows.field(index, "private_test_cases", str)
    if not text.lstrip().startswith("["):
        try:
            text = _PlainData(
                io.BytesIO(zlib.decompress(base64.b64decode(text, validate=True)))
            ).load()
        except _UNREADABLE as error:
            rows.wrong(index, f"'private_test_cases' cannot be decoded ({error})")
    try:
        tests = json.loads(text)
    except (TypeError, ValueError) as error:
        rows.wrong(index, f"'private_test_cases' is not JSON ({error})")
    if not isinstance(tests, list):
        rows.wrong(index, "'private_test_cases' should be a list of tests")
    return tests
