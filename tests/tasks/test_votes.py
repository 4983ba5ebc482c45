"""What a majority vote may look at: what prompts show, and never a hidden test."""

import csv
import json
from pathlib import Path

import pytest
from contest_rows import (
    APPS_ROW,
    CONTEST_ROW,
    EXECUTION,
    LCB_CALL_ROW,
    LCB_ROW,
    MBPPPLUS_ROW,
    SUMS,
    TACO_ROW,
    load,
)
from needs import boxed

from prmscale.tasks.base import Problem
from prmscale.tasks.benchmarks.competitions import APPS, TACO, CodeContests
from prmscale.tasks.benchmarks.humaneval_mbpp import MBPP, HumanEval, MBPPPlus
from prmscale.tasks.benchmarks.livecodebench import LiveCodeBench
from prmscale.tasks.benchmarks.recorded_calls import RecordedCalls
from prmscale.tasks.grading import votes

with open(Path(__file__).parents[1] / "cases" / "visible_calls.csv", newline="") as file:
    PROMPTS = list(csv.DictReader(file))


@pytest.mark.parametrize("case", PROMPTS, ids=lambda case: case["kind"])
def test_calls_that_a_prompt_shows_are_found_in_any_form(case):
    found = votes.examples(case["prompt"].replace("\\n", "\n"), case["entry"])
    assert found == [call for call in case["calls"].split("|") if call]


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("Add.\n-----Examples-----\nInput\n1  2 \n3\n\nOutput\n6\n\nNote", True),
        ("Sample Input 1\n\n1 2\n3\n\nSample Output 1\n\n6", True),
        ("The numbers 1 2 and 3 give 6.", False),
        ("Input\n1 2\n3\nOutput\n7", False),
        ("Output\n6\nInput\n1 2\n3", False),
        ("Input\n1 2\n3\na\nb\nc\nd\n6", False),
    ],
)
def test_a_test_is_visible_if_the_words_hold_it_as_a_sample(words, shown):
    assert votes.shows(words, "1 2\n3\n", "6\n") == shown
    assert not votes.shows(words, "", "6") and not votes.shows(words, "1 2\n3", "")


def test_programs_that_are_the_same_up_to_layout_are_one():
    one, same, other = (
        "def f(x):\n  return x",
        "def f(x): # x\n\n    return (x)",
        "def f(x): return x + 1",
    )
    assert votes.shape(one) == votes.shape(same) != votes.shape(other)
    assert votes.shape("def f(") is votes.shape("(" * 10_000) is votes.shape("\0") is None


def answers(task, problem, *texts):
    return [grade.answer for grade in task.grade([problem] * len(texts), texts)]


@boxed
def test_a_vote_on_contests_sees_samples_alone(tmp_path):
    words = "Add two numbers.\nInput\n3 4\nOutput\n7"
    task, (problem,) = load(TACO, tmp_path, {**TACO_ROW, "question": words})
    assert problem.tests["inputs"][0] == "3 4\n" and problem.tests["visible"] == 1
    one, wrong, other = answers(task, problem, SUMS, "print(' 7 ')", "print(8)")
    assert one == wrong != other
    task, (problem,) = load(TACO, tmp_path, TACO_ROW)
    assert problem.tests["visible"] == 0
    one, same, other = answers(task, problem, "print( 3)", "print(3)", SUMS)
    assert one == same != other and one is not None
    words = "Double: twice([]) is [], twice([9]) is [18]."
    _, (problem,) = load(APPS, tmp_path, {**APPS_ROW, "question": words})
    assert problem.tests["inputs"][: problem.tests["visible"]] == [[[]]]


@boxed
def test_a_vote_on_functions_sees_what_the_prompt_shows(tmp_path):
    task, (problem,) = load(MBPPPlus, tmp_path, MBPPPLUS_ROW)
    assert problem.tests["visible"] == ["set(similar_elements((3, 4), (5, 4)))"]
    one, order, other = answers(
        task, problem, *(f"def similar_elements(a, b): return {v}" for v in ("[4]", "(4,)", "a"))
    )
    assert one == order != other


@boxed
def test_a_program_that_only_hidden_calls_end_keeps_its_vote(tmp_path):
    row = {
        "task_id": 1,
        "prompt": "Add.",
        "code": "def f(x): return x",
        "test_list": ["assert f(1) == 1", "f(2)"],
    }
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps(row))
    task = MBPP("set", str(file), EXECUTION.model_copy(update={"seconds": 1.0}))
    (problem,) = [p for split in ("train", "validation", "test") for p in task.load(split, None, 0)]
    hangs = "def f(x):\n    while x > 1: pass\n    return 1"
    (right, slow, ended) = task.grade([problem] * 3, ["def f(x): return x", hangs, "1 / 0"])
    assert (
        right.answer == slow.answer and right.correct and not slow.correct and ended.answer is None
    )


@boxed
def test_a_program_that_only_shown_calls_end_keeps_its_verdict():
    tests = {"entry": "f", "prefix": "", "visible": ["f(9)"], "calls": ["f(1)"], "expected": ["1"]}
    problem = Problem("p", "code", "test", "", None, tests, 0, "made up", "none")
    task = RecordedCalls("calls", None, EXECUTION.model_copy(update={"seconds": 1.0}))
    hangs = "def f(x):\n    while x > {}: pass\n    return x"
    (passes, fails) = task.grade([problem] * 2, [hangs.format(1), hangs.format(0)])
    assert passes.correct and not fails.correct and passes.answer is fails.answer is None


def test_the_prompts_that_show_calls_are_counted():
    task = HumanEval("humaneval", None, EXECUTION)
    rows, _ = task._select_rows("test")
    prompts = [(row["prompt"], row["entry_point"]) for row in rows]
    assert len(prompts) == 164 and sum(bool(votes.examples(*each)) for each in prompts) == 141


@boxed
@pytest.mark.parametrize(
    ("kind", "row", "said"),
    [
        (TACO, TACO_ROW, "reads standard input"),
        (CodeContests, CONTEST_ROW, "reads standard input"),
        (LiveCodeBench, LCB_ROW, "reads standard input"),
        (LiveCodeBench, LCB_CALL_ROW, "Complete this:\nclass Solution:"),
        (APPS, APPS_ROW, "Complete this:\ndef twice(a):"),
        (APPS, {**APPS_ROW, "starter_code": ""}, "Write a Python function `twice` of 1 argument."),
        (
            TACO,
            {**TACO_ROW, "starter_code": "a = input()"},
            "standard output.\nComplete this:\na = input()",
        ),
        (MBPPPlus, MBPPPLUS_ROW, "The function must pass:\nassert set(similar_elements("),
    ],
)
def test_a_prompt_says_what_is_wanted(kind, row, said, tmp_path):
    _, (problem,) = load(kind, tmp_path, row)
    assert said in problem.prompt
