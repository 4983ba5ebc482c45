"""BigCodeBench: functions that use many libraries, judged by their unit tests.

The tests look at files, figures and mocked calls as much as at values, which cannot be compared outside of the process
that ran the program: so they run beside it, in the sandbox. What that protects from: harm to the machine, and a program
that ends early, hangs or brings tests of its own (the published ones come after it, and each must be reported as run by
its name). What it does not protect from: a program that sets out to cheat can change unittest, or write what a passing
one would. Such verdicts are as good as the policy is honest.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Sequence

from prmscale.study import CodeExecution
from prmscale.tasks import replies, sources
from prmscale.tasks.base import Domain, Grade, Problem
from prmscale.tasks.recorded_calls import failing, limits_of
from prmscale.tasks.sandbox import Outcome, Program, run
from prmscale.tasks.sandbox_worker import text_of

_RUNNER = """
def _passed_tests():
    import unittest
    suite, result = unittest.defaultTestLoader.loadTestsFromTestCase(TestCases), unittest.TestResult()
    names = [test.id().split(".")[-1] for test in suite]
    suite.run(result)
    return names if not result.failures and not result.errors else []
"""


class BigCodeBench:
    """1,140 functions to complete, version 0.1.4; all of it is `test` (Zhuo et al. 2024, arXiv 2406.15877).

    Needs `code_execution.packages` with the libraries that it lists; references that fail their tests are an error.
    """

    domain: Domain = "code"
    source = "bigcodebench"

    def __init__(self, name: str, path: str | None, execution: CodeExecution) -> None:
        self.name, self.path, self.allow_unsafe = name, path, execution.allow_unsafe
        self.limits = limits_of(execution)

    def load(self, split: str, count: int | None, seed: int) -> list[Problem]:
        """`count` problems of a split."""
        rows, own = sources.own_rows(self.source, self.path, split, "task_id")
        picked = sources.chosen(own, count, seed, f"{self.name} {split}")
        problems = [self._problem(rows, split, i) for i in picked]
        outcomes = self._run(problems, [p.answer for p in problems])
        bad = [
            f"{problem.problem_id} ({outcome.error or 'tests fail'})"
            for problem, outcome in zip(problems, outcomes, strict=True)
            if not _all_pass(problem, outcome)
        ]
        if bad:
            raise failing(self.name, bad)
        return problems

    def grade(self, problems: Sequence[Problem], texts: Sequence[str]) -> list[Grade]:
        """Right if all tests pass; the answer is the program up to its layout, as the tests are hidden from a vote."""
        found = [
            replies.find(p.tests["entry"], p.tests["prefix"], text) for p, text in zip(problems, texts, strict=True)
        ]
        outcomes = self._run(problems, [program for program, _ in found])
        return [
            Grade(_shape(program), _all_pass(p, outcome), rule)
            for p, (program, rule), outcome in zip(problems, found, outcomes, strict=True)
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
            tests={"entry": rows.field(index, "entry_point", str), "prefix": prompt, "published": test, "names": names},
            difficulty=0,
            source=self.source,
            licence=sources.PUBLISHED[self.source].licence,
        )

    def _run(self, problems: Sequence[Problem], programs: Sequence[str]) -> list[Outcome]:
        tested = [
            Program(f"{program}\n{p.tests['published']}\n{_RUNNER}", ("_passed_tests()",))
            for p, program in zip(problems, programs, strict=True)
        ]
        return run(tested, self.limits, self.allow_unsafe)


def _all_pass(problem: Problem, outcome: Outcome) -> bool:
    return outcome.values == (text_of(problem.tests["names"], 1 << 20),)


def _test_names(test: str) -> list[str]:
    """The test methods of a published test, in the order that unittest runs them; none where it cannot be parsed."""
    try:
        tree = ast.parse(test)
    except SyntaxError:
        return []
    cases = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "TestCases"]
    return sorted({n.name for c in cases for n in c.body if isinstance(n, ast.FunctionDef) and n.name[:4] == "test"})


def _shape(program: str) -> str | None:
    """A short name of a program that does not depend on its layout; None where it is not Python."""
    try:
        tree = ast.dump(ast.parse(program))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return hashlib.blake2b(tree.encode(), digest_size=8).hexdigest()
