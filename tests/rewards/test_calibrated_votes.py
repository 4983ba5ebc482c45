"""Calibrated scores: known maps are found, and votes by them reduce to votes that are known."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from scripted import CoinPolicy, HashScorer, PerfectScorer, grade, problem

from prmscale.engines.aggregation import AGGREGATIONS
from prmscale.engines.requests import Extension
from prmscale.errors import UserError
from prmscale.rewards.calibration import Outcome, calibrate, fit
from prmscale.search.evaluate import Engines, evaluate

GENERATOR = np.random.default_rng(0)
SCORES = GENERATOR.uniform(0.02, 0.98, 20_000)


@pytest.mark.parametrize("method", ["platt", "isotonic"])
@pytest.mark.parametrize(("slope", "offset"), [(1.0, 0.0), (0.5, -1.0), (2.0, 0.5)])
def test_the_chance_behind_the_scores_is_found(method, slope, offset):
    chance = expit(slope * logit(SCORES) + offset)
    found = fit(method, "min", SCORES, GENERATOR.random(len(SCORES)) < chance)
    tried = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
    wanted = expit(slope * logit(tried) + offset)
    assert [found(score) for score in tried] == pytest.approx(wanted, abs=0.06)
    assert found(-np.inf) == 0.0  # a solution without a step


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_few_solutions_of_one_kind_give_a_finite_chance(method):
    found = fit(method, "sum", np.array([1.0, 2.0, 4.0]), np.array([True] * 3))
    chances = [found(score) for score in (0.0, 3.0, 1e3)]
    assert all(0 <= chance <= 1 for chance in chances)
    # Platt's target for three right solutions is 4 / 5
    assert found(2.0) == pytest.approx(0.8 if method == "platt" else 1.0, abs=1e-3)


def test_each_aggregation_has_its_own_map():
    scorer = HashScorer()
    outcomes = [Outcome(problem(n), (str(n), "0"), n % 2 == 0) for n in range(50)]
    found = calibrate(scorer, [*outcomes, Outcome(problem(), (), False)], "platt", ["min", "sum"])
    assert found.keys() == {"min", "sum"} and found["min"](0.5) != found["sum"](0.5)
    with pytest.raises(UserError, match=r"search.calibration = platt: no validation solution"):
        calibrate(scorer, [Outcome(problem(), (), False)], "platt", ["min"])


def run(strategy, scorer, calibrations=None):
    problems = [problem(number) for number in range(40)]
    policy = CoinPolicy(p=0.55, length=4)
    engines = Engines(policy, scorer, grade, calibrations=calibrations or {})
    found = evaluate(problems, engines, [strategy], ["mean"], [1, 4, 16])
    return found.set_index(["problem_id", "budget"])


def test_equal_weights_vote_as_majority_does():
    """Ties included: chances are equal, and each answer's samples are drawn alike."""
    calibrated = run("calibrated_majority", HashScorer(), {"mean": lambda score: 0.3})
    plain = run("majority", None)
    assert calibrated["correct"].tolist() == pytest.approx(plain["correct"].tolist())
    assert set(calibrated["score"].round(9)) == {0.3} and plain["score"].isna().all()


def test_scores_that_are_probabilities_vote_as_weighted_best_of_n():
    calibrated = run("calibrated_majority", HashScorer(), {"mean": lambda score: score})
    weighted = run("weighted_best_of_n", HashScorer(), {"mean": lambda score: 0.0})
    columns = ["answer", "correct", "score", "flops", "reward_tokens"]
    pd.testing.assert_frame_equal(calibrated[columns], weighted[columns])


def test_votes_of_adaptive_best_of_n_are_calibrated():
    """Votes of nothing leave the leader open, so that all samples are drawn; sure ones stop."""
    nothing = run("adaptive_best_of_n", HashScorer(), {"mean": lambda score: 0.0})
    sure = run("adaptive_best_of_n", HashScorer(), {"mean": lambda score: 100.0})
    tokens = [each["policy_tokens"].xs(16, level="budget").mean() for each in (nothing, sure)]
    assert tokens[0] == 16 * 4 and tokens[1] == 4


def test_the_score_of_the_chosen_solution_is_kept():
    rows = run("best_of_n", PerfectScorer())
    # right solutions score 1, others the share of their right steps before the first wrong one
    scorer, policy = PerfectScorer(), CoinPolicy(p=0.55, length=4)
    best = {}
    for number in range(40):
        each = problem(number)
        (drawn,) = policy.extend([Extension(each, (), 16, 0, "end")])
        scores = [AGGREGATIONS["mean"](scorer.score([(each, s.steps)])[0].scores) for s in drawn]
        best[each.problem_id] = max(scores)
        assert rows.loc[each.problem_id, 1]["score"] == pytest.approx(np.mean(scores))
    assert rows["score"].xs(16, level="budget").to_dict() == pytest.approx(best)
    assert (
        Counter(rows["score"].xs(16, level="budget") == 1.0)[True]
        == rows["correct"].xs(16, level="budget").sum()
    )
