"""Python functions judged by the values they return.

A published test asserts inside the tested process, where a program could forge the verdict. So the tests are run once
with the reference solution, in the sandbox, recording how they call it: a solution is right if it returns the
reference's values on all these calls (floats within 1e-6), compared outside the box. The reference is held to its own
tests first, on the same machine and under the same limits.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import replace

from prmscale.errors import UserError
from prmscale.study import CodeExecution
from prmscale.tasks import replies
from prmscale.tasks.base import Domain, Grade, Problem
from prmscale.tasks.sandbox import Limits, Program, run, same

# EvalPlus' tests compare by three names of numpy; in a box with the standard library alone these stand in for it
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
    return Limits(execution.seconds, execution.memory_mb, output_kib=16384, packages=execution.packages)


def behaviour(values: Sequence[str | None]) -> str:
    """A short name of what a program returned on the visible calls: the answer that majority voting counts."""
    return hashlib.blake2b(json.dumps(values).encode(), digest_size=8).hexdigest()


def visible_count(count: int) -> int:
    """How many of a problem's tests serve as visible where none are published as such: the first third."""
    return -(-count // 3)


def failing(name: str, bad: Sequence[str]) -> UserError:
    """What is said when reference solutions fail their own tests."""
    shown = ", ".join(bad[:10]) + (f" and {len(bad) - 10} more" if len(bad) > 10 else "")
    return UserError(
        f"{name}: reference solutions fail their own tests here: {shown}. "
        "Raise code_execution.seconds or memory_mb, give code_execution.packages what they import, or check the file"
    )


class RecordedCalls:
    """Functions judged by recorded calls.

    Of a problem's tests, `published` is the source of its tests, `entry` the function's name and `prefix` what stands
    before a completion. `wrap` puts each call in an expression where not the value itself but that one is compared.
    """

    domain: Domain = "code"

    def __init__(self, name: str, path: str | None, execution: CodeExecution) -> None:
        self.name, self.path, self.allow_unsafe = name, path, execution.allow_unsafe
        self.limits = limits_of(execution)

    def grade(self, problems: Sequence[Problem], texts: Sequence[str]) -> list[Grade]:
        """Right if all recorded calls return the reference's values; the answer is the behaviour on visible calls."""
        found = [_found(p, text) for p, text in zip(problems, texts, strict=True)]
        programs = [
            Program(f.program, (*p.tests["visible"], *p.tests["calls"])) for p, f in zip(problems, found, strict=True)
        ]
        grades = []
        outcomes = run(programs, self.limits, self.allow_unsafe)
        for problem, outcome, (_, rule) in zip(problems, outcomes, found, strict=True):
            shown = len(problem.tests["visible"])
            values = outcome.values[shown:]
            right = all(same(v, e) for v, e in zip(values, problem.tests["expected"], strict=True))
            answer = None if outcome.error else behaviour(outcome.values[:shown])
            grades.append(Grade(answer, right and not outcome.error, rule))
        return grades

    def _recorded(self, problems: Sequence[Problem]) -> list[Problem]:
        """The problems with the calls of their tests and the reference's values."""
        recorders = [Program(_recording(p), ("_calls",)) for p in problems]
        recorded = run(recorders, replace(self.limits, value_kib=self.limits.output_kib), self.allow_unsafe)
        calls, bad = [], []
        for problem, outcome in zip(problems, recorded, strict=True):
            own = list(dict.fromkeys(json.loads(outcome.values[0])[1:])) if outcome.values[0] else []
            calls.append([problem.tests.get("wrap", "{}").replace("{}", call) for call in own])
            if not own:
                bad.append(f"{problem.problem_id} ({outcome.error or 'no call recorded'})")
        if bad:
            raise failing(self.name, bad)
        references = [Program(p.answer, tuple(own)) for p, own in zip(problems, calls, strict=True)]
        out = []
        for problem, own, outcome in zip(problems, calls, run(references, self.limits, self.allow_unsafe), strict=True):
            kept = [(call, v) for call, v in zip(own, outcome.values, strict=True) if v is not None]
            if not kept:
                bad.append(f"{problem.problem_id} ({outcome.error or 'no value'})")
            tests = {
                **problem.tests,
                "calls": [call for call, _ in kept],
                "expected": [v for _, v in kept],
                "visible": problem.tests["visible"] or [call for call, _ in kept[: visible_count(len(kept))]],
            }
            out.append(replace(problem, tests=tests))
        if bad:
            raise failing(self.name, bad)
        return out


def _recording(problem: Problem) -> str:
    """Source that runs the published tests on the reference solution and leaves their calls in `_calls`."""
    entry = problem.tests["entry"]
    recorder = _RECORDER.replace("{ENTRY}", entry)
    return (
        f"{problem.answer}\n_reference = {entry}\n{recorder}\n"
        # the tests see the recorder under the function's name; the reference still calls itself
        f"_names = dict(globals(), {entry}=_recorder)\nexec({_NUMPY + problem.tests['published']!r}, _names)\n"
    )


def blocks_of(text: str) -> list[str]:
    """The code blocks of a response."""
    return replies.bodies(text)


def program_of(problem: Problem, text: str) -> str:
    """The program in a response: what defines the function, or the prompt completed by it."""
    return _found(problem, text).program


def _found(problem: Problem, text: str) -> replies.Found:
    return replies.find(problem.tests["entry"], problem.tests["prefix"], text)


def examples(prompt: str, entry: str) -> list[str]:
    """Calls shown as examples in a docstring, as far as they parse."""
    out = []
    for line in re.findall(rf">>>\s*({re.escape(entry)}\(.*\))\s*$", prompt, re.MULTILINE):
        try:
            ast.parse(line, mode="eval")
        except SyntaxError:
            continue
        out.append(line)
    return out
