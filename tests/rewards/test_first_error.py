"""The first wrong step: ProcessBench's format and its F1, against counting by hand."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prmscale import tables
from prmscale.analysis.first_errors import f1
from prmscale.engines.requests import Scored
from prmscale.errors import UserError
from prmscale.rewards.first_errors import best_threshold, find_known, first_error, predict
from prmscale.search.run import find_errors
from prmscale.study import Dataset, FirstErrors, ProcessBench, World
from prmscale.tasks.benchmarks import prm_bench, process_bench
from prmscale.tasks.registry import build
from prmscale.tasks.world.arithmetic import solve
from prmscale.tasks.world.specifications import Specification

ROW = {
    "id": "gsm8k-0", "generator": "Qwen2-7B-Instruct", "problem": "Two plus two?",
    "steps": ["Add\nthem.", "It is 5."],
    "final_answer_correct": False, "label": 1,
}  # fmt: skip


def brute_force(scores, labels, threshold):
    """Accuracies and F1 as the published evaluation counts them."""
    right = {True: [], False: []}
    for of_steps, label in zip(scores, labels, strict=True):
        said = next((i for i, score in enumerate(of_steps) if score < threshold), -1)
        right[label == -1].append(said == label)
    erroneous, correct = np.mean(right[False]), np.mean(right[True])
    return (
        erroneous,
        correct,
        2 * erroneous * correct / (erroneous + correct) if erroneous + correct else 0.0,
    )


def judged():
    """Scores (with many ties) and first errors of a few solutions, right and wrong ones."""
    steps = st.lists(st.integers(0, 6).map(lambda n: n / 6), min_size=1, max_size=5)
    wrong = steps.flatmap(
        lambda scores: st.tuples(st.just(np.array(scores)), st.integers(0, len(scores) - 1))
    )
    right = steps.map(lambda scores: (np.array(scores), -1))
    return st.tuples(
        st.lists(wrong, min_size=1, max_size=6), st.lists(right, min_size=1, max_size=6)
    ).map(lambda both: both[0] + both[1])


@settings(max_examples=200, deadline=None)
@given(judged())
def test_the_best_threshold_against_brute_force(solutions):
    scores, labels = zip(*solutions, strict=True)
    best = brute_force(scores, labels, best_threshold(scores, labels))[2]
    assert best == pytest.approx(
        max(brute_force(scores, labels, t / 12 + 0.01)[2] for t in range(-1, 14))
    )


def test_a_score_at_the_threshold_is_not_below_it():
    scores = np.array([0.5, 0.4, 0.1])
    assert [first_error(scores, t) for t in (0.6, 0.5, 0.4, 0.1)] == [0, 1, 2, -1]


def test_one_kind_of_solution_alone_has_no_f1():
    for labels in ([-1, -1], [0, 1]):
        with pytest.raises(UserError, match=r"of 2 given, [02] are erroneous"):
            best_threshold([np.ones(2)] * 2, labels)


def test_processbench_in_its_published_format(tmp_path):
    rows = [ROW, {**ROW, "id": "gsm8k-1", "label": -1}]
    (tmp_path / "gsm8k.json").write_text(json.dumps(rows))
    first, second = process_bench.load("gsm8k", str(tmp_path / "{split}.json"))
    assert first.steps == ("Add\nthem.", "It is 5.") and (
        first.first_error,
        second.first_error,
    ) == (1, -1)
    assert (
        first.problem.prompt == "Two plus two?"
        and first.problem.problem_id != second.problem.problem_id
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"label": 2}, "a label of 2 and 2 steps"),
        ({"label": "1"}, "'label' should be int"),
        ({"steps": []}, "'steps' should be texts"),
        ({"steps": ["Add.", " "]}, "'steps' should be texts"),
    ],
)
def test_a_malformed_row_names_file_and_line(change, said, tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text(f"{json.dumps(ROW)}\n{json.dumps({**ROW, **change})}\n")
    with pytest.raises(UserError, match=rf"rows.jsonl, line 2: .*{said}"):
        process_bench.load("gsm8k", str(file))


PRM_BENCH = {
    "idx": "circular_0", "classification": "circular", "question": "Two plus two?",
    "original_question": "Two plus two?", "original_process": ["1. Add.", "2. It is 4."],
    "modified_question": "Two plus two?", "error_steps": [2, 3], "modified_steps": [2, 3],
    "modified_process": ["1. Add.", "2. Assume 4.", "3. So it is 4."], "reason": "It assumes 4.",
}  # fmt: skip


def test_prmbench_in_its_published_format(tmp_path):
    rows = [
        PRM_BENCH,
        {**PRM_BENCH, "error_steps": [9]},  # the same idx again
        {**PRM_BENCH, "idx": "b", "modified_question": "And three?", "error_steps": [9]},
        {**PRM_BENCH, "idx": "c", "classification": "deception"},
    ]
    file = tmp_path / "prmbench.json"
    file.write_text(json.dumps(rows))
    wrong, right, beyond, other = prm_bench.load("circular", str(file))
    assert wrong.steps == tuple(PRM_BENCH["modified_process"]) and wrong.first_error == 1
    assert right.steps == tuple(PRM_BENCH["original_process"]) and right.first_error == -1
    assert wrong.problem == right.problem and beyond.problem.prompt == "And three?"
    assert beyond.first_error == other.first_error == -1
    assert beyond.problem.problem_id != other.problem.problem_id  # scores are kept by id and steps
    with pytest.raises(UserError, match="no row has the classification 'confidence'"):
        prm_bench.load("confidence", str(file))
    file.write_text(json.dumps([{**PRM_BENCH, "error_steps": [0]}]))
    with pytest.raises(UserError, match="'error_steps' should be numbers of steps, from 1"):
        prm_bench.load("circular", str(file))


def test_a_study_names_classes_of_prmbench_beside_subsets_of_processbench(tmp_path):
    file = tmp_path / "rows.json"
    file.write_text(json.dumps([PRM_BENCH]))
    bench = ProcessBench(subset="circular", path=str(file))
    found = find_errors([], [], tables.join([], "labels"), FirstErrors(process_bench=[bench]))
    assert list(found.datasets) == ["PRMBench circular"] and len(found.validation) == 2


class Judge:
    """A scorer that is sure of right steps and, of a share of the problems, does not see the
    mistake.
    """

    def __init__(self, places, blind=lambda problem_id: False):
        self.places, self.blind = places, blind

    def score(self, items, progress=None):
        for problem, steps in items:
            place = self.places[problem.problem_id, steps]
            sees = place != -1 and not self.blind(problem.problem_id)
            scores = [0.3 if sees and t >= place else 0.8 for t in range(len(steps))]
            yield Scored(np.array(scores), tuple(range(len(steps) + 1)))


def generated(split, problems=40):
    """A right solution of each problem and one that goes wrong at a known step, as a table, and
    where.
    """
    task = build(Dataset(name="arithmetic", source="arithmetic"), World(), None)
    chosen, rows, places = task.load(split, problems, 0), [], {}
    for i, problem in enumerate(chosen):
        steps = solve(Specification.from_json(problem.detail["specification"]), 7)
        place = i % (len(steps) - 1)
        wrong = [*steps[:place], steps[place].split()[0], *steps[place + 1 :]]
        for number, (text, first) in enumerate(((steps, -1), (wrong, place))):
            rows.append({"problem_id": problem.problem_id, "solution_id": number, "steps": text})
            places[problem.problem_id, tuple(text)] = first
    return task, chosen, pd.DataFrame(rows), places


def test_a_reward_model_names_first_errors_at_a_threshold_from_validation():
    validation, tests = (generated(split) for split in ("validation", "test"))
    held_out, asked = (find_known(*each[:3]) for each in (validation, tests))
    places = validation[3] | tests[3]
    assert [each.first_error for each in asked] == list(tests[3].values())  # truth, as it was made
    perfect = predict(Judge(places), held_out, {"arithmetic": asked}).assign(
        reward_model="x", replicate=1
    )
    assert (perfect.predicted == perfect.first_error).all() and perfect.threshold.between(
        0.3, 0.8
    ).all()
    erroneous = [each for each in held_out if each.first_error != -1]
    assert predict(Judge(places), erroneous, {"arithmetic": asked}).threshold.eq(0.5).all()
    half = Judge(
        places, blind=lambda name: name.startswith("arithmetic/test") and int(name[-1]) % 2
    )
    found = f1(
        predict(half, held_out, {"arithmetic": asked}).assign(reward_model="x", replicate=1), 0.95
    )
    assert found[["erroneous", "correct", "mean", "n"]].iloc[0].tolist() == pytest.approx(
        [0.5, 1, 2 / 3, 40]
    )
    assert 0.45 < found.low.item() < 2 / 3 < found.high.item() < 0.85


def test_the_f1_of_seeds_is_that_of_all_their_solutions_and_has_its_luck():
    """Two seeds, of which one names nothing rightly: F1 of the pooled counts, with a wider interval
    than of one.
    """
    truth = np.tile([0, 1, -1, -1], 50)
    table = pd.DataFrame(
        {"dataset": "d", "reward_model": "x", "problem_id": np.repeat(range(100), 2).astype(str)}
    )
    seeds = [
        table.assign(replicate=s, first_error=truth, predicted=said)
        for s, said in ((1, truth), (2, truth + 5))
    ]
    (one, both) = (f1(rows, 0.95).iloc[0] for rows in (seeds[0], pd.concat(seeds)))
    assert (one["mean"], both["mean"], one.seeds, both.seeds) == (1.0, 0.5, 1, 2)
    assert both.high - both.low > one.high - one.low
    assert 0.95 < one.low < 0.99  # 100 problems without a mistake are not certain


@pytest.mark.parametrize("trained", [2, 3, 5])
def test_intervals_of_f1_cover_it_whatever_seeds_do(trained):
    """Of 200 solutions half are erroneous; a seed finds shares of .6 and passes .8 on average, with
    luck of its own.
    """
    generator, studies, covered = np.random.default_rng(5), 250, []
    truth = np.where(np.arange(200) % 2, 1, -1)
    keys = {"dataset": "d", "reward_model": "x", "first_error": truth}
    # with this luck (SD 7 points) the shares' means over seeds stay .6 and .8: their F1 is what is
    # estimated
    for _ in range(studies):
        easy, luck = generator.uniform(-0.15, 0.15, 200), 0.07 * generator.normal(size=trained)
        tables = []
        for seed, shift in enumerate(luck):
            hit = generator.random(200) < np.where(truth == -1, 0.8, 0.6) + easy + shift
            predicted = np.where(hit, truth, 5)
            tables.append(
                pd.DataFrame(
                    {
                        **keys,
                        "predicted": predicted,
                        "replicate": seed,
                        "problem_id": np.arange(200) // 2,
                    }
                )
            )
        found = f1(pd.concat(tables), 0.95).iloc[0]
        covered.append(found.low <= 2 * 0.6 * 0.8 / 1.4 <= found.high)
    print(f"{trained} seeds: F1 covered {np.mean(covered):.3f}")
    assert np.mean(covered) >= 0.93 - 2 * (0.93 * 0.07 / studies) ** 0.5
