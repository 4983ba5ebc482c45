"""What a choice among programs may look at: what prompts show, and never a hidden test."""

import ast
import csv
import json
from dataclasses import replace
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

from prmscale.study import World
from prmscale.tasks.base import Problem
from prmscale.tasks.benchmarks.competitions import APPS, TACO, CodeContests
from prmscale.tasks.benchmarks.humaneval_mbpp import MBPP, HumanEval, MBPPPlus
from prmscale.tasks.benchmarks.livecodebench import LiveCodeBench
from prmscale.tasks.benchmarks.recorded_calls import RecordedCalls
from prmscale.tasks.grading import votes
from prmscale.tasks.grading.sandbox_values import text_of
from prmscale.tasks.grading.values import matches
from prmscale.tasks.world.programs import VISIBLE, Programs

with open(Path(__file__).parents[1] / "cases" / "visible_calls.csv", newline="") as file:
    PROMPTS = list(csv.DictReader(file))


@pytest.mark.parametrize("case", PROMPTS, ids=lambda case: case["kind"])
def test_calls_that_a_prompt_shows_are_found_in_any_form(case):
    found = votes.examples(case["prompt"].replace("\\n", "\n"), case["entry"])
    assert found == [call for call in case["calls"].split("|") if call]


@pytest.mark.parametrize("case", PROMPTS, ids=lambda case: case["kind"])
def test_what_a_prompt_says_that_calls_give_is_read(case):
    found = votes.outcomes(case["prompt"].replace("\\n", "\n"), case["entry"])
    pairs = zip(case["calls"].split("|"), case["gives"].split("|"), strict=True)
    assert found == {call: ast.literal_eval(gives) for call, gives in pairs if gives}


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


def test_what_humaneval_shows_is_what_its_references_return():
    task = HumanEval("humaneval", None, EXECUTION)
    rows, _ = task._select_rows("test")
    shown, wrong = [], set()
    for row in rows:
        names = {}
        exec(row["prompt"] + row["canonical_solution"], names)
        outcomes = votes.outcomes(row["prompt"], row["entry_point"])
        shown.append(len(outcomes))
        for call, value in outcomes.items():
            if not matches(text_of(eval(call, names), 1 << 20), text_of(value, 1 << 20)):
                wrong.add(row["task_id"])
    assert (sum(map(bool, shown)), sum(shown)) == (138, 390)
    assert wrong == {f"HumanEval/{number}" for number in (47, 116, 130, 148)}  # as published


def shares(task, problem, *texts):
    return [grade.visible for grade in task.grade([problem] * len(texts), texts)]


@boxed
def test_visible_tests_of_functions_are_those_of_the_prompt(tmp_path):
    task, (problem,) = load(MBPPPlus, tmp_path, MBPPPLUS_ROW)
    programs = [f"def similar_elements(a, b): return {v}" for v in ("[4]", "[3]", "1 / 0")]
    assert shares(task, problem, *programs) == [1.0, 0.0, 0.0]
    tests = {"entry": "f", "prefix": "", "visible": ["f(1)", "f(2)", "f(3)"], "calls": ["f(4)"]}
    prompt = "f(1) == 1, f(2) returns 4, and f(3)"  # what f(3) gives is not shown
    problem = Problem(
        "p", "code", "test", prompt, None, {**tests, "expected": ["16"]}, 0, "made up", "none"
    )
    task = RecordedCalls("calls", None, EXECUTION)
    programs = [f"def f(x): return {v}" for v in ("x * x", "1.0", "x + 2", "1 / 0", "'")]
    assert shares(task, problem, *programs) == [1.0, 0.5, 0.5, 0.0, 0.0]
    assert shares(task, replace(problem, prompt="f(3)"), "def f(x): return x") == [None]


@boxed
def test_visible_tests_of_contests_are_samples_and_public_tests(tmp_path):
    words = "Add two numbers.\nInput\n3 4\nOutput\n7"
    task, (problem,) = load(TACO, tmp_path, {**TACO_ROW, "question": words})
    assert shares(task, problem, SUMS, "print(7)", "print(8)") == [1.0, 1.0, 0.0]
    task, (problem,) = load(TACO, tmp_path, TACO_ROW)
    assert shares(task, problem, SUMS) == [None]
    task, (problem,) = load(LiveCodeBench, tmp_path, LCB_ROW)
    assert shares(task, problem, SUMS, "print(3)", "print(7)") == [1.0, 1.0, 0.0]
    task, (problem,) = load(LiveCodeBench, tmp_path, LCB_CALL_ROW)
    solution = "class Solution:\n    def total(self, nums, k): return {}".format
    assert shares(task, problem, solution("[4, 5]"), solution("[]")) == [1.0, 0.0]
    told, untold = "twice([]) is [] and twice([9]) is [18].", "Try twice([])."
    task, (problem,) = load(APPS, tmp_path, {**APPS_ROW, "question": told})
    assert shares(task, problem, "def twice(a): return []", "def twice(a): return 1") == [1.0, 0.0]
    task, (problem,) = load(APPS, tmp_path, {**APPS_ROW, "question": untold})
    assert problem.tests["visible"] == 1 and shares(task, problem, "def twice(a): return 1") == [
        None
    ]


@boxed
@pytest.mark.parametrize("kind", [MBPPPlus, TACO, LiveCodeBench])
def test_hidden_tests_change_no_visible_one(kind, tmp_path):
    words = "Add two numbers.\nInput\n3 4\nOutput\n7"
    row, program = {
        MBPPPlus: (MBPPPLUS_ROW, "def similar_elements(a, b): return [4]"),
        TACO: ({**TACO_ROW, "question": words}, SUMS),
        LiveCodeBench: (LCB_ROW, SUMS),
    }[kind]
    task, (problem,) = load(kind, tmp_path, row)
    seen = 0 if kind is MBPPPlus else problem.tests["visible"]  # recorded calls are all hidden
    expected = problem.tests["expected"]
    hidden = [*expected[:seen], *['"other"'] * len(expected[seen:])]
    other = replace(problem, tests={**problem.tests, "expected": hidden})
    ((before,), (after,)) = (task.grade([each], [program]) for each in (problem, other))
    assert before.correct != after.correct or not before.correct
    assert before.visible == after.visible == 1.0


def test_visible_tests_of_generated_programs_are_the_public_inputs():
    task = Programs("programs", World())
    problem = task.load("test", 1, 0)[0]
    assert shares(task, problem, problem.answer, "return 1 +") == [1.0, 0.0]
    hidden = [[x, y if x in VISIBLE else y + 1] for x, y in problem.tests]
    (grade,) = task.grade([replace(problem, tests=hidden)], [problem.answer])
    assert grade.visible == 1.0 and not grade.correct


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
