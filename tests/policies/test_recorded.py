"""Solutions that were written elsewhere become a policy's samples."""

import json

import pandas as pd
import pytest

from prmscale.errors import UserError
from prmscale.policies.recorded import import_solutions
from prmscale.search import benchmarks, run
from prmscale.study import CodeExecution, Dataset, RecordedPolicy, World
from prmscale.tasks.registry import Grader, build

QUESTIONS = [f"Ann has {n} apples and buys 2 more.\nHow many has she?" for n in range(4)]


@pytest.fixture
def gsm8k(tmp_path):
    """Four problems of GSM8K, with their task."""
    rows = [{"question": q, "answer": f"... #### {n + 2}"} for n, q in enumerate(QUESTIONS)]
    (tmp_path / "test.jsonl").write_text("\n".join(map(json.dumps, rows)))
    dataset = Dataset(name="gsm8k", source="gsm8k", path=str(tmp_path / "{split}.jsonl"), test=4)
    task = build(dataset, World(), CodeExecution())
    return task.load("test", 4, 0), task


@pytest.fixture
def write(tmp_path, gsm8k):
    """Writes rows into a file of solutions and imports it."""

    def make(rows, samples=2, **policy):
        path = tmp_path / "mine.jsonl"
        path.write_text("\n".join(map(json.dumps, rows)))
        problems, task = gsm8k
        recorded = RecordedPolicy(name="mine", path=str(path), **policy)
        return import_solutions(recorded, Grader({"gsm8k": task}), problems, samples, "line")

    return make


def test_solutions_are_found_by_their_problem_and_judged_here(write, gsm8k):
    spaced = [question.replace("\n", "  \n") for question in QUESTIONS]
    rows = [
        {"question": question, "solutions": [f"{n} + 2\nA: {n + 2}", "A: 99", "unused"]}
        for n, question in reversed(list(enumerate(spaced)))
    ]
    table = write(rows)
    assert table.correct.tolist() == [True, False] * 4
    assert table.problem_id.tolist() == [p.problem_id for p in gsm8k[0] for _ in range(2)]
    assert all(len(steps) == 2 for steps in table[table.correct].steps)


def test_published_solutions_of_gsm8k_are_read_and_rows_of_one_problem_add_up(write):
    one = {"ground_truth": "A: 2", "big": {"solution": "A: 2", "is_correct": True}}
    two = {"small": {"solution": "A: 3", "is_correct": False}}
    rows = [{"question": q, **columns} for q in QUESTIONS for columns in (one, two)]
    table = write(rows)
    assert table.groupby("problem_id").answer.agg(list).tolist() == [["2", "3"]] * 4
    assert table.correct.sum() == 2  # of 0 + 2 and of 1 + 2


def test_a_thought_is_no_step_and_one_without_an_end_is_cut(write):
    rows = [
        {"question": q, "solutions": ["<think>A: 9</think>A: 2", "<think>A: 2"]} for q in QUESTIONS
    ]
    table = write(rows)
    assert table.steps.iloc[0] == ["A: 2"] and table.thought.iloc[0] == "<think>A: 9</think>"
    assert table.finish_reason.tolist() == ["stop", "length"] * 4
    assert not table[table.finish_reason == "length"].correct.any()


def test_costs_are_words_and_two_flops_per_parameter(write):
    rows = [{"question": q, "solutions": ["two words", "A: 1"]} for q in QUESTIONS]
    table = write(rows, parameters=1e9)
    assert set(table.tokens) == {2} and set(table.prefix_tokens) == {12}
    assert set(table.flops) == {2e9 * 14} and set(table.prefix_flops) == {2e9 * 12}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"question": QUESTIONS[0], "solutions": ["A: 2"]}, "has [01] solutions, and"),
        ({"question": "another", "solutions": ["A: 2"] * 2}, "has 0 solutions, and"),
        ({"question": QUESTIONS[0]}, "line 1: no solutions"),
        ({"question": QUESTIONS[0], "solutions": [2]}, "line 1: no solutions"),
        ({"question": QUESTIONS[0], "solutions": None}, "line 1: no solutions"),
        ({"problem": QUESTIONS[0]}, "line 1: no 'question'"),
    ],
)
def test_what_cannot_be_used_is_named(write, row, said):
    with pytest.raises(UserError, match=said):
        write([row])


def test_measures_that_nobody_knows_choose_nothing(write, gsm8k):
    problems, task = gsm8k
    table = write([{"question": q, "solutions": ["A: 2", "A: 3"]} for q in QUESTIONS])
    known = table.assign(policy="m", logprob=-1.0, self_certainty=1.0)
    names = ["majority", "likelihood", "self_certainty"]
    found = {}
    for name, solutions in (("mine", table), ("m", known)):
        grader = Grader({"gsm8k": task})
        test = benchmarks.Benchmark("gsm8k", name, problems, solutions, task, grader, 2)
        replayed = run.Test(test, run.RecordedPolicy(solutions))
        found[name] = run.search_unscored([replayed], run.Settings(names, [1, 2]))
    assert set(found["mine"].strategy) == {"majority"} and set(found["m"].strategy) == {*names}
    both = [frame[frame.strategy == "majority"].drop(columns="policy") for frame in found.values()]
    pd.testing.assert_frame_equal(*both)
