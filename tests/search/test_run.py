"""The search jobs, on scripted engines: which models are loaded, and where each row comes from."""

import json
from itertools import product
from types import SimpleNamespace

import pandas as pd
import pytest
from scripted import CoinPolicy, HashScorer, PerfectScorer, grade, problem

from prmscale import tables
from prmscale.engines.facts import FACTS
from prmscale.engines.recorded import RecordedPolicy
from prmscale.engines.requests import Extension
from prmscale.errors import UserError
from prmscale.policies.sample import solution_table
from prmscale.search import run
from prmscale.search.benchmarks import Benchmark
from prmscale.search.step_scores import score_steps
from prmscale.study import FirstErrors


class Steps:
    """A task that knows which steps are right: those that are `1`, up to the first `0`."""

    def truth(self, problem, steps):
        return [all(step == "1" for step in steps[: end + 1]) for end in range(len(steps))]


def make_benchmark(policy="m", dataset="toy", split="test"):
    """Eight recorded samples of six problems."""
    problems = [problem(number, split=split) for number in range(6)]
    writer = CoinPolicy(seed=len(policy + dataset))
    written = writer.extend([Extension(each, (), 8, 0, "end") for each in problems])
    solutions = solution_table(policy, grade, problems, written)
    return Benchmark(dataset, policy, problems, solutions, Steps(), grade, 8)


def make_test(**names):
    benchmark = make_benchmark(**names)
    return run.Test(benchmark, RecordedPolicy(benchmark.solutions))


TESTS = [make_test(), make_test(dataset="other"), make_test(policy="s")]
NO_LABELS = tables.join([], "labels")
BEST = run.Settings(["best_of_n"], [1, 8, 64], ["min"])


@pytest.fixture
def folders(tmp_path):
    """Two trainings of a reward model, each with checkpoints at steps 90 and 180."""
    for number, step in product((1, 2), (90, 180, 400)):
        folder = tmp_path / str(number)
        folder = folder if step == 400 else folder / "checkpoints" / str(step)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FACTS).write_text(json.dumps({"steps": step}))
    return [str(tmp_path / "1"), str(tmp_path / "2")]


def test_checkpoints_come_in_order_of_training_and_the_end_last(folders):
    found = run.find_checkpoints(folders)
    assert [(each.folder.name, each.final) for each in found[:3]] == [
        ("90", False), ("180", False), ("1", True),
    ]  # fmt: skip
    assert [each.replicate for each in found] == [1, 1, 1, 2, 2, 2]


def test_every_checkpoint_searches_and_the_final_ones_name_first_errors(folders):
    validation = [make_benchmark(split="validation")]
    errors = run.find_errors(TESTS, validation, NO_LABELS, FirstErrors(samples=3))
    checkpoints = run.find_checkpoints(folders)
    scored = run.search(TESTS, "prm", checkpoints, lambda _: PerfectScorer(), BEST, errors)
    rows, named = scored.search, scored.first_errors
    assert set(rows.reward_model) == {"prm"} and set(rows.training_step) == {90, 180, 400}
    # a budget above the recorded samples is left out
    assert set(rows.budget) == {1, 8}
    # the last of each training on three tests, the two before it on those of the first policy
    assert rows.groupby("policy").training_step.unique().map(sorted).to_dict() == {
        "m": [90, 180, 400], "s": [400],
    }  # fmt: skip
    assert len(rows) == 2 * (3 + 2 * 2) * 6 * 2
    assert len(named) == 2 * 2 * 6 * 3 and (named.predicted == named.first_error).all()


def test_scores_of_steps_are_kept_beside_the_truth_of_every_policy_and_the_values_of_rollouts(
    folders, tmp_path
):
    validation = make_benchmark(split="validation")
    labels = pd.DataFrame(
        [
            {"problem_id": row.problem_id, "solution_id": row.solution_id, "step": step}
            | {"rollouts": 4 * (step < 2), "value": 0.25, "truth": 1.0}
            for row in validation.solutions.itertuples()
            for step in range(3)
            if row.solution_id < 2
        ]
    )
    errors = run.find_errors(TESTS, [validation], labels, FirstErrors(samples=3))
    checkpoints = run.find_checkpoints(folders)
    scored = run.search(TESTS, "prm", checkpoints, lambda _: PerfectScorer(), BEST, errors)
    table = scored.reliability
    tables.write(table, tmp_path / "reliability.parquet", "reliability")
    tested = table[table.split == "test"]
    assert (tested.truth == tested.score).all() and tested.value.isna().all()
    counts = tested.groupby(["dataset", "policy", "replicate"]).size()
    assert counts.tolist() == [6 * 3 * 3] * 6 and len(counts) == 3 * 2
    held_out = table[table.split == "validation"]
    # two labelled solutions of each problem; the last step has no rollout
    assert len(held_out) == 2 * 6 * 2 * 3 and (held_out.steps == 3).all()
    assert held_out.value.isna().tolist() == (held_out.step == 2).tolist()


def test_calibrated_votes_need_validation_solutions_and_leave_best_of_n_alone(folders):
    def look(calibration, validation):
        names = ["best_of_n", "adaptive_best_of_n", "calibrated_majority"]
        settings = run.Settings(names, [1, 8], ["min"], calibration)
        errors = run.find_errors(TESTS[:1], validation, NO_LABELS, FirstErrors())
        checkpoints = run.find_checkpoints(folders[:1])[-1:]
        scored = run.search(TESTS[:1], "prm", checkpoints, lambda _: HashScorer(), settings, errors)
        return scored.search.set_index(["strategy", "problem_id", "budget"])

    plain, fitted = look("none", []), look("isotonic", [make_benchmark(split="validation")])
    pd.testing.assert_frame_equal(plain.loc[["best_of_n"]], fitted.loc[["best_of_n"]])
    # a weight is a share of right validation solutions, not a score
    assert not plain.loc["calibrated_majority"].score.equals(
        fitted.loc["calibrated_majority"].score
    )
    with pytest.raises(UserError, match=r"search.calibration = isotonic: no validation solution"):
        look("isotonic", [])


def test_without_best_of_n_earlier_checkpoints_are_not_searched(folders, tmp_path):
    settings = run.Settings(["weighted_best_of_n"], [1, 8], ["min"])
    checkpoints, none = run.find_checkpoints(folders), run.ErrorTests({}, [])
    scored = run.search(TESTS, "prm", checkpoints, lambda _: PerfectScorer(), settings, none)
    rows = scored.search
    assert set(rows.training_step) == {400} and set(rows.policy) == {"m", "s"}
    tables.write(rows, tmp_path / "search.parquet", "search")


def test_first_errors_are_asked_of_the_first_policys_first_samples():
    errors = run.find_errors(TESTS, [], NO_LABELS, FirstErrors(samples=3))
    assert {name: len(solutions) for name, solutions in errors.datasets.items()} == {
        "toy": 6 * 3, "other": 6 * 3,
    }  # fmt: skip
    # without validation solutions the threshold is chosen on the first data set
    assert errors.validation == errors.datasets["toy"]


def test_without_solutions_of_known_truth_no_first_error_is_named(folders):
    none = run.ErrorTests({}, [])
    checkpoints = run.find_checkpoints(folders)
    scored = run.search(TESTS[:1], "prm", checkpoints, lambda _: HashScorer(), BEST, none)
    assert scored.first_errors.empty and "predicted" in scored.first_errors
    assert scored.reliability.empty and "truth" in scored.reliability


def test_a_reward_model_is_dropped_before_the_next_is_loaded(folders):
    alive = []

    class Counted(HashScorer):
        def __init__(self):
            alive.append(1)
            assert len(alive) == 1

        def __del__(self):
            alive.pop()

    checkpoints = run.find_checkpoints(folders)
    none = run.ErrorTests({}, [])
    run.search(TESTS, "prm", checkpoints, lambda _: Counted(), BEST, none)
    score_steps([test.benchmark for test in TESTS], folders, lambda _: Counted(), 2, {})


def test_unscored_strategies_name_no_reward_model():
    rows = run.search_unscored(TESTS, run.Settings(["majority", "oracle"], [8]))
    assert set(rows.strategy) == {"majority", "oracle"} and set(rows.reward_model) == {""}
    assert set(rows.training_step) == {-1} and set(rows.replicate) == {1}
    assert rows.groupby(["policy", "dataset"]).ngroups == 3


def test_a_base_ranks_by_its_likelihood_and_its_reading_costs_flops():
    def load(folder):
        def read(items, progress=None):
            # the more right steps, the more likely
            scores = [float(steps.count("1")) for _, steps, _ in items]
            return [SimpleNamespace(logprob=s, min_logprob=s, flops=1e6) for s in scores]

        return SimpleNamespace(read=read)

    benchmark = TESTS[0].benchmark
    rows = run.rank_by_likelihood([benchmark], "l", ["1", "2"], load, [8])
    assert set(rows.strategy) == {"base_likelihood"} and set(rows.reward_model) == {"l"}
    assert set(rows.replicate) == {1, 2} and (rows.flops >= 8e6).all()
    best = benchmark.solutions.groupby("problem_id").correct.max()
    found = rows[rows.aggregation == rows.aggregation.iloc[0]].groupby("problem_id").correct.max()
    pd.testing.assert_series_equal(found, best.astype(float), check_names=False)


def test_step_scores_are_listed_by_test_then_by_training():
    benchmarks = [test.benchmark for test in TESTS[:2]]
    names = {"reward_model": "prm"}
    table = score_steps(benchmarks, ["1", "2"], lambda _: PerfectScorer(), 2, names)
    assert set(table.reward_model) == {"prm"}
    assert len(table) == 2 * 2 * 6 * 2 * 3  # tests, trainings, problems, samples, steps
    assert (table.truth == table.score).all() and set(table.step) == {0, 1, 2}
    order = table[["dataset", "replicate"]].drop_duplicates().to_records(index=False).tolist()
    assert order == [("toy", 1), ("toy", 2), ("other", 1), ("other", 2)]
