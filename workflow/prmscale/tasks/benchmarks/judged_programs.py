"""Programs judged by published inputs and outputs.

A program reads standard input and prints, or defines a function that is called. It runs in the
sandbox and never sees the expected output, which is compared outside of it, so no verdict can be
forged.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from prmscale.tasks.base import Grade, Problem
from prmscale.tasks.benchmarks import sources
from prmscale.tasks.benchmarks.base import FAILS, CodeBenchmark
from prmscale.tasks.benchmarks.rows import Rows
from prmscale.tasks.grading import replies, syntax, votes
from prmscale.tasks.grading.printed import Printed
from prmscale.tasks.grading.sandbox import Outcome, Program
from prmscale.tasks.grading.sandbox_values import text_of
from prmscale.tasks.grading.values import matches_in_json, replace_tuples

# The judges of these sets import common names for programs, so that starter code with List[int]
# works.
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
_TRIED = 5  # published solutions that are tried as the reference of a problem


@dataclass(frozen=True)
class Candidate:
    """A problem with the published solutions that could be its reference."""

    problem: Problem
    solutions: Sequence[str]


@dataclass(frozen=True)
class Cases:
    """The published test cases of a problem.

    `entry` is the function that is called (None: the program reads standard input). `inputs` are
    texts, or lists of arguments; `expected` are texts, or canonical values. The prompt shows the
    first `visible` cases (None: the words of the problem tell which).
    """

    entry: str | None
    inputs: Sequence[Any]
    expected: Sequence[str]
    visible: int | None = None


class JudgedPrograms(CodeBenchmark):
    """Problems with published inputs and outputs; `tests` holds the fields of `Cases`."""

    key: str  # the column that identifies a problem
    printed = Printed("filled line", relative=1e-5, absolute=1e-8)
    referenced = True  # whether solutions are published, of which one must pass the tests
    levels: tuple[str, ...] = ()  # values of the column `difficulty`, the easiest first
    public = False  # whether public tests, with their outcomes, are published beside the words
    wrapped = False  # whether a published value may be wrapped in a list
    tuples = 2  # levels at which a tuple counts as a list, since JSON has no tuples

    def grade(self, problems: Sequence[Problem], texts: Sequence[str]) -> list[Grade]:
        """Right if every test gives what is expected; votes and visible tests as in `votes.py`."""
        found = [_find_program(p, text) for p, text in zip(problems, texts, strict=True)]
        outcomes = self._run_tests(
            [(p, program) for p, (program, _) in zip(problems, found, strict=True)]
        )
        grades = []
        for problem, (program, rule), outcome in zip(problems, found, outcomes, strict=True):
            passed = self._judge(problem, outcome)
            vote = self._vote(problem, program, outcome)
            grades.append(Grade(vote, all(passed), rule, self._pass_visible(problem, passed)))
        return grades

    def _vote(self, problem: Problem, program: str, outcome: Outcome) -> str | None:
        """What a vote counts for a program."""
        seen = outcome.values[: problem.tests["visible"]]
        if seen and (outcome.error is not None or seen[0] is None):
            return None
        return votes.answer(program, [value and self._simplify(problem, value) for value in seen])

    def _pass_visible(self, problem: Problem, passed: Sequence[bool]) -> float | None:
        """The share of the visible tests passed: of the cases that the prompt shows, those whose
        outcome it shows too.
        """
        tests = problem.tests
        shown = list(passed[: tests["visible"]])
        if tests["entry"] is not None and not self.public:
            calls = votes.outcomes(problem.prompt, tests["entry"])
            told = [votes.arguments(call) for call in calls]
            pairs = zip(shown, tests["inputs"], strict=False)
            shown = [right for right, given in pairs if given in told]
        return votes.share(shown)

    def _simplify(self, problem: Problem, value: str) -> str:
        """What was printed or returned, without what the judge ignores."""
        if problem.tests["entry"] is None:
            return self.printed.strip(value)
        return replace_tuples(value, self.tuples)

    def _select_rows(self, split: str) -> tuple[Rows, list[int]]:
        return sources.rows_of_split(self.source, self.path, split, self.key)

    def _make_problems(self, rows: Rows, split: str, batch: Sequence[int]) -> list[Problem | str]:
        made = [self._make_candidate(rows, split, index) for index in batch]
        candidates = [each for each in made if isinstance(each, Candidate)]
        if self.referenced:
            checked = iter(self._choose_references(candidates))
        else:
            checked = iter([each.problem for each in candidates])
        return [each if isinstance(each, str) else next(checked) for each in made]

    def _make_candidate(self, rows: Rows, split: str, index: int) -> Candidate | str:
        """The problem of a row with its solutions, or the reason why it cannot be judged."""
        raise NotImplementedError

    def _difficulty(self, rows: Rows, index: int) -> int:
        """The position of a row's difficulty among the levels, from 1; 0 if it is none of them."""
        level = str(rows[index].get("difficulty"))
        return self.levels.index(level) + 1 if level in self.levels else 0

    def _make_problem(
        self, rows: Rows, split: str, index: int, words: str, cases: Cases
    ) -> Problem:
        """The problem of a row with these words and test cases."""
        if len(cases.inputs) != len(cases.expected):
            rows.refuse(index, f"{len(cases.inputs)} inputs and {len(cases.expected)} outputs")
        if cases.visible is None:
            cases = _put_visible_first(words, cases)
        request = _write_request(cases, rows.optional(index, "starter_code", str) or "")
        return self._problem(
            split,
            index,
            prompt=f"{words.strip()}\n{request}".strip(),
            answer=None,
            tests=dict(vars(cases)),
            difficulty=self._difficulty(rows, index),
        )

    def _choose_references(self, candidates: Sequence[Candidate]) -> list[Problem | str]:
        """Each problem with its first solution that passes as its answer; FAILS if none does."""
        pairs = [(c.problem, solution) for c in candidates for solution in c.solutions[:_TRIED]]
        chosen: dict[str, Problem] = {}
        for (problem, solution), outcome in zip(pairs, self._run_tests(pairs), strict=True):
            if problem.problem_id in chosen or not all(self._judge(problem, outcome, self.wrapped)):
                continue
            tests = problem.tests
            if tests["entry"] is not None:  # the values as the reference returns them
                tests = {**tests, "expected": list(outcome.values)}
            chosen[problem.problem_id] = replace(problem, answer=solution, tests=tests)
        return [chosen.get(candidate.problem.problem_id, FAILS) for candidate in candidates]

    def _run_tests(self, pairs: Sequence[tuple[Problem, str]]) -> list[Outcome]:
        """The outcome of each problem's tests with each program."""
        return self._run([_write_program(problem, source) for problem, source in pairs])

    def _judge(self, problem: Problem, outcome: Outcome, wrapped: bool = False) -> list[bool]:
        """Whether each value is as expected, with `wrapped` also if wrapped in a list."""
        pairs = zip(outcome.values, problem.tests["expected"], strict=True)
        if problem.tests["entry"] is None:
            return [self.printed.matches(value, expected) for value, expected in pairs]
        levels = self.tuples
        return [
            matches_in_json(value, expected, levels)
            or (wrapped and matches_in_json(f'["list", {value}]', expected, levels + 1))
            for value, expected in pairs
        ]

    def _to_canonical(self, value: Any) -> str:
        """A value from JSON in the canonical form of the sandbox."""
        return text_of(value, self.limits.value_kib << 10)


def _write_program(problem: Problem, source: str) -> Program:
    """The program that runs a problem's tests with this source."""
    entry, inputs = problem.tests["entry"], tuple(problem.tests["inputs"])
    source_with_names = replies.prepend(_NAMES, source)
    if entry is None:
        return Program(source_with_names, inputs=inputs)
    owner = _find_class(source, entry)
    function = f"{owner}().{entry}" if owner else entry
    calls = tuple(f"{function}({', '.join(map(repr, arguments))})" for arguments in inputs)
    return Program(source_with_names, calls, limit_each=True)  # as the judges of these sets do


def _find_class(source: str, entry: str) -> str | None:
    """The class that a function is a method of; None if there is none, or no valid Python."""
    try:
        return syntax.class_with(ast.parse(source), entry)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _find_program(problem: Problem, text: str) -> replies.Found:
    """The program in a reply, which may complete the starter code that ends the prompt."""
    entry = problem.tests["entry"]
    starter = None
    if entry:
        begins = rf"^(?:class Solution\b|(?:async )?def {re.escape(entry)}\b)"
        starter = re.search(begins, problem.prompt, re.MULTILINE)
    return replies.find(entry, problem.prompt[starter.start() :] if starter else "", text)


def _write_request(cases: Cases, starter: str) -> str:
    """The end of a prompt: starter code, the function to write, or to read standard input."""
    if starter.strip():
        request = f"Complete this:\n{starter}"
        return request if cases.entry else f"{_READS}\n{request}"
    if cases.entry is None:
        return _READS
    count = len(cases.inputs[0])
    arguments = "1 argument" if count == 1 else f"{count} arguments"
    return f"Write a Python function `{cases.entry}` of {arguments}."


def _put_visible_first(words: str, cases: Cases) -> Cases:
    """The test cases, first those that the words show as samples or as calls of the function."""
    inputs, expected = cases.inputs, cases.expected
    if cases.entry is None:
        pairs = zip(inputs, expected, strict=True)
        shown = [votes.shows(words, given, printed) for given, printed in pairs]
    else:
        called = [votes.arguments(call) for call in votes.examples(words, cases.entry)]
        shown = [arguments in called for arguments in inputs]
    order = sorted(range(len(inputs)), key=lambda i: not shown[i])
    return Cases(cases.entry, [inputs[i] for i in order], [expected[i] for i in order], sum(shown))
