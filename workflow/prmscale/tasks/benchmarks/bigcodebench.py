"""BigCodeBench: functions that use many libraries, judged by their unit tests.

The tests look at files, figures and mocked calls as much as at values, which cannot be compared
outside of the process that ran the program: so they run beside it, in the sandbox. What that
protects from: harm to the machine, and a program that ends early, hangs or brings tests of its own
(the published ones come after it, and each must be reported as run by its name). What it does not
protect from: a program that sets out to cheat can change unittest, or write what a passing one
would. Such verdicts are as good as the policy is honest.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator, Sequence

from prmscale.errors import UserError
from prmscale.study import CodeExecution
from prmscale.tasks.base import Domain, Grade, Problem
from prmscale.tasks.benchmarks import sources
from prmscale.tasks.benchmarks.drawing import FAILS, Drawn
from prmscale.tasks.benchmarks.recorded_calls import limits_of
from prmscale.tasks.grading import replies, votes
from prmscale.tasks.grading.sandbox import Outcome, Program, run
from prmscale.tasks.grading.sandbox_worker import text_of

_RUNNER = """
def _passed_tests():
    import unittest
    suite, result = unittest.defaultTestLoader.loadTestsFromTestCase(TestCases), unittest.TestResult()
    names = [test.id().split(".")[-1] for test in suite]
    suite.run(result)
    global _troubles
    _troubles = [text[-2000:] for _, text in result.failures + result.errors]
    return names if not result.failures and not result.errors else []
"""
_NETWORK = re.compile(
    r"URLError|gaierror|NewConnectionError|MaxRetryError|ConnectionRefusedError|Network is unreachable|"
    r"name resolution|No address associated|nltk\.download|Resource .*not found"
)
_FILES = re.compile(r"Read-only file system|No space left on device|File too large|PermissionError")


class BigCodeBench(Drawn):
    """1,140 functions to complete, version 0.1.4; all of it is `test` (Zhuo et al. 2024, arXiv
    2406.15877).

    It needs `code_execution.packages` with the libraries that it imports (about 70), more than the
    default of `code_execution.seconds` and `memory_mb` for the large ones, and files of at most 1
    MiB in a /tmp of 64 MiB. There is no network in the box. What the problems drawn import is tried
    first: it is an error if most of them cannot be judged for want of libraries; otherwise these
    are left out, as are those whose reference fails here.
    """

    domain: Domain = "code"
    source = "bigcodebench"

    def __init__(
        self, name: str, path: str | None, execution: CodeExecution, leave_out: Sequence[str] = ()
    ) -> None:
        super().__init__(name, path, leave_out)
        self.allow_unsafe = execution.allow_unsafe
        self.limits = limits_of(execution)
        self._tried: dict[str, str | None] = {}  # library: why it cannot be imported here

    def grade(self, problems: Sequence[Problem], texts: Sequence[str]) -> list[Grade]:
        """Right if all tests pass; the answer is the program up to its layout, as the tests are
        hidden from a vote.
        """
        found = [
            replies.find(p.tests["entry"], p.tests["prefix"], text)
            for p, text in zip(problems, texts, strict=True)
        ]
        outcomes = self._run(problems, [program for program, _ in found])
        return [
            Grade(votes.shape(program), _all_pass(p, outcome), rule)
            for p, (program, rule), outcome in zip(problems, found, outcomes, strict=True)
        ]

    def _rows(self, split: str) -> tuple[sources.Rows, list[int]]:
        return sources.own_rows(self.source, self.path, split, "task_id")

    def _prepare(self, rows: sources.Rows, first: Sequence[int]) -> None:
        """Raise UserError if most of the problems drawn first import what is not here."""
        lacking = self._lacking([self._problem(rows, "", index) for index in first])
        cannot = [why for why in lacking if why]
        if 2 * len(cannot) > len(first):
            missing = "; ".join(sorted({part for why in cannot for part in why}))
            raise UserError(
                f"{self.name}: {len(cannot)} of {len(first)} problems need libraries that programs "
                f"cannot import here: {missing}. Install them for this Python in a folder and name "
                "it in code_execution.packages; where it says TimeLimit or MemoryError, raise "
                "code_execution.seconds or memory_mb"
            )

    def _made(self, rows: sources.Rows, split: str, batch: Sequence[int]) -> list[Problem | str]:
        problems = [self._problem(rows, split, index) for index in batch]
        lacking = self._lacking(problems)
        ready = [p for p, why in zip(problems, lacking, strict=True) if not why]
        outcomes = iter(self._run(ready, [p.answer for p in ready]))
        return [
            f"needs {'; '.join(why)}" if why else _held(problem, next(outcomes))
            for problem, why in zip(problems, lacking, strict=True)
        ]

    def _lacking(self, problems: Sequence[Problem]) -> list[list[str]]:
        """The libraries of each problem that cannot be imported here, with the reason; each library
        is tried once.
        """
        wanted = [sorted(set(_imported(f"{p.answer}\n{p.tests['published']}"))) for p in problems]
        new = sorted({name for names in wanted for name in names} - set(self._tried))
        tries = [Program(f"import {name}", ("0",)) for name in new]
        outcomes = run(tries, self.limits, self.allow_unsafe) if tries else []
        self._tried |= {name: outcome.error for name, outcome in zip(new, outcomes, strict=True)}
        return [
            [f"{name} ({self._tried[name]})" for name in names if self._tried[name]]
            for names in wanted
        ]

    def _problem(self, rows: sources.Rows, split: str, index: int) -> Problem:
        prompt, test = rows.field(index, "complete_prompt", str), rows.field(index, "test", str)
        names = _test_names(test)
        if not names:
            rows.wrong(index, "no test methods of a class TestCases in 'test'")
        return Problem(
            problem_id=f"{self.name}/{split}/{index:05d}",
            domain="code",
            split=split,
            prompt=prompt,
            answer=f"{prompt}\n{rows.field(index, 'canonical_solution', str)}",
            tests={
                "entry": rows.field(index, "entry_point", str),
                "prefix": prompt,
                "published": test,
                "names": names,
            },
            difficulty=0,
            source=self.source,
            licence=sources.PUBLISHED[self.source].licence,
        )

    def _run(self, problems: Sequence[Problem], programs: Sequence[str]) -> list[Outcome]:
        tested = [
            Program(
                f"{program}\n{p.tests['published']}\n{_RUNNER}", ("_passed_tests()", "_troubles")
            )
            for p, program in zip(problems, programs, strict=True)
        ]
        return run(tested, self.limits, self.allow_unsafe)


def _all_pass(problem: Problem, outcome: Outcome) -> bool:
    return outcome.values[0] == text_of(problem.tests["names"], 1 << 20)


def _held(problem: Problem, outcome: Outcome) -> Problem | str:
    """The problem if its reference has passed, or why it has not."""
    if _all_pass(problem, outcome):
        return problem
    troubles = "\n".join(map(str, json.loads(outcome.values[1] or "[]")))
    if outcome.error:
        return f"{FAILS} ({outcome.error})"
    if _NETWORK.search(troubles):
        return f"{FAILS} (it needs the network)"
    return f"{FAILS} (it needs other files)" if _FILES.search(troubles) else FAILS


def _imported(program: str) -> Iterator[str]:
    """The libraries beside the standard one that a program imports, by its syntax tree."""
    try:
        tree = ast.parse(program)
    except SyntaxError:  # its reference fails, and says so
        return
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        yield from (
            name.split(".")[0]
            for name in names
            if name.split(".")[0] not in sys.stdlib_module_names
        )


def _test_names(test: str) -> list[str]:
    """The test methods of a published test, in the order that unittest runs them; none where it
    cannot be parsed.
    """
    try:
        tree = ast.parse(test)
    except SyntaxError:
        return []
    cases = [
        node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "TestCases"
    ]
    return sorted(
        {
            n.name
            for c in cases
            for n in c.body
            if isinstance(n, ast.FunctionDef) and n.name[:4] == "test"
        }
    )
