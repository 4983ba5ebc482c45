"""The program in a reply: what a person would run, whatever the reply looks like."""

import ast
import csv
import re
from pathlib import Path

import pytest

from prmscale.study import CodeExecution
from prmscale.tasks import sandbox
from prmscale.tasks.base import Problem
from prmscale.tasks.competitions import TACO
from prmscale.tasks.recorded_calls import RecordedCalls
from prmscale.tasks.sandbox_worker import text_of

EXECUTION = CodeExecution()
ESCAPED = {"\\n": "\n", "\\t": "\t", "\\r": "\r", "\\\\": "\\"}
boxed = pytest.mark.skipif(not sandbox.available(), reason="bubblewrap is not installed or cannot start here")


def rows():
    """The cases, with `\\n` as a line end."""
    with (Path(__file__).parent / "cases" / "code_replies.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            yield {k: re.sub(r"\\[ntr\\]", lambda found: ESCAPED[found.group()], v) for k, v in row.items()}


def problem(row):
    """The problem that a case is a reply to."""
    if row["stdin"]:
        tests = {"entry": None, "inputs": [row["stdin"]], "expected": [row["stdout"]], "visible": 1}
    else:
        tests = {"entry": row["entry"], "prefix": row["prompt"], "visible": [], "calls": [row["call"]]}
        tests["expected"] = [text_of(ast.literal_eval(row["expected"]), 1 << 20)]
    return Problem("reply", "code", "test", row["prompt"], None, tests, 0, "made up", "none")


@boxed
def test_the_program_of_every_case_is_found_and_gives_what_is_expected():
    cases = list(rows())
    assert len(cases) >= 80
    wrong = []
    for task, own in (
        (RecordedCalls("calls", None, EXECUTION), [c for c in cases if not c["stdin"]]),
        (TACO("programs", None, EXECUTION), [c for c in cases if c["stdin"]]),
    ):
        grades = task.grade([problem(c) for c in own], [c["reply"] for c in own])
        wrong += [(c["kind"], g.found_by, c["reply"]) for c, g in zip(own, grades, strict=True) if not g.correct]
    assert wrong == []
