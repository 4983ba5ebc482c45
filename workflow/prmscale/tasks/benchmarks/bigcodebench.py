"""BigCodeBench: functions that use many libraries, judged by their unit tests.

The tests look at files, figures and mocked calls as much as at values, and only the process that
ran the program can see those. So the tests run beside the program, in the sandbox. This protects
the machine from harm, and the verdict from a program that ends early, hangs or brings its own tests
(the published tests replace them, and each must be reported as run by its name). It does not
protect the verdict from a program written to cheat: such a program can change unittest or report
tests as passed. The verdicts are as reliable as the policy is honest.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator, Sequence

from prmscale.errors import UserError
from prmscale.study import CodeExecution
from prmscale.tasks.base import Grade, Problem
from prmscale.tasks.benchmarks import sources
from prmscale.tasks.benchmarks.base import FAILS, CodeBenchmark
from prmscale.tasks.benchmarks.rows import Rows
from prmscale.tasks.grading import replies, votes
from prmscale.tasks.grading.sandbox import Outcome, Program
from prmscale.tasks.grading.sandbox_values import text_of

_RUNNER = """
def _passed_tests():
    import unittest
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(TestCases)
    result = unittest.TestResult()
    names = [test.id().split(".")[-1] for test in suite]
    suite.run(result)
    global _troubles
    _troubles = [text[-2000:] for _, text in result.failures + result.errors]
    return names if not result.failures and not result.errors else []
"""
_NETWORK = re.compile(
    r"URLError|gaierror|NewConnectionError|MaxRetryError|ConnectionRefusedError"
    r"|Network is unreachable|name resolution|No address associated|nltk\.download"
    r"|Resource .*not found"
)
_FILES = re.compile(r"Read-only file system|No space left on device|File too large|PermissionError")


class BigCodeBench(CodeBenchmark):
    """1,140 functions to complete, version 0.1.4, all in `test` (Zhuo et al. 2024, 2406.15877).

    `code_execution.packages` must hold the libraries that the problems import (about 70), and the
    large ones need more than the default `code_execution.seconds` and `memory_mb`. The sandbox has
    no network; a file may hold 1 MiB, and /tmp 64 MiB.

    Loading first tries to import the libraries of the problems asked for, and raises UserError if
    most of the problems lack a library. Otherwise these problems are left out, and so are problems
    whose reference fails here.
    """

    source = "bigcodebench"

    def __init__(
        self, name: str, path: str | None, execution: CodeExecution, leave_out: Sequence[str] = ()
    ) -> None:
        super().__init__(name, path, execution, leave_out)
        self._import_errors: dict[str, str | None] = {}  # library: why it cannot be imported here

    def grade(self, problems: Sequence[Problem], texts: Sequence[str]) -> list[Grade]:
        """Right if all tests pass.

        The tests are hidden from a vote, so it counts the program itself, up to its layout.
        """
        found = [
            replies.find(problem.tests["entry"], problem.tests["prefix"], text)
            for problem, text in zip(problems, texts, strict=True)
        ]
        outcomes = self._run_tests(problems, [program for program, _ in found])
        return [
            Grade(votes.shape(program), _passes(problem, outcome), rule)
            for problem, (program, rule), outcome in zip(problems, found, outcomes, strict=True)
        ]

    def _select_rows(self, split: str) -> tuple[Rows, list[int]]:
        return sources.rows_of_split(self.source, self.path, split, "task_id")

    def _check_requirements(self, rows: Rows, first: Sequence[int]) -> None:
        missing = self._find_missing([self._make_problem(rows, "", index) for index in first])
        blocked = [reasons for reasons in missing if reasons]
        if 2 * len(blocked) > len(first):
            libraries = "; ".join(sorted(set().union(*blocked)))
            raise UserError(
                f"{self.name}: {len(blocked)} of {len(first)} problems need libraries that "
                f"programs cannot import here: {libraries}. Install them for this Python in a "
                "folder and name it in code_execution.packages; where it says TimeLimit or "
                "MemoryError, raise code_execution.seconds or memory_mb"
            )

    def _make_problems(self, rows: Rows, split: str, batch: Sequence[int]) -> list[Problem | str]:
        problems = [self._make_problem(rows, split, index) for index in batch]
        missing = self._find_missing(problems)
        ready = [problem for problem, names in zip(problems, missing, strict=True) if not names]
        outcomes = iter(self._run_tests(ready, [problem.answer for problem in ready]))
        return [
            f"needs {'; '.join(names)}" if names else _check_reference(problem, next(outcomes))
            for problem, names in zip(problems, missing, strict=True)
        ]

    def _find_missing(self, problems: Sequence[Problem]) -> list[list[str]]:
        """The libraries of each problem that cannot be imported here, each with the reason.

        Each library is tried once.
        """
        needed = [
            sorted(set(_list_imports(f"{problem.answer}\n{problem.tests['published']}")))
            for problem in problems
        ]
        new = sorted(set().union(*needed) - set(self._import_errors))
        outcomes = self._run([Program(f"import {name}", ("0",)) for name in new]) if new else []
        for name, outcome in zip(new, outcomes, strict=True):
            self._import_errors[name] = outcome.error
        missing = []
        for names in needed:
            errors = [(name, self._import_errors[name]) for name in names]
            missing.append([f"{name} ({error})" for name, error in errors if error])
        return missing

    def _make_problem(self, rows: Rows, split: str, index: int) -> Problem:
        prompt, test = rows.field(index, "complete_prompt", str), rows.field(index, "test", str)
        names = _list_tests(test)
        if not names:
            rows.refuse(index, "no test methods of a class TestCases in 'test'")
        tests = {
            "entry": rows.field(index, "entry_point", str),
            "prefix": prompt,
            "published": test,
            "names": names,
        }
        answer = f"{prompt}\n{rows.field(index, 'canonical_solution', str)}"
        return self._problem(split, index, prompt, answer, tests)

    def _run_tests(self, problems: Sequence[Problem], programs: Sequence[str]) -> list[Outcome]:
        """The outcome of each problem's tests after each program."""
        calls = ("_passed_tests()", "_troubles")
        return self._run(
            [
                Program(f"{program}\n{problem.tests['published']}\n{_RUNNER}", calls)
                for problem, program in zip(problems, programs, strict=True)
            ]
        )


def _passes(problem: Problem, outcome: Outcome) -> bool:
    """Whether every test of the problem has been run and has passed."""
    return outcome.values[0] == text_of(problem.tests["names"], 1 << 20)


def _check_reference(problem: Problem, outcome: Outcome) -> Problem | str:
    """The problem if its reference has passed, else the reason why it has not."""
    if _passes(problem, outcome):
        return problem
    if outcome.error:
        return f"{FAILS} ({outcome.error})"
    troubles = "\n".join(map(str, json.loads(outcome.values[1] or "[]")))
    if _NETWORK.search(troubles):
        return f"{FAILS} (it needs the network)"
    return f"{FAILS} (it needs other files)" if _FILES.search(troubles) else FAILS


def _list_imports(program: str) -> Iterator[str]:
    """The libraries that a program imports, without the standard library."""
    try:
        tree = ast.parse(program)
    except SyntaxError:  # the reference will fail, and that is reported
        return
    for node in ast.walk(tree):
        modules: list[str] = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            modules = [node.module or ""]
        for module in modules:
            library = module.split(".")[0]
            if library not in sys.stdlib_module_names:
                yield library


def _list_tests(test: str) -> list[str]:
    """The test methods of a published test, in the order that unittest runs them.

    Empty if the test cannot be parsed.
    """
    try:
        tree = ast.parse(test)
    except SyntaxError:
        return []
    names: set[str] = set()
    for case in tree.body:
        if isinstance(case, ast.ClassDef) and case.name == "TestCases":
            methods = [node.name for node in case.body if isinstance(node, ast.FunctionDef)]
            names.update(name for name in methods if name.startswith("test"))
    return sorted(names)
