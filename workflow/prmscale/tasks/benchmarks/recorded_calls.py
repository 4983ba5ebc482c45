"""Python functions judged by the values they return.

A published test asserts inside the tested process, where a program could forge the verdict.
Therefore the tests run once with the reference solution, in the sandbox, and record how they call
the function. A solution is right if it returns the reference's values for all recorded calls (see
`values.py`); the values are compared outside the sandbox. A reference that fails its tests on this
machine and under these limits is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

from prmscale.tasks.base import Grade, Problem
from prmscale.tasks.benchmarks.base import FAILS, CodeBenchmark
from prmscale.tasks.benchmarks.rows import Rows
from prmscale.tasks.grading import replies, votes
from prmscale.tasks.grading.sandbox import Outcome, Program
from prmscale.tasks.grading.sandbox_values import text_of
from prmscale.tasks.grading.values import RELATIVE, is_root, matches

# The tests of EvalPlus use three names of numpy; this stands in for numpy in a sandbox that has
# only the standard library.
_NUMPY = """
try:
    import numpy
except ImportError:
    import sys, types
    def allclose(out, exp, rtol=1e-07, atol=0):
        if isinstance(exp, (list, tuple)):
            pairs = zip(out, exp)
            return len(out) == len(exp) and all(allclose(o, e, rtol, atol) for o, e in pairs)
        return out == exp or abs(out - exp) <= atol + rtol * abs(exp)
    def assert_allclose(out, exp, rtol=1e-07, atol=0):
        assert allclose(out, exp, rtol, atol)
    numpy = types.ModuleType("numpy")
    numpy.allclose, numpy.ndarray = allclose, type("ndarray", (), {})
    numpy.testing = types.SimpleNamespace(assert_allclose=assert_allclose)
    sys.modules["numpy"] = numpy
"""
_RECORDER = """
import copy as _copy
_calls = []
def _recorder(*args, **named):
    # a call is kept only if its text gives the same values back
    parts = [repr(a) for a in _copy.deepcopy(args)] + [f"{k}={v!r}" for k, v in named.items()]
    _calls.append(f"{ENTRY}({', '.join(parts)})")
    return _reference(*args, **named)
"""


class RecordedCalls(CodeBenchmark):
    """Functions judged by recorded calls.

    The tests of a problem hold

    - `published`: the source of the published tests;
    - `entry`: the name of the function;
    - `prefix`: the part of the prompt that a completion continues;
    - `visible`: the calls that the prompt shows;
    - `calls`, `expected`: the recorded calls and the reference's values;
    - `wrap`: the expression that is compared for a call `{}`, if not the value itself;
    - `relative`: the relative tolerance of floats;
    - `root`: whether any root of the polynomial given is right.
    """

    def grade(self, problems: Sequence[Problem], texts: Sequence[str]) -> list[Grade]:
        """Right if all recorded calls return the reference's values; votes and visible tests as in
        `votes.py`.

        A program runs once for the recorded and the visible calls together. If that run fails, it
        runs once for each kind, so that a call of one kind cannot spoil the result of the other.
        """
        found = [_find_program(p, text) for p, text in zip(problems, texts, strict=True)]
        visible = [_drop_repeated(problem.tests["visible"]) for problem in problems]
        recorded = [_drop_repeated(problem.tests["calls"]) for problem in problems]
        programs = [
            Program(program, _drop_repeated((*shown, *tested)))
            for (program, _), shown, tested in zip(found, visible, recorded, strict=True)
        ]
        together = self._run(programs)
        seen = self._separate(programs, visible, together)
        judged = self._separate(programs, recorded, together)
        return [
            Grade(
                votes.answer(program, shown.values, shown.error),
                _returns_expected(problem, outcome),
                rule,
                self._pass_visible(problem, shown),
            )
            for problem, (program, rule), shown, outcome in zip(
                problems, found, seen, judged, strict=True
            )
        ]

    def _pass_visible(self, problem: Problem, shown: Outcome) -> float | None:
        """The share of the visible tests that a program has passed, given the outcome of the calls
        that the prompt shows. What they should give is read from the prompt alone.
        """
        tests = problem.tests
        if tests.get("wrap", "{}") not in ("{}", "set({})"):
            return None  # the judge compares no value that a prompt shows
        bound, passed = tests.get("relative", RELATIVE), []
        values = dict(zip(_drop_repeated(tests["visible"]), shown.values, strict=True))
        for call, wanted in votes.outcomes(problem.prompt, tests["entry"]).items():
            (compared,) = _wrap(problem, [call])
            expected = set(wanted) if compared != call else wanted
            text = text_of(expected, self.limits.value_kib << 10)
            passed.append(matches(values.get(compared), text, relative=bound))
        return votes.share(passed)

    def _separate(
        self,
        programs: Sequence[Program],
        calls: Sequence[tuple[str, ...]],
        together: Sequence[Outcome],
    ) -> list[Outcome]:
        """The outcome of these calls of each program, given that of all its calls together.

        A program that failed runs again with these calls alone.
        """
        failed = [i for i, outcome in enumerate(together) if outcome.error]
        again = [i for i in failed if 0 < len(calls[i]) < len(programs[i].calls)]
        outcomes = self._run([replace(programs[i], calls=calls[i]) for i in again])
        latest = dict(zip(again, outcomes, strict=True))
        return [
            latest.get(i) or _select(program, calls[i], together[i])
            for i, program in enumerate(programs)
        ]

    def _make_problems(self, rows: Rows, split: str, batch: Sequence[int]) -> list[Problem | str]:
        return self._record([self._make_problem(rows, split, index) for index in batch])

    def _make_problem(self, rows: Rows, split: str, index: int) -> Problem:
        """The problem of a row, without recorded calls."""
        raise NotImplementedError

    def _record(self, problems: Sequence[Problem]) -> list[Problem | str]:
        """Each problem with its recorded calls and the reference's values.

        The reason why there are none takes the place of a problem without them.
        """
        recorders = [Program(_write_recorder(problem), ("_calls",)) for problem in problems]
        recorded = self._run(recorders, replace(self.limits, value_kib=self.limits.output_kib))
        calls = [_read_calls(p, outcome) for p, outcome in zip(problems, recorded, strict=True)]
        references = [
            Program(problem.answer, tuple(asked))
            for problem, asked in zip(problems, calls, strict=True)
        ]
        returned = self._run(references)
        return [
            _add_values(*each) for each in zip(problems, calls, recorded, returned, strict=True)
        ]


def _drop_repeated(calls: Iterable[str]) -> tuple[str, ...]:
    """The different calls, in order."""
    return tuple(dict.fromkeys(calls))


def _select(program: Program, calls: Sequence[str], outcome: Outcome) -> Outcome:
    """The part of an outcome that belongs to these calls; without calls there is no error."""
    values = dict(zip(program.calls, outcome.values, strict=True))
    return Outcome(tuple(values[call] for call in calls), outcome.error if calls else None)


def _returns_expected(problem: Problem, outcome: Outcome) -> bool:
    """Whether a program has returned the expected values for all recorded calls."""
    tests = problem.tests
    if outcome.error:
        return False
    values = dict(zip(_drop_repeated(tests["calls"]), outcome.values, strict=True))
    if tests.get("root"):
        return all(is_root(value, votes.arguments(call)[0]) for call, value in values.items())
    bound = tests.get("relative", RELATIVE)
    pairs = zip(tests["calls"], tests["expected"], strict=True)
    return all(matches(values[call], expected, relative=bound) for call, expected in pairs)


def _wrap(problem: Problem, calls: Sequence[str]) -> list[str]:
    """The expressions that are compared for these calls."""
    return [problem.tests.get("wrap", "{}").replace("{}", call) for call in calls]


def _read_calls(problem: Problem, outcome: Outcome) -> list[str]:
    """The calls that a recorder has recorded."""
    if not outcome.values[0]:
        return []
    _, *calls = json.loads(outcome.values[0])
    return _wrap(problem, _drop_repeated(calls))


def _add_values(
    problem: Problem, calls: Sequence[str], recorded: Outcome, returned: Outcome
) -> Problem | str:
    """The problem with its calls and the reference's values, or why there are none."""
    kept = {
        call: value for call, value in zip(calls, returned.values, strict=True) if value is not None
    }
    if not kept:
        missing = "no value" if calls else "no call recorded"
        return f"{FAILS} ({recorded.error or returned.error or missing})"
    tests = {
        **problem.tests,
        "calls": list(kept),
        "expected": list(kept.values()),
        "visible": _wrap(problem, problem.tests["visible"]),
    }
    return replace(problem, tests=tests)


def _write_recorder(problem: Problem) -> str:
    """Source that runs the published tests on the reference and leaves their calls in `_calls`."""
    entry = problem.tests["entry"]
    recorder = _RECORDER.replace("{ENTRY}", entry)
    return (
        f"{problem.answer}\n_reference = {entry}\n{recorder}\n_names = dict(globals(), "
        f"{entry}=_recorder)\nexec({_NUMPY + problem.tests['published']!r}, _names)\n"
    )


def _find_program(problem: Problem, text: str) -> replies.Found:
    """The program in a reply: it defines the function, or completes the prompt."""
    return replies.find(problem.tests["entry"], problem.tests["prefix"], text)
