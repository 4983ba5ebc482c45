"""Programs judged by published inputs and outputs: what they print for standard input, or what a function returns.

Programs run in the sandbox and never see what is expected: it is compared outside of it, so no verdict can be forged.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from prmscale.errors import UserError
from prmscale.study import CodeExecution
from prmscale.tasks import replies, sources
from prmscale.tasks.base import Domain, Grade, Problem
from prmscale.tasks.printed import Printed
from prmscale.tasks.recorded_calls import behaviour, limits_of, visible_count
from prmscale.tasks.sandbox import Outcome, Program, run, same
from prmscale.tasks.sandbox_worker import text_of

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
_READS = "Write a Python program that reads standard input and prints the answer to standard output."
_TRIED = 5  # published solutions of a problem that are held to its tests before it is left out


@dataclass(frozen=True)
class Candidate:
    """A problem with the published solutions that could be its reference."""

    problem: Problem
    solutions: Sequence[str]


class JudgedPrograms:
    """Problems with published inputs and outputs.

    Of a problem's tests, `entry` is the function that is called (None: the program reads standard input), `inputs` are
    texts or lists of arguments, `expected` texts or canonical values, the first `visible` of them shown to everyone.
    """

    domain: Domain = "code"
    source: str
    key: str  # the column that tells problems apart
    printed = Printed("filled line", relative=1e-5, absolute=1e-8)
    referenced = True  # whether solutions are published, to be held to the tests
    levels: tuple[str, ...] = ()  # what the column `difficulty` says, from the easiest on
    wrapped = False  # whether a published value may stand in a list of its own

    def __init__(self, name: str, path: str | None, execution: CodeExecution) -> None:
        self.name, self.path, self.allow_unsafe = name, path, execution.allow_unsafe
        self.limits = limits_of(execution)

    def load(self, split: str, count: int | None, seed: int) -> list[Problem]:
        """`count` problems of a split, none without tests and, where solutions are published, one that passes them.

        How many were left out on the way is printed.
        """
        rows, own = sources.own_rows(self.source, self.path, split, self.key)
        order = iter(sources.chosen(own, None, seed, f"{self.name} {split}"))
        found: list[Problem] = []
        left_out: Counter[str] = Counter()
        while batch := list(islice(order, 64 if count is None else count - len(found))):
            candidates = []
            for index in batch:
                made = self._candidate(rows, split, index)
                if isinstance(made, str):
                    left_out[made] += 1
                else:
                    candidates.append(made)
            passing = self._held(candidates) if self.referenced else [c.problem for c in candidates]
            left_out["no published solution passes the tests here"] += len(candidates) - len(passing)
            found += passing
        facts = "; ".join(f"{reason}: {n}" for reason, n in left_out.items() if n)
        if facts:
            print(f"{self.name} {split}: problems left out: {facts}")
        if count is not None and len(found) < count:
            why = f" that can be judged (left out: {facts})" if facts else ""
            raise UserError(f"{self.name} {split}: {count} problems are asked for and there are {len(found)}{why}")
        return found

    def grade(self, problems: Sequence[Problem], texts: Sequence[str]) -> list[Grade]:
        """Right if every test comes out as expected; the answer is the behaviour on the visible tests."""
        found = [_found(p, text) for p, text in zip(problems, texts, strict=True)]
        outcomes = self._run([(p, program) for p, (program, _) in zip(problems, found, strict=True)])
        grades = []
        for problem, outcome, (_, rule) in zip(problems, outcomes, found, strict=True):
            visible = outcome.values[: problem.tests["visible"]]
            failed = outcome.error is not None or outcome.values[0] is None
            grades.append(Grade(None if failed else behaviour(visible), self._passes(problem, outcome), rule))
        return grades

    def _candidate(self, rows: sources.Rows, split: str, index: int) -> Candidate | str:
        """The problem of a row, or why it cannot be judged."""
        raise NotImplementedError

    def _difficulty(self, rows: sources.Rows, index: int) -> int:
        """The place of a row's difficulty among the levels, from 1; 0 where it is none of them."""
        level = str(rows[index].get("difficulty"))
        return self.levels.index(level) + 1 if level in self.levels else 0

    def _problem(self, rows: sources.Rows, split: str, index: int, words: str, **tests: Any) -> Problem:
        """The problem of a row with these words and tests."""
        starter = rows[index].get("starter_code") or ""
        shown = f"Complete this:\n{starter}" if starter.strip() else "" if tests["entry"] else _READS
        if len(tests["inputs"]) != len(tests["expected"]):
            rows.wrong(index, f"{len(tests['inputs'])} inputs and {len(tests['expected'])} outputs")
        return Problem(
            problem_id=f"{self.name}/{split}/{index:05d}",
            domain="code",
            split=split,
            prompt=f"{words.strip()}\n{shown}".strip(),
            answer=None,
            tests={**tests, "visible": tests.get("visible") or visible_count(len(tests["inputs"]))},
            difficulty=self._difficulty(rows, index),
            source=self.source,
            licence=sources.PUBLISHED[self.source].licence,
        )

    def _held(self, candidates: Sequence[Candidate]) -> list[Problem]:
        """The problems one of whose solutions passes, with it as the answer."""
        pairs = [(c.problem, solution) for c in candidates for solution in c.solutions[:_TRIED]]
        held: dict[str, Problem] = {}
        for (problem, solution), outcome in zip(pairs, self._run(pairs), strict=True):
            if problem.problem_id not in held and self._passes(problem, outcome, self.wrapped):
                called = problem.tests["entry"] is not None
                tests = {**problem.tests, "expected": list(outcome.values)} if called else problem.tests
                held[problem.problem_id] = replace(problem, answer=solution, tests=tests)
        return list(held.values())

    def _run(self, pairs: Sequence[tuple[Problem, str]]) -> list[Outcome]:
        programs = []
        for problem, source in pairs:
            entry, inputs = problem.tests["entry"], tuple(problem.tests["inputs"])
            if entry is None:
                programs.append(Program(_NAMES + source, inputs=inputs))
            else:
                function = f"Solution().{entry}" if "class Solution" in source else entry
                calls = [f"{function}({', '.join(map(repr, arguments))})" for arguments in inputs]
                programs.append(Program(_NAMES + source, tuple(calls)))
        return run(programs, self.limits, self.allow_unsafe)

    def _passes(self, problem: Problem, outcome: Outcome, wrapped: bool = False) -> bool:
        pairs = zip(outcome.values, problem.tests["expected"], strict=True)
        if problem.tests["entry"] is None:
            return all(self.printed.same(value, expected) for value, expected in pairs)
        return all(_returned(v, e) or (wrapped and _returned(f'["list", {v}]', e)) for v, e in pairs)

    def _value(self, value: Any) -> str:
        """A value from JSON as the sandbox writes it."""
        return text_of(value, self.limits.value_kib << 10)


def program_of(problem: Problem, text: str) -> str:
    """The program in a response: one that reads and prints, or what defines the function."""
    return _found(problem, text).program


def _found(problem: Problem, text: str) -> replies.Found:
    """The program in a response; starter code, with which the prompt ends, may have been completed."""
    entry = problem.tests["entry"]
    begins = re.compile(rf"^(?:class Solution\b|(?:async )?def {re.escape(entry)}\b)", re.MULTILINE) if entry else None
    starter = begins.search(problem.prompt) if begins else None
    return replies.find(entry, problem.prompt[starter.start() :] if starter else "", text)


def _returned(value: str | None, expected: str) -> bool:
    """Whether two canonical values are the same; a tuple passes for a list, as JSON has no tuples."""
    given, wanted = (text.replace('["tuple"', '["list"') for text in (value or "", expected))
    return value is not None and same(given, wanted, tolerance=0.0)
