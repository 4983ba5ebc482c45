"""Readings of stored labels against the papers' rules in plain Python, and what they charge."""

from itertools import product

import pandas as pd
import pytest
from scripted import CoinPolicy, grade, problem

from prmscale.labels.comparison import compare
from prmscale.labels.labeller import Labeller
from prmscale.labels.methods import Method
from prmscale.labels.readings import read
from prmscale.labels.spending import charge_labels
from prmscale.study import OmegaTree
from prmscale.tables import check

PROBLEMS = [problem(number, split="train") for number in range(12)]
WRITTEN = [("1", "1", "1", "1"), ("1", "1", "0", "1"), ("1", "0", "1", "1"), ("1", "1", "1", "0")]


class Truth:
    """A task that knows every step."""

    def truth(self, problem, steps):
        return ["0" not in steps[: n + 1] for n in range(len(steps))]


def solutions():
    """Four solutions of each problem; of every third problem only one is right, else three."""
    rows = []
    for number, each in enumerate(PROBLEMS):
        texts = (
            WRITTEN
            if number % 3 == 0
            else [WRITTEN[0], WRITTEN[0], WRITTEN[number % 4], WRITTEN[0]]
        )
        for solution_id, steps in enumerate(texts):
            rows.append(
                {
                    "problem_id": each.problem_id, "solution_id": solution_id, "policy": "writer",
                    "steps": list(steps), "finish_reason": "stop", "correct": "0" not in steps,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def labeller(name, p, k=5):
    provenance = {
        "method": "monte_carlo", "decision": "any", "policy": name, "weights": name[0], "k": k,
        "temperature": 1.0, "seed": 0,
    }  # fmt: skip
    policy = CoinPolicy(p, length=4, seed=len(name))
    return Labeller(Method("monte_carlo", k), Truth(), grade, policy, OmegaTree(), provenance)


@pytest.fixture(scope="module")
def given():
    return solutions()


@pytest.fixture(scope="module")
def tables(given):
    """Labels by the writer and by a better prover."""
    return [labeller(*each).label(PROBLEMS, given) for each in (("writer", 0.5), ("prover", 0.8))]


def values(labels):
    """{(problem, solution): its values}."""
    found = {}
    for row in labels.itertuples():
        found.setdefault((row.problem_id, row.solution_id), []).append(row.value)
    return found


def starts(labels):
    """The mean value after the first steps of each problem."""
    firsts = {}
    for (name, _), of_steps in values(labels).items():
        firsts.setdefault(name, []).append(of_steps[0])
    return {name: sum(each) / len(each) for name, each in firsts.items()}


def read_by(method, tables, given, **settings):
    spent = [charge_labels(table, given) for table in tables]
    return read(method, tables, spent, given, settings)


@pytest.mark.parametrize("threshold", [0.0, 0.8, 1.0])
def test_progress_is_the_value_over_the_one_before_until_a_value_is_0(tables, given, threshold):
    found, spent = read_by("progress", tables[:1], given, threshold=threshold)
    expected = []
    for (name, _), of_steps in values(tables[0]).items():
        before, lost = starts(tables[0])[name], False
        for value in of_steps:
            lost = lost or value == 0
            share = 0.0 if lost else min(1.0, value / before)
            expected.append((int(not lost and value >= threshold * before), share))
            before = value
    assert found.label.tolist() == [label for label, _ in expected]
    assert found.value.tolist() == pytest.approx([share for _, share in expected])
    assert 0 < found.label.mean() < 1 and (found.method == "progress").all()
    # all rollouts are read, and none is drawn
    assert spent.tokens.sum() == tables[0].tokens_spent.sum()


@pytest.mark.parametrize(("best_of", "several"), [(1, True), (4, True), (4, False)])
def test_advantage_adds_what_a_step_changes_for_the_prover(tables, given, best_of, several):
    pair = tables if several else tables[:1]
    found, spent = read_by("advantage", pair, given, best_of=best_of, weight=0.7, prover="prover")

    def best(value):
        return 1 - (1 - value) ** best_of

    expected = []
    prover = values(pair[-1])
    for key, of_steps in values(pair[0]).items():
        before = starts(pair[-1])[key[0]]
        for value, after in zip(of_steps, prover[key], strict=True):
            expected.append(value + 0.7 * (best(after) - best(before)))
            before = after
    assert found.value.tolist() == pytest.approx([min(1, max(0, each)) for each in expected])
    assert found.label.tolist() == [int(each > 1e-12) for each in expected]
    assert spent.tokens.sum() == sum(table.tokens_spent.sum() for table in pair)
    assert set(found.policy) == ({"writer+prover"} if several else {"writer"})


@pytest.mark.parametrize(("confidence", "tolerance"), [(0.75, 1), (0.75, 0), (0.0, 2)])
def test_denoised_labels_are_those_of_scan(tables, given, confidence, tolerance):
    found, spent = read_by(
        "denoised", tables[:1], given, confidence=confidence, tolerance=tolerance
    )
    expected, free = {}, {}
    for row in given.itertuples():
        key = (row.problem_id, row.solution_id)
        of_problem = given[given.problem_id == row.problem_id]
        chance = of_problem.correct.mean()
        if chance < confidence:
            continue
        if row.correct:
            expected[key] = [(1, 1.0)] * len(row.steps)
            continue
        of_steps = values(tables[0])[key]
        error = of_steps.index(0.0)
        expected[key] = []
        for step, value in enumerate(of_steps):
            soft = min(1.0, value / chance) if error - step <= tolerance else 1.0
            expected[key].append((int(step < error), soft if step < error else 0.0))
        # a prefix of a wrong solution is rolled out once
        rows = tables[0][tables[0].problem_id == row.problem_id]
        for step in range(len(row.steps)):
            same = [
                r.tokens_spent
                for r in rows.itertuples()
                if r.step == step
                and of_problem.steps.iloc[r.solution_id][: step + 1] == row.steps[: step + 1]
            ]
            free[row.problem_id, tuple(row.steps[: step + 1])] = max(same)
    kept = {key: [] for key in expected}
    for row in found.itertuples():
        kept[row.problem_id, row.solution_id].append((row.label, row.value))
    assert {key: [label for label, _ in each] for key, each in kept.items()} == {
        key: [label for label, _ in each] for key, each in expected.items()
    }
    for key, each in expected.items():
        assert [value for _, value in kept[key]] == pytest.approx([value for _, value in each])
    assert spent.tokens.sum() == sum(free.values()) < tables[0].tokens_spent.sum()
    assert spent.solutions.sum() == len(given) and spent.labelled.sum() == len(expected)
    soft = found[(found.value > 0) & (found.value < 1)]
    assert len(soft) > 0 if tolerance else soft.empty


def test_a_labeller_that_is_confident_of_no_problem_leaves_no_labels(tables, given):
    hard = given.assign(correct=False)
    labels, spent = read_by("denoised", tables[:1], hard, confidence=0.5, tolerance=2)
    assert check(labels, "labels", "here").empty
    assert check(spent, "spending", "here").tokens.sum() == spent.labelled.sum() == 0
    assert spent.solutions.sum() == len(given)


def test_methods_that_are_compared_read_the_labels_of_their_labellers(given, tables):
    labellers = {
        "monte_carlo": [labeller("writer", 0.5)],
        "progress": [labeller("writer", 0.5)],
        "advantage": [labeller("writer", 0.5), labeller("prover", 0.8)],
    }
    readings = {"progress": {"threshold": 0.8}, "advantage": {"best_of": 2, "prover": None}}
    labels, spent = compare(labellers, PROBLEMS, given, readings)
    for method, settings in readings.items():
        read_tables = tables if method == "advantage" else tables[:1]
        alone, took = read_by(method, read_tables, given, **settings)
        of_method = labels[labels.method == method].reset_index(drop=True)
        pd.testing.assert_frame_equal(of_method[alone.columns], alone)
        assert spent[spent.method == method].tokens.tolist() == took.tokens.tolist()


def test_a_step_after_a_value_of_0_counts_as_wrong_whatever_the_noise():
    rows = [
        ("p", 0, step, value)
        for step, value in enumerate([0.0, 1.0])  # a lucky rollout after an unlucky one
    ]
    rows += [("q", s, 0, v) for s, v in product(range(1), [0.5])]
    table = pd.DataFrame(rows, columns=["problem_id", "solution_id", "step", "value"])
    table = table.assign(
        method="monte_carlo", label=(table.value > 0).astype(int), k=2, rollouts=2, tokens_spent=1
    )
    found, _ = read_by("progress", [table], table)
    assert found.label.tolist() == [0, 0, 1]
