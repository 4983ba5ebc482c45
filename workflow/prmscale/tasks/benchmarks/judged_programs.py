"""Programs judged by published inputs and outputs: what they print for standard input, or what a
function returns.

Programs run in the sandbox and never see what is expected: it is compared outside of it, so no
verdict can be forged.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from prmscale.study import CodeExecution
from prmscale.tasks.base import Domain, Grade, Problem
from prmscale.tasks.benchmarks import sources
from prmscale.tasks.benchmarks.drawing import FAILS, Drawn
from prmscale.tasks.benchmarks.recorded_calls import limits_of
from prmscale.tasks.grading import replies, syntax, votes
from prmscale.tasks.grading.printed import Printed
from prmscale.tasks.grading.sandbox import Outcome, Program, run
from prmscale.tasks.grading.sandbox_worker import text_of
from prmscale.tasks.grading.values import same_in_json, without_tuples

# the judges of these sets give programs common names, so that starter code such as List[int] works
_NAMES = """
import bisect, collections, functools, heapq, itertools, math, operator, random, re, string, sys
from bisect import *
from collections import *
from functools import *
from heapq import *
from itertools import *
from math import *
from typing import *
from builtins import pow
sys.setrecursionlimit(50000)
"""
_READS = (
    "Write a Python program that reads standard input and prints the answer to standard output."
)
_TRIED = 5  # published solutions of a problem that are held to its tests before it is left out


@dataclass(frozen=True)
class Candidate:
    """A problem with the published solutions that could be its reference."""

    problem: Problem
    solutions: Sequence[str]


class JudgedPrograms(Drawn):
    """Problems with published inputs and outputs.

    Of a problem's tests, `entry` is the function that is called (None: the program reads standard
    input), `inputs` are texts or lists of arguments, `expected` texts or canonical values, the
    first `visible` of them shown by the prompt.
    """

    domain: Domain = "code"
    source: str
    key: str  # the column that tells problems apart
    printed = Printed("filled line", relative=1e-5, absolute=1e-8)
    referenced = True  # whether solutions are published, to be held to the tests
    levels: tuple[str, ...] = ()  # what the column `difficulty` says, from the easiest on
    wrapped = False  # whether a published value may stand in a list of its own
    tuples = 2  # levels at which a tuple passes for a list, as JSON has no tuples

    def __init__(
        self, name: str, path: str | None, execution: CodeExecution, leave_out: Sequence[str] = ()
    ) -> None:
        super().__init__(name, path, leave_out)
        self.allow_unsafe = execution.allow_unsafe
        self.limits = limits_of(execution)

    def grade(self, problems: Sequence[Problem], texts: Sequence[str]) -> list[Grade]:
        """Right if every test comes out as expected; the answer is what `votes.py` counts."""
        found = [_found(p, text) for p, text in zip(problems, texts, strict=True)]
        outcomes = self._run(
            [(p, program) for p, (program, _) in zip(problems, found, strict=True)]
        )
        return [
            Grade(self._answer(problem, program, outcome), self._passes(problem, outcome), rule)
            for problem, (program, rule), outcome in zip(problems, found, outcomes, strict=True)
        ]

    def _answer(self, problem: Problem, program: str, outcome: Outcome) -> str | None:
        seen = outcome.values[: problem.tests["visible"]]
        if seen and (outcome.error is not None or seen[0] is None):
            return None
        return votes.answer(program, [value and self._plain(problem, value) for value in seen])

    def _plain(self, problem: Problem, value: str) -> str:
        """What was printed or returned, without what the judge does not look at."""
        if problem.tests["entry"] is None:
            return self.printed.plain(value)
        return without_tuples(value, self.tuples)

    def _rows(self, split: str) -> tuple[sources.Rows, list[int]]:
        return sources.own_rows(self.source, self.path, split, self.key)

    def _made(self, rows: sources.Rows, split: str, batch: Sequence[int]) -> list[Problem | str]:
        made = [self._candidate(rows, split, index) for index in batch]
        candidates = [each for each in made if isinstance(each, Candidate)]
        held = iter(self._held(candidates) if self.referenced else [c.problem for c in candidates])
        return [each if isinstance(each, str) else next(held) for each in made]

    def _candidate(self, rows: sources.Rows, split: str, index: int) -> Candidate | str:
        """The problem of a row, or why it cannot be judged."""
        raise NotImplementedError

    def _difficulty(self, rows: sources.Rows, index: int) -> int:
        """The place of a row's difficulty among the levels, from 1; 0 where it is none of them."""
        level = str(rows[index].get("difficulty"))
        return self.levels.index(level) + 1 if level in self.levels else 0

    def _problem(
        self, rows: sources.Rows, split: str, index: int, words: str, **tests: Any
    ) -> Problem:
        """The problem of a row with these words and tests."""
        if len(tests["inputs"]) != len(tests["expected"]):
            rows.wrong(index, f"{len(tests['inputs'])} inputs and {len(tests['expected'])} outputs")
        asked = _asked(tests["entry"], tests["inputs"], rows[index].get("starter_code") or "")
        return Problem(
            problem_id=f"{self.name}/{split}/{index:05d}",
            domain="code",
            split=split,
            prompt=f"{words.strip()}\n{asked}".strip(),
            answer=None,
            tests=tests if "visible" in tests else _shown_first(words, **tests),
            difficulty=self._difficulty(rows, index),
            source=self.source,
            licence=sources.PUBLISHED[self.source].licence,
        )

    def _held(self, candidates: Sequence[Candidate]) -> list[Problem | str]:
        """Each problem with a solution that passes as the answer, or that none does."""
        pairs = [(c.problem, solution) for c in candidates for solution in c.solutions[:_TRIED]]
        held: dict[str, Problem] = {}
        for (problem, solution), outcome in zip(pairs, self._run(pairs), strict=True):
            if problem.problem_id not in held and self._passes(problem, outcome, self.wrapped):
                called = problem.tests["entry"] is not None
                tests = (
                    {**problem.tests, "expected": list(outcome.values)} if called else problem.tests
                )
                held[problem.problem_id] = replace(problem, answer=solution, tests=tests)
        return [held.get(c.problem.problem_id, FAILS) for c in candidates]

    def _run(self, pairs: Sequence[tuple[Problem, str]]) -> list[Outcome]:
        programs = []
        for problem, source in pairs:
            entry, inputs = problem.tests["entry"], tuple(problem.tests["inputs"])
            if entry is None:
                programs.append(Program(replies.after(_NAMES, source), inputs=inputs))
            else:
                owner = _class_of(source, entry)
                function = f"{owner}().{entry}" if owner else entry
                calls = [f"{function}({', '.join(map(repr, arguments))})" for arguments in inputs]
                # the seconds of these sets' judges are those of a test
                programs.append(
                    Program(replies.after(_NAMES, source), tuple(calls), limit_each=True)
                )
        return run(programs, self.limits, self.allow_unsafe)

    def _passes(self, problem: Problem, outcome: Outcome, wrapped: bool = False) -> bool:
        pairs = zip(outcome.values, problem.tests["expected"], strict=True)
        if problem.tests["entry"] is None:
            return all(self.printed.same(value, expected) for value, expected in pairs)
        levels = self.tuples
        return all(
            same_in_json(v, e, levels)
            or (wrapped and same_in_json(f'["list", {v}]', e, levels + 1))
            for v, e in pairs
        )

    def _value(self, value: Any) -> str:
        """A value from JSON as the sandbox writes it."""
        return text_of(value, self.limits.value_kib << 10)


def program_of(problem: Problem, text: str) -> str:
    """The program in a response: one that reads and prints, or what defines the function."""
    return _found(problem, text).program


def _class_of(source: str, entry: str) -> str | None:
    """The class that a function is a method of; None where it is of the module, or the source is no
    Python.
    """
    try:
        return syntax.class_with(ast.parse(source), entry)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _found(problem: Problem, text: str) -> replies.Found:
    """The program in a response; starter code, with which the prompt ends, may have been completed."""
    entry = problem.tests["entry"]
    begins = (
        re.compile(rf"^(?:class Solution\b|(?:async )?def {re.escape(entry)}\b)", re.MULTILINE)
        if entry
        else None
    )
    starter = begins.search(problem.prompt) if begins else None
    return replies.find(entry, problem.prompt[starter.start() :] if starter else "", text)


def _asked(entry: str | None, inputs: Sequence[Any], starter: str) -> str:
    """What a prompt says that its words may not: starter code, the function wanted, or that
    standard input is read.
    """
    if starter.strip():
        return f"Complete this:\n{starter}" if entry else f"{_READS}\nComplete this:\n{starter}"
    if entry is None:
        return _READS
    many = "1 argument" if len(inputs[0]) == 1 else f"{len(inputs[0])} arguments"
    return f"Write a Python function `{entry}` of {many}."


def _shown_first(
    words: str, entry: str | None, inputs: Sequence[Any], expected: Sequence[str]
) -> dict[str, Any]:
    """Tests, first those that the words show: as samples of input and output, or as calls of the
    function.
    """
    if entry is None:
        shown = [
            votes.shows(words, given, printed)
            for given, printed in zip(inputs, expected, strict=True)
        ]
    else:
        called = [votes.arguments(call) for call in votes.examples(words, entry)]
        shown = [arguments in called for arguments in inputs]
    order = sorted(range(len(inputs)), key=lambda i: not shown[i])
    tests = {"inputs": [inputs[i] for i in order], "expected": [expected[i] for i in order]}
    return {"entry": entry, **tests, "visible": sum(shown)}
