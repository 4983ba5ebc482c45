"""Training sets: their size and parts, their restrictions, and what is said of them."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prmscale.errors import UserError
from prmscale.rewards.examples import Example
from prmscale.rewards.training_set import apply_threshold, describe, draw, interleave, name_labels
from prmscale.study import Dataset, TrainingSet, World
from prmscale.tasks.registry import build
from prmscale.tasks.world.specifications import WORDINGS, find_misreadable

WORLD = World()
SOLUTIONS = 4  # of each problem


def source(name, problems):
    """Examples of generated problems, the same right and wrong steps of each."""
    targets = np.array([1.0, 0.0])
    return [
        Example(problem, i, ("x", "y"), targets, targets, False)
        for problem in build(Dataset(name=name, source=name), WORLD, None).load(
            "train", problems, 0
        )
        for i in range(SOLUTIONS)
    ]


SOURCES = {"arithmetic": source("arithmetic", 60), "programs": source("programs", 40)}


def training_set(**settings):
    return TrainingSet(name="mine", datasets=list(SOURCES), **settings)


def held(examples):
    """Solutions of each problem, by source."""
    counts = pd.Series([e.problem.problem_id for e in examples]).value_counts()
    return {name: counts[counts.index.str.startswith(name)] for name in SOURCES}


def test_no_source_outweighs_another():
    every = draw(SOURCES, training_set(), 0)
    assert {name: counts.sum() for name, counts in held(every).items()} == dict.fromkeys(
        SOURCES, 160
    )
    few = draw(SOURCES, training_set(solutions=100), 0)
    assert {name: counts.sum() for name, counts in held(few).items()} == dict.fromkeys(SOURCES, 50)
    keys = [(e.problem.problem_id, e.solution_id) for e in few]
    assert len(set(keys)) == 100
    assert keys == [
        (e.problem.problem_id, e.solution_id) for e in draw(SOURCES, training_set(solutions=100), 0)
    ]
    assert keys != [
        (e.problem.problem_id, e.solution_id) for e in draw(SOURCES, training_set(solutions=100), 1)
    ]


@settings(max_examples=20, deadline=None)
@given(st.integers(1, SOLUTIONS), st.integers(1, 10), st.integers(0, 3))
def test_one_size_is_many_problems_or_few(per_problem, problems, seed):
    data = training_set(solutions=2 * per_problem * problems, per_problem=per_problem)
    for counts in held(draw(SOURCES, data, seed)).values():
        assert counts.tolist() == [per_problem] * problems


def test_only_the_wordings_named_can_be_misread():
    wordings = ["less_than", "squared_plus", "twice_the_sum"]
    found = draw(SOURCES, training_set(wordings=wordings), 0)
    others = [
        re.sub(r"{\w}", "[a-i0-9]", w.template)
        for n, w in WORDINGS.items()
        if w.misread and n not in wordings
    ]
    texts = " ; ".join(e.problem.prompt for e in found)
    assert len(found) > 20 and not re.search(f"is ({'|'.join(others)}) [;:]", texts)
    assert set().union(*(find_misreadable(e.problem) for e in found)) == set(wordings)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (
            {"solutions": 400},
            "mine needs 200 solutions of each of its 2 sources, and programs has 160",
        ),
        (
            {"per_problem": 5},
            "mine needs 5 solutions .* programs has 0|mine needs 5 solutions .* arithmetic has 0",
        ),
        ({"solutions": 160, "per_problem": 1}, "mine needs 80 .* programs has 40"),
        (
            {"solutions": 300, "wordings": ["less_than"]},
            "mine needs 150 .* has [0-9]+ that meet its restrictions",
        ),
        ({"solutions": 1}, "mine needs 1 "),
    ],
)
def test_a_set_that_cannot_be_had_is_named_with_what_there_is(wanted, said):
    with pytest.raises(UserError, match=said):
        draw(SOURCES, training_set(**wanted), 0)


def test_what_a_set_holds_is_counted():
    keys = [(e.problem.problem_id, e.solution_id) for found in SOURCES.values() for e in found]
    table = pd.DataFrame(keys, columns=["problem_id", "solution_id"])
    solutions = {
        name: table[table.problem_id.str.startswith(name)].assign(tokens=10, policy="m")
        for name in SOURCES
    }
    right = {"arithmetic": [1, 0], "programs": [1, 1]}
    labels = {
        name: pd.concat([table.assign(step=t, label=right[name][t]) for t in (0, 1)])
        for name, table in solutions.items()
    }
    found = describe(draw(SOURCES, training_set(solutions=80, per_problem=2), 0), solutions, labels)
    assert (found["solutions"], found["problems"], found["steps"], found["tokens"]) == (
        80,
        40,
        160,
        800,
    )
    assert (
        found["right_by_source"] == {"arithmetic": 0.5, "programs": 1.0} and found["right"] == 0.75
    )
    assert found["policies"] == ["m"] and set(found["wordings"]) == set(WORLD.misreading_rates)


def test_solutions_of_several_policies_are_taken_in_turn():
    keys = pd.DataFrame({"problem_id": ["a", "a", "b", "b"], "solution_id": [0, 1, 0, 1]})
    small, large = keys.assign(policy="s"), keys.iloc[:3].assign(policy="m")
    both = interleave([small, large])
    assert (
        both.policy.tolist() == ["s", "m", "s", "m", "s", "m", "s"]
        and not both.duplicated(list(keys)).any()
    )
    labels = [table.merge(pd.DataFrame({"step": [1, 0]}), how="cross") for table in (small, large)]
    joined = interleave(labels).merge(both, on=list(keys), suffixes=("_of_label", ""))
    assert (joined.policy_of_label == joined.policy).all() and joined.step.tolist() == [0, 1] * 7


def test_a_threshold_turns_rarely_finished_steps_wrong():
    labels = pd.DataFrame({"value": [0.0, 0.25, 0.5, 1.0], "label": [0, 1, 1, 1]})
    assert apply_threshold(labels, 0.0).label.tolist() == [0, 1, 1, 1]
    assert apply_threshold(labels, 0.25).label.tolist() == [0, 0, 1, 1]
    assert name_labels(training_set(threshold=0.25)) == "monte_carlo > 0.25"
    assert name_labels(TrainingSet(name="mine", corpora=["shared"])) == "shared"
