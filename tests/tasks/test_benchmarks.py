"""Published benchmarks: their formats, their references, and what is said when something is
missing.
"""

import json
from pathlib import Path

import pytest
from needs import boxed

from prmscale.errors import UserError
from prmscale.study import CodeExecution
from prmscale.tasks.base import from_table, to_table
from prmscale.tasks.benchmarks.gsm8k_math import GSM8K, HendrycksMath, Math, Math500
from prmscale.tasks.benchmarks.humaneval_mbpp import MBPP, HumanEval
from prmscale.tasks.grading import math_answers

SHARED = Path(__file__).parents[3] / "shared" / "data"
shared = pytest.mark.skipif(
    not SHARED.exists(), reason="the real rows are not beside this checkout"
)
EXECUTION = CodeExecution(seconds=30)  # MBPP's slowest reference, on a busy machine

GSM8K_ROW = {"question": "Two and two?", "answer": "It is <<2+2=4>>4.\n#### 1,004"}
MATH_ROW = {
    "problem": "Half?",
    "solution": r"So $\boxed{\frac{1}{2}}$.",
    "answer": r"\frac{1}{2}",
    "level": 3,
}
HUMANEVAL_ROW = {
    "task_id": "HumanEval/0",
    "prompt": 'def double(x):\n    """ Twice.\n    >>> double(2)\n    4\n    """\n',
    "canonical_solution": "    return 2 * x\n",
    "test": "def check(candidate):\n    assert candidate(3) == 6\n"
    "    assert candidate(0.1) == 0.2\n",
    "entry_point": "double",
}
MBPP_ROW = {
    "task_id": 7,
    "prompt": "Write a function to double.",
    "code": "def double(x):\n    return 2 * x",
    "test_imports": [],
    "test_list": ["assert double(1) == 2", "assert double([1]) == [1, 1]"],
}


def lines(tmp_path, rows, name="rows.jsonl"):
    file = tmp_path / name
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(file)


def test_math500_is_tested_on_whole_and_the_training_problems_of_math_are_cut_in_two(tmp_path):
    rows = [{**MATH_ROW, "problem": f"Half of {i}?"} for i in range(20)]
    path = lines(tmp_path, rows)
    assert len(Math500("math500", path).load("test", None, 0)) == 20
    with pytest.raises(UserError, match="math500 has no 'train' problems"):
        Math500("math500", path).load("train", 1, 0)
    splits = str(lines(tmp_path, rows, "train.jsonl")).replace("train.jsonl", "{split}.jsonl")
    train, validation = (
        HendrycksMath("math", splits).load(s, None, 0) for s in ("train", "validation")
    )
    assert (len(train), len(validation)) == (18, 2)
    assert not {p.prompt for p in train} & {p.prompt for p in validation}
    with pytest.raises(UserError, match="no 'test' problems"):
        HendrycksMath("math", path).load("test", 1, 0)


def test_gsm8k_in_its_published_format(tmp_path):
    for split in ("train", "test"):
        lines(
            tmp_path,
            [{**GSM8K_ROW, "question": f"{split} {i}"} for i in range(20)],
            f"{split}.jsonl",
        )
    task = GSM8K("gsm8k", str(tmp_path / "{split}.jsonl"))
    splits = {split: task.load(split, None, 0) for split in ("train", "validation", "test")}
    assert {name: len(problems) for name, problems in splits.items()} == {
        "train": 18,
        "validation": 2,
        "test": 20,
    }
    prompts = [p.prompt for problems in splits.values() for p in problems]
    assert len(set(prompts)) == 40
    assert [p.problem_id for p in task.load("test", 5, 0)] == [
        p.problem_id for p in splits["test"][:5]
    ]
    problem = splits["test"][0]
    texts = [
        "so The answer is 1004",
        "#### 1,004",
        "The answer is $1004.00.",
        "The answer is 1005",
        "no idea",
    ]
    assert [g.correct for g in task.grade([problem] * 5, texts)] == [True, True, True, False, False]
    assert from_table(to_table([problem])) == [problem]


def test_math_in_its_published_format(tmp_path):
    task = Math(
        "math", lines(tmp_path, [MATH_ROW], "test.jsonl").replace("test.jsonl", "{split}.jsonl")
    )
    (problem,) = task.load("test", None, 0)
    answers = [r"\boxed{0.5}", r"The answer is \boxed{\dfrac{1}{2}}", r"\boxed{\frac{1}{3}}"]
    assert [g.correct for g in task.grade([problem] * 3, answers)] == [True, True, False]
    assert problem.difficulty == 3


@boxed
def test_humaneval_in_its_published_format(tmp_path):
    task = HumanEval("humaneval", lines(tmp_path, [HUMANEVAL_ROW]), EXECUTION)
    (problem,) = [p for split in ("train", "validation", "test") for p in task.load(split, None, 0)]
    assert problem.tests["visible"] == ["double(2)"]
    texts = [
        "    return x + x\n",
        "Here:\n```python\ndef double(x):\n    return x * 2\n```\nDone.",
        "    return x + 2\n",  # right on the visible example alone
        "    return (\n",
        "    import sys; sys.modules['builtins'].print('PASS'); return None\n",
    ]
    grades = task.grade([problem] * 5, texts)
    assert [g.correct for g in grades] == [True, True, False, False, False]
    assert grades[0].answer == grades[1].answer == grades[2].answer != grades[4].answer
    assert grades[3].answer is None


@boxed
def test_mbpp_in_its_published_format(tmp_path):
    task = MBPP("mbpp", lines(tmp_path, [MBPP_ROW]), EXECUTION)
    (problem,) = [p for split in ("train", "validation", "test") for p in task.load(split, None, 0)]
    grades = task.grade(
        [problem] * 2, ["def double(x):\n    return x + x", "def double(x):\n    return 2"]
    )
    assert [g.correct for g in grades] == [True, False]


@boxed
def test_any_root_of_a_polynomial_is_right(tmp_path):
    row = {
        **HUMANEVAL_ROW,
        "prompt": "def find_zero(xs):\n",
        "canonical_solution": "    return 1.0",
        "test": "def check(candidate):\n    assert abs(candidate([-1, 0, 1])) == 1.0\n",
        "entry_point": "find_zero",
    }
    task = HumanEval("humaneval", lines(tmp_path, [row]), EXECUTION)
    (problem,) = [p for split in ("train", "validation", "test") for p in task.load(split, None, 0)]
    grades = task.grade(
        [problem] * 5,
        [f"    return {x}" for x in ("-1", "1.00001", "1.001", "'1'", "float('nan')")],
    )
    assert [g.correct for g in grades] == [True, True, False, False, False]


@boxed
@pytest.mark.parametrize(("value", "right"), [("4186.8", True), ("4180", False)])
def test_floats_are_as_near_as_the_published_assert_wants(value, right, tmp_path):
    asserts = ["assert math.isclose(ball(10), 4188.79, rel_tol=0.001)"]
    row = {
        **MBPP_ROW,
        "code": "def ball(r): return 4188.79",
        "test_imports": ["import math"],
        "test_list": asserts,
    }
    task = MBPP("mbpp", lines(tmp_path, [row]), EXECUTION)
    (problem,) = [p for split in ("train", "validation", "test") for p in task.load(split, None, 0)]
    assert task.grade([problem], [f"def ball(r): return {value}"])[0].correct == right


@boxed
@pytest.mark.parametrize(
    "make", [lambda: HumanEval("humaneval", None, EXECUTION), pytest.param("mbpp", marks=shared)]
)
def test_every_reference_solution_passes(make):
    task = (
        MBPP("mbpp", str(SHARED / "mbpp_sanitized.json"), EXECUTION) if make == "mbpp" else make()
    )
    problems = [p for split in ("train", "validation", "test") for p in task.load(split, None, 0)]
    assert len(problems) == (200 if make == "mbpp" else 164)
    grades = task.grade(problems, [f"```python\n{p.answer}\n```" for p in problems])
    assert [p.problem_id for p, g in zip(problems, grades, strict=True) if not g.correct] == []
    assert not any(g.correct for g in task.grade(problems, ["    pass"] * len(problems)))


@shared
def test_real_math_references_are_equal_to_themselves():
    for task in (
        GSM8K("gsm8k", str(SHARED / "gsm8k_{split}.jsonl")),
        Math("math", str(SHARED / "math500.jsonl")),
    ):
        problems = task.load("test", 150, 0)
        grades = task.grade(problems, [rf"so the answer is \boxed{{{p.answer}}}" for p in problems])
        assert all(g.correct for g in grades)


@pytest.mark.parametrize("task", [GSM8K, Math])
def test_a_malformed_row_is_named(task, tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text(
        '{"question": "x", "problem": "y", "answer": "1", "solution": "1"}\n{"question": \n'
    )
    with pytest.raises(UserError, match=r"rows\.jsonl, line 2"):
        task("x", str(file)).load("train", None, 0)
    file.write_text('{"prompt": "x"}\n')
    with pytest.raises(UserError, match=r"rows\.jsonl, line 1: no '(question|problem|answer)'"):
        task("x", str(file)).load("train", None, 0)
    with pytest.raises(UserError, match="no such file"):
        task("x", str(tmp_path / "none.jsonl")).load("train", None, 0)


def test_too_few_problems_are_an_error(tmp_path):
    with pytest.raises(UserError, match="9 problems are asked for and there are 1"):
        GSM8K("gsm8k", lines(tmp_path, [GSM8K_ROW])).load("test", 9, 0)


def test_a_hub_out_of_reach_is_a_clear_error():
    with pytest.raises(UserError, match=r"openai/gsm8k.*local file: path"):
        GSM8K("gsm8k", None).load("test", 1, 0)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"thus \boxed{\frac{a}{b}} and so on", r"\frac{a}{b}"),
        ("first 3\n#### 42", "42"),
        ("The answer is 18 dollars.", "18"),
        ("It costs 3 and then 7 more", "7"),
        ("I do not know", None),
    ],
)
def test_the_final_answer_is_found(text, answer):
    assert math_answers.extract(text) == answer


def test_answers_are_compared_by_value_and_a_hanging_comparison_costs_itself_alone():
    pairs = [
        ("1/2", "0.5"),
        ("1,000", "1000"),
        ("x+1", "1+x"),
        ("2", "3"),
        ("9^{9^{9^{9}}}", "10^{10^{10}}"),
    ]
    found = math_answers.compare([*pairs, (r"\sqrt{4}", "2")], seconds=5)
    assert found == [True, True, True, False, False, True]
