"""Python functions judged by the values they return.

A published test asserts inside the tested process, where a program could forge the verdict. So the
tests are run once with the reference solution, in the sandbox, recording how they call it: a
solution is right if it returns the reference's values on all these calls (see `values.py`),
compared outside the box. The reference is held to its own tests first, on the same machine and
under the same limits; one that fails them is left out.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from prmscale.study import CodeExecution
from prmscale.tasks.base import Domain, Grade, Problem
from prmscale.tasks.benchmarks.drawing import FAILS, Drawn
from prmscale.tasks.benchmarks.sources import Rows
from prmscale.tasks.grading import replies, votes
from prmscale.tasks.grading.sandbox import Limits, Outcome, Program, run
from prmscale.tasks.grading.values import RELATIVE, is_root, same

# EvalPlus' tests compare by three names of numpy; in a box with the standard library alone these
# stand in for it
_NUMPY = """
try:
    import numpy
except ImportError:
    import sys, types
    def allclose(out, exp, rtol=1e-07, atol=0):
        if isinstance(exp, (list, tuple)):
            return len(out) == len(exp) and all(allclose(o, e, rtol, atol) for o, e in zip(out, exp))
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


def limits_of(execution: CodeExecution) -> Limits:
    """The limits that the configuration sets; output enough for a thousand calls."""
    return Limits(
        execution.seconds, execution.memory_mb, output_kib=16384, packages=execution.packages
    )


class RecordedCalls(Drawn):
    """Functions judged by recorded calls.

    Of a problem's tests, `published` is the source of its tests, `entry` the function's name and
    `prefix` what stands before a completion. `visible` are the calls that the prompt shows. `wrap`
    puts each call in an expression where not the value itself but that one is compared, `relative`
    is how near a float must come, and `root` says that any root of the given polynomial is right.
    """

    domain: Domain = "code"

    def __init__(
        self, name: str, path: str | None, execution: CodeExecution, leave_out: Sequence[str] = ()
    ) -> None:
        super().__init__(name, path, leave_out)
        self.allow_unsafe = execution.allow_unsafe
        self.limits = limits_of(execution)

    def grade(self, problems: Sequence[Problem], texts: Sequence[str]) -> list[Grade]:
        """Right if all recorded calls return the reference's values; the answer is what `votes.py`
        counts.

        Calls of the tests and calls that the prompt shows are asked together. Where they end a
        program, each kind is asked by itself: neither a verdict nor a vote may hang on calls of the
        other kind.
        """
        found = [_found(p, text) for p, text in zip(problems, texts, strict=True)]
        shown = [tuple(dict.fromkeys(p.tests["visible"])) for p in problems]
        tested = [tuple(dict.fromkeys(p.tests["calls"])) for p in problems]
        programs = [
            # a call that is both is asked for once
            Program(each.program, tuple(dict.fromkeys((*first, *second))))
            for each, first, second in zip(found, shown, tested, strict=True)
        ]
        together = run(programs, self.limits, self.allow_unsafe)
        seen, judged = (self._alone(programs, calls, together) for calls in (shown, tested))
        return [
            Grade(
                votes.answer(each.program, values.values, values.error),
                _returns(problem, outcome),
                each.rule,
            )
            for problem, each, values, outcome in zip(problems, found, seen, judged, strict=True)
        ]

    def _alone(
        self,
        programs: Sequence[Program],
        calls: Sequence[tuple[str, ...]],
        together: Sequence[Outcome],
    ) -> list[Outcome]:
        """The outcome of these calls of each program, asked by themselves where all calls together
        have ended it.
        """
        ended = [i for i, outcome in enumerate(together) if outcome.error]
        again = [i for i in ended if 0 < len(calls[i]) < len(programs[i].calls)]
        asked = run(
            [replace(programs[i], calls=calls[i]) for i in again], self.limits, self.allow_unsafe
        )
        latest = dict(zip(again, asked, strict=True))
        return [
            latest.get(i) or _part(programs[i], calls[i], together[i]) for i in range(len(programs))
        ]

    def _made(self, rows: Rows, split: str, batch: Sequence[int]) -> list[Problem | str]:
        return self._recorded([self._problem(rows, split, i) for i in batch])

    def _problem(self, rows: Rows, split: str, index: int) -> Problem:
        """The problem of a row, its calls not yet recorded."""
        raise NotImplementedError

    def _recorded(self, problems: Sequence[Problem]) -> list[Problem | str]:
        """Each problem with the calls of its tests and the reference's values, or why there are
        none.
        """
        recorders = [Program(_recording(p), ("_calls",)) for p in problems]
        recorded = run(
            recorders, replace(self.limits, value_kib=self.limits.output_kib), self.allow_unsafe
        )
        calls = [_calls_of(p, outcome) for p, outcome in zip(problems, recorded, strict=True)]
        references = [Program(p.answer, tuple(own)) for p, own in zip(problems, calls, strict=True)]
        returned = run(references, self.limits, self.allow_unsafe)
        return [
            _with_values(*each) for each in zip(problems, calls, recorded, returned, strict=True)
        ]


def _part(program: Program, calls: Sequence[str], outcome: Outcome) -> Outcome:
    """What of an outcome belongs to these calls; nothing has ended a program that none is asked of."""
    values = dict(zip(program.calls, outcome.values, strict=True))
    return Outcome(tuple(values[call] for call in calls), outcome.error if calls else None)


def _returns(problem: Problem, outcome: Outcome) -> bool:
    """Whether a program has returned what is expected on all calls of the tests."""
    tests = problem.tests
    if outcome.error:
        return False
    values = dict(zip(dict.fromkeys(tests["calls"]), outcome.values, strict=True))
    if tests.get("root"):
        return all(is_root(value, votes.arguments(call)[0]) for call, value in values.items())
    bound = tests.get("relative", RELATIVE)
    pairs = zip(tests["calls"], tests["expected"], strict=True)
    return all(same(values[call], expected, relative=bound) for call, expected in pairs)


def _wrapped(problem: Problem, calls: Sequence[str]) -> list[str]:
    return [problem.tests.get("wrap", "{}").replace("{}", call) for call in calls]


def _calls_of(problem: Problem, outcome: Outcome) -> list[str]:
    """The calls that a recorder brings back."""
    own = json.loads(outcome.values[0])[1:] if outcome.values[0] else []
    return _wrapped(problem, list(dict.fromkeys(own)))


def _with_values(
    problem: Problem, calls: Sequence[str], recorded: Outcome, returned: Outcome
) -> Problem | str:
    """The problem with its calls and the reference's values, or why there are none."""
    kept = [
        (call, value)
        for call, value in zip(calls, returned.values, strict=True)
        if value is not None
    ]
    if not kept:
        return f"{FAILS} ({recorded.error or returned.error or ('no value' if calls else 'no call recorded')})"
    tests = {
        **problem.tests,
        "calls": [call for call, _ in kept],
        "expected": [value for _, value in kept],
        "visible": _wrapped(problem, problem.tests["visible"]),
    }
    return replace(problem, tests=tests)


def _recording(problem: Problem) -> str:
    """Source that runs the published tests on the reference solution and leaves their calls in
    `_calls`.
    """
    entry = problem.tests["entry"]
    recorder = _RECORDER.replace("{ENTRY}", entry)
    return (
        f"{problem.answer}\n_reference = {entry}\n{recorder}\n_names = dict(globals(), "
        f"{entry}=_recorder)\nexec({_NUMPY + problem.tests['published']!r}, _names)\n"
    )


def blocks_of(text: str) -> list[str]:
    """The code blocks of a response."""
    return replies.bodies(text)


def program_of(problem: Problem, text: str) -> str:
    """The program in a response: what defines the function, or the prompt completed by it."""
    return _found(problem, text).program


def _found(problem: Problem, text: str) -> replies.Found:
    return replies.find(problem.tests["entry"], problem.tests["prefix"], text)
