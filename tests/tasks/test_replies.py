"""The program in a reply: what a person would run, whatever the reply looks like."""

import ast
import csv
import random
import re
import time
from pathlib import Path

import pytest
from mutants import mutants, published_verdicts, renamed
from needs import boxed

from prmscale.study import CodeExecution
from prmscale.tasks.base import Problem
from prmscale.tasks.benchmarks.competitions import TACO
from prmscale.tasks.benchmarks.humaneval_mbpp import MBPP, HumanEval
from prmscale.tasks.benchmarks.recorded_calls import RecordedCalls
from prmscale.tasks.grading import replies
from prmscale.tasks.grading.sandbox_values import text_of

EXECUTION = CodeExecution()
ESCAPED = {"\\n": "\n", "\\t": "\t", "\\r": "\r", "\\\\": "\\"}


def rows():
    """The cases, in which `\\n` is a line end and a backslash is doubled."""
    with (Path(__file__).parents[1] / "cases" / "code_replies.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            yield {
                k: re.sub(r"\\[ntr\\]", lambda found: ESCAPED[found.group()], v)
                for k, v in row.items()
            }


def problem(row):
    """The problem that a case is a reply to."""
    if row["stdin"]:
        tests = {"entry": None, "inputs": [row["stdin"]], "expected": [row["stdout"]], "visible": 1}
    else:
        tests = {
            "entry": row["entry"],
            "prefix": row["prompt"],
            "visible": [],
            "calls": [row["call"]],
        }
        tests["expected"] = [text_of(ast.literal_eval(row["expected"]), 1 << 20)]
    return Problem("reply", "code", "test", row["prompt"], None, tests, 0, "made up", "none")


@boxed
def test_the_program_of_every_case_is_found_and_gives_what_is_expected():
    cases = list(rows())
    assert len(cases) >= 80
    wrong, rules = [], set()
    for task, replied in (
        (RecordedCalls("calls", None, EXECUTION), [c for c in cases if not c["stdin"]]),
        (TACO("programs", None, EXECUTION), [c for c in cases if c["stdin"]]),
    ):
        grades = task.grade([problem(c) for c in replied], [c["reply"] for c in replied])
        rules |= {grade.found_by for grade in grades}
        wrong += [
            (c["kind"], g.found_by, c["reply"])
            for c, g in zip(replied, grades, strict=True)
            if not g.correct
        ]
    assert wrong == []
    assert rules == {"block", "joined_blocks", "bare_code", "completion"}


@pytest.fixture(scope="module")
def humaneval():
    return load(HumanEval("humaneval", None, EXECUTION))


@pytest.fixture(scope="module")
def mbpp():
    file = Path(__file__).parents[3] / "shared" / "data" / "mbpp_sanitized.json"
    if not file.exists():
        pytest.skip("the real rows are not beside this checkout")
    return load(
        MBPP("mbpp", str(file), CodeExecution(seconds=30))
    )  # for the slow one, on a busy machine


def load(task):
    return task, [p for split in ("train", "validation", "test") for p in task.load(split, None, 0)]


def indented(text):
    return "".join(f"   {line}\n" if line else "\n" for line in text.split("\n"))


def with_helper(p):
    entry = p.tests["entry"]
    helper = renamed(p.answer, entry, "_solved")
    calls = f"def {entry}(*arguments):\n    return _solved(*arguments)\n"
    return f"First a helper:\n\n```python\n{helper}\n```\n\nThen:\n\n```python\n{calls}```\n"


STYLES = {
    "Qwen": lambda p: (
        f"To solve this, we go step by step.\n\n```python\n{p.answer}\n```\n\n### Explanation\n- "
        f"It's `{p.answer[:3]}`"
    ),
    "Llama 3": lambda p: (
        f"**Solution**\n================\n\n```\n{p.answer}```\n\nThis function (see above) works."
    ),
    "GPT": lambda p: (
        f"```python\n{p.answer}\n```\n\nUsage:\n\n```python\nprint({p.tests['entry']}(1))\n```\nOutput:\n```\n1\n```"
    ),
    "a helper before": with_helper,
    "bare code": lambda p: f"Here is the code:\n\n{p.answer}\n\nIt doesn't use anything else.",
    "the body alone": lambda p: (
        p.answer.removeprefix(p.tests["prefix"]) + "\n\nif __name__ == '__main__':\n    check()\n"
    ),
    "a list": lambda p: f"1. The code:\n\n   ```python\n{indented(p.answer)}   ```\n\n2. Done.",
    "Windows": lambda p: f"Sure!\n\n```python3\n{p.answer}\n```\n".replace("\n", "\r\n"),
    "a thought": lambda p: (
        f"<think>\n```python\ndef {p.tests['entry']}(): "
        f"pass\n```\n</think>\n\n```python\n{p.answer}\n```"
    ),
}


@boxed
def test_every_reference_of_humaneval_is_right_however_it_is_said(humaneval):
    task, problems = humaneval
    assert len(problems) == 164
    said = [(name, p) for name in STYLES for p in problems]
    grades = task.grade([p for _, p in said], [STYLES[name](p) for name, p in said])
    assert [
        (n, p.problem_id, g.found_by)
        for (n, p), g in zip(said, grades, strict=True)
        if not g.correct
    ] == []


@boxed
def test_every_reference_of_mbpp_is_right(mbpp):
    task, problems = mbpp
    assert len(problems) == 200
    grades = task.grade(problems, [f"Here:\n\n{p.answer}\n\nThis is it." for p in problems])
    assert [p.problem_id for p, g in zip(problems, grades, strict=True) if not g.correct] == []


SLOW = ("amicable_numbers_sum",)  # its tests take so long that the machine's speed decides
HELPER = "the test calls the prompt's helper too, which is not what is asked for"
# mutants of HumanEval that the published tests judge otherwise: our verdict, and why
DISAGREEMENTS = {
    ("decode_shift", "line 7: 26 -> 25"): (True, HELPER),
    ("decode_shift", "line 7: 26 -> 27"): (True, HELPER),
}


@boxed
@pytest.mark.parametrize("name", ["humaneval", "mbpp"])
def test_mutants_are_judged_as_by_the_published_tests(name, request):
    _, problems = request.getfixturevalue(name)
    quick = [p for p in problems if p.tests["entry"] not in SLOW]
    made = {
        (p.tests["entry"], change): (p, source)
        for p in quick
        for change, source in mutants(p.answer)
    }
    explained = {key: right for key, (right, _) in DISAGREEMENTS.items() if key in made}
    chosen = [*random.Random(0).sample(sorted(made.keys() - explained.keys()), 100), *explained]
    task = RecordedCalls(name, None, CodeExecution(seconds=3))
    grades = task.grade(
        [made[key][0] for key in chosen], [f"```python\n{made[key][1]}\n```" for key in chosen]
    )
    theirs = published_verdicts(
        [f"{made[key][1]}\n{made[key][0].tests['published']}" for key in chosen], seconds=3
    )
    assert 0 < sum(theirs) < len(theirs)
    pairs = zip(chosen, grades, theirs, strict=True)
    assert {
        key: grade.correct for key, grade, right in pairs if grade.correct != right
    } == explained


LONG = 1_000_000
BAD = {
    "spaces": " " * LONG,
    "line ends": "\n" * LONG,
    "backticks": "`" * LONG,
    "tildes and backticks": "~`" * (LONG // 2),
    "fences": "```\n" * (LONG // 4),
    "openings": "```python\n" * (LONG // 10),
    "quotes": '```\n"""\n' * (LONG // 8),
    "longer and longer fences": "".join("`" * n + "\n" for n in range(1400, 2, -1)),
    "brackets": "def f(x): return " + "(" * LONG,
    "signs": "```python\ndef f(x): return " + "-" * LONG + "1\n```",
    "sums": "def f(x): return " + "1+" * (LONG // 2) + "1",
    "lines that may be code": "import a\nfrom the above we\n" * (LONG // 27),
    "decorators": "@a\n" * (LONG // 3),
    "bodies": "    return (\na\n" * (LONG // 15),
    "definitions": "def f" * (LONG // 5),
    "prompts": ">>> " * (LONG // 4),
    "tags": "<pre" * (LONG // 4),
    "thoughts": "<think></think>" * (LONG // 15),
    "a zero byte": "```python\ndef f(x):\n    return 1\0\n```",
    "half a character": "```python\ndef f(x):\n    return '\ud800'\n```",
    "one line": "x" * LONG,
    "nothing": "",
}


@pytest.mark.parametrize("entry", ["f", None])
@pytest.mark.parametrize("name", BAD)
def test_bad_replies_take_no_time(name, entry):
    started = time.process_time()
    found = replies.find(entry, 'def f(x):\n    """Twice x."""\n', BAD[name])
    assert time.process_time() - started < 20  # a few seconds, however busy the machine is
    assert found.rule in ("broken_block", "whole_text", "completion", "none")


@boxed
def test_bad_replies_are_judged():
    row = {"stdin": "", "entry": "f", "prompt": "", "call": "f(2)", "expected": "4"}
    grades = RecordedCalls("calls", None, EXECUTION).grade(
        [problem(row)] * len(BAD), list(BAD.values())
    )
    assert not any(grade.correct for grade in grades)


def test_the_blocks_of_a_reply():
    text = "<think>```\na\n```</think>1. ```py\n   b\n   ```\n~~~\nc\n~~~"
    assert replies.bodies(text) == ["b", "c"]
