"""LiveCodeBench: contest problems that appeared after most models were trained."""

from __future__ import annotations

import base64
import binascii
import io
import json
import pickle
import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from prmscale.tasks.benchmarks.judged_programs import Candidate, Cases, JudgedPrograms
from prmscale.tasks.benchmarks.rows import Rows
from prmscale.tasks.grading.printed import Printed


class LiveCodeBench(JudgedPrograms):
    """Contest problems in order of appearance, release 6, all in `test` (Jain et al. 2024).

    arXiv 2403.07974. As in the published judge, output is compared line by line and numbers must be
    exact, a returned tuple counts as a list but a tuple within it does not, and the time limit is
    one for each test. No solutions are published, so the tests cannot be checked against any.
    """

    source, key, referenced = "livecodebench", "question_id", False
    public = True
    printed = Printed("line")
    levels = ("easy", "medium", "hard")
    tuples = 1

    def _make_candidate(self, rows: Rows, split: str, index: int) -> Candidate | str:
        public = rows.parse(index, "public_test_cases", list)
        tests = [*public, *_read_private(rows, index)]
        if not tests:
            return "no tests"
        for test in tests:
            parts = map(test.get, _PARTS) if isinstance(test, dict) else [None]
            if not all(isinstance(part, str) for part in parts):
                rows.refuse(index, f"a test should have the texts {', '.join(_PARTS)}")
        inputs = [test["input"] for test in tests]
        outputs = [test["output"] for test in tests]
        if tests[0]["testtype"] == "functional":
            cases = self._read_calls(rows, index, inputs, outputs)
        else:
            cases = Cases(None, inputs, outputs)
        words = rows.field(index, "question_content", str)
        shown = replace(cases, visible=len(public))
        return Candidate(self._make_problem(rows, split, index, words, shown), ())

    def _read_calls(
        self, rows: Rows, index: int, inputs: Sequence[str], outputs: Sequence[str]
    ) -> Cases:
        """The test cases of a function: an input holds an argument a line, in JSON."""
        entry = rows.parse(index, "metadata", dict).get("func_name")
        if not isinstance(entry, str):
            rows.refuse(index, "'func_name' of 'metadata' should be the name of a function")
        try:
            arguments = [list(map(json.loads, text.split("\n"))) for text in inputs]
            expected = [self._to_canonical(json.loads(text)) for text in outputs]
        except ValueError as error:
            rows.refuse(index, f"a functional test is not JSON ({error})")
        return Cases(entry, arguments, expected)


_PARTS = ("input", "output", "testtype")
_UNREADABLE = (
    binascii.Error,
    zlib.error,
    pickle.UnpicklingError,
    EOFError,
    LookupError,
    TypeError,
    ValueError,
)


class _PlainUnpickler(pickle.Unpickler):
    """Reads plain data; refuses a pickle that names a class or function, and runs none of it."""

    def find_class(self, module: str, name: str) -> Any:
        """Refuse every name."""
        raise pickle.UnpicklingError(f"names {module}.{name}")


def _read_private(rows: Rows, index: int) -> list[Any]:
    """The private tests: JSON text, or a pickled JSON string, compressed and in base64."""
    text = rows.field(index, "private_test_cases", str)
    if not text.lstrip().startswith("["):
        try:
            data = zlib.decompress(base64.b64decode(text, validate=True))
            text = _PlainUnpickler(io.BytesIO(data)).load()
        except _UNREADABLE as error:
            rows.refuse(index, f"'private_test_cases' cannot be decoded ({error})")
    try:
        tests = json.loads(text)
    except (TypeError, ValueError) as error:
        rows.refuse(index, f"'private_test_cases' is not JSON ({error})")
    if not isinstance(tests, list):
        rows.refuse(index, "'private_test_cases' should be a list of tests")
    return tests
