"""Adaptive rollouts, binary search and consensus: labels against known chances, and what they may
not spend.
"""

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import CoinPolicy, grade, problem

from prmscale.analysis.label_quality import calibration_error, summary
from prmscale.engines.cached import CachedPolicy
from prmscale.engines.scheduler import run
from prmscale.labels.adaptive import Decision, adaptive
from prmscale.labels.binary_search import binary_search
from prmscale.labels.consensus import consensus, first_errors
from prmscale.labels.methods import METHODS, Method, estimate_prefixes
from prmscale.labels.spending import charge_filter, charge_labels
from prmscale.labels.table import label_table
from prmscale.study import LabelDecisions

DECISION = Decision(threshold=0.2, confidence=0.9)
SOLUTIONS = st.lists(
    st.lists(st.sampled_from("01"), min_size=6, max_size=6).map(tuple), min_size=1, max_size=5
)


def labelled(method, solutions, rollouts=8, policy=None, complete=True):
    strategy = method(solutions, [complete] * len(solutions), rollouts, DECISION)
    (done,) = run([(problem(), strategy)], policy or CoinPolicy(p=1.0, length=6), grader=grade)
    return done


@pytest.mark.parametrize("method", [adaptive, binary_search])
@given(SOLUTIONS)
def test_labels_are_the_truth_where_the_policy_never_fails_from_a_right_step(method, solutions):
    found = labelled(method, solutions).result
    assert found.keys() == {s[:n] for s in solutions for n in range(1, 7)}
    assert all(estimate.label == ("0" not in prefix) for prefix, estimate in found.items())


@given(SOLUTIONS)
def test_binary_search_checks_log_many_prefixes_and_none_of_a_right_solution(solutions):
    found = labelled(binary_search, solutions).result
    checked = [prefix for prefix, estimate in found.items() if estimate.rollouts]
    wrong = {s for s in solutions if "0" in s}
    assert len(checked) <= len(wrong) * math.ceil(math.log2(6))
    assert all(any(s[: len(prefix)] == prefix for s in wrong) for prefix in checked)


def test_a_prefix_found_right_proves_those_before_it_and_labels_never_rise():
    noisy = CoinPolicy(p=0.7, length=6, seed=3)
    solutions = [("1", "1", "1", "1", "0", "1"), ("1", "1", "0", "1", "1", "1"), ("1",) * 6]
    found = labelled(binary_search, solutions, policy=noisy).result
    for solution in solutions:
        labels = [found[solution[:n]].label for n in range(1, 7)]
        assert labels == sorted(labels, reverse=True)


@pytest.mark.parametrize("method", [adaptive, binary_search])
def test_the_tokens_of_the_estimates_are_those_that_were_generated(method):
    done = labelled(
        method,
        [("1", "1", "0", "1", "1", "0"), ("1", "0", "1", "1", "1", "1")],
        policy=CoinPolicy(0.8, 6),
    )
    assert (
        done.ledger.cost.in_unit("tokens")
        == sum(estimate.tokens for estimate in done.result.values())
        > 0
    )


def test_rollouts_end_when_the_label_is_decided_and_never_pass_the_limit():
    found = labelled(adaptive, [("1", "1", "0", "1", "1", "1")], rollouts=20).result
    for prefix, estimate in found.items():
        if len(prefix) < 6:
            assert (
                DECISION.is_made(estimate.successes, estimate.rollouts) and estimate.rollouts < 20
            )
            before = estimate.rollouts - 1
            assert before == 0 or not DECISION.is_made(min(estimate.successes, before), before)
    assert all(
        e.rollouts <= 2
        for e in labelled(adaptive, [("1", "1", "0", "1", "1", "1")], rollouts=2).result.values()
    )


def test_the_posterior_is_jeffreys():
    assert Decision(0.5, 0.9).probability_above(3, 6) == pytest.approx(0.5)
    # the arcsine law: P(chance <= t) = 2 / pi * asin(sqrt(t)) before any rollout
    assert DECISION.probability_above(0, 0) == pytest.approx(
        1 - 2 / math.pi * math.asin(math.sqrt(0.2))
    )


@given(st.integers(0, 8), st.integers(1, 8))
def test_without_a_threshold_any_success_is_right_and_the_last_rollout(successes, rollouts):
    anything = Decision(threshold=0, confidence=0.9)
    right = anything.is_right(min(successes, rollouts), rollouts)
    assert right == anything.is_made(min(successes, rollouts), rollouts) == (successes > 0)


def test_by_default_a_search_calls_right_what_any_rollout_finishes():
    """One success of eight: OmegaPRM's rule (MC > 0), not the posterior that saves rollouts in
    `adaptive`.
    """
    rules = LabelDecisions()
    search, saving = (
        Decision(**rule.model_dump()) for rule in (rules.binary_search, rules.adaptive)
    )
    assert search.is_right(1, 8) and not search.is_right(0, 8)
    assert not saving.is_right(1, 8) and (saving.threshold, saving.confidence) == (0.2, 0.9)
    assert str(search) == "any rollout right" and "0.2" in str(saving) and "0.9" in str(saving)


@pytest.mark.parametrize("method", [adaptive, binary_search])
def test_a_cut_solution_is_continued(method):
    assert labelled(method, [("1", "1")], complete=False).result["1", "1"].rollouts > 0


def test_methods_share_draws_and_each_is_charged_as_if_alone():
    problems = [problem(i) for i in range(3)]
    solutions = pd.DataFrame(
        [
            {
                "problem_id": p.problem_id,
                "solution_id": 0,
                "steps": list("110111"),
                "finish_reason": "stop",
            }
            for p in problems
        ]
    )
    shared = CachedPolicy(CoinPolicy(0.8, 6))
    for name in METHODS:
        method = Method(name, 8, DECISION)
        together = estimate_prefixes(problems, solutions, method, shared, grade)
        assert together == estimate_prefixes(problems, solutions, method, CoinPolicy(0.8, 6), grade)


def by(policy, solutions):
    """Binary-search labels of one problem's solutions."""
    frame = pd.DataFrame(
        {
            "solution_id": range(len(solutions)),
            "steps": map(list, solutions),
            "finish_reason": "stop",
        }
    )
    provenance = {
        "method": "binary_search",
        "decision": "any",
        "policy": "p",
        "weights": "w",
        "k": 8,
    }
    return label_table(
        problem(), frame, labelled(binary_search, solutions, policy=policy).result, None, provenance
    )


def test_consensus_keeps_the_solutions_whose_first_error_all_place_alike():
    solutions = [("1", "1", "0", "1", "1", "1"), ("0",) * 6]
    # one that never comes to a right end finds no right step
    able, unable = by(CoinPolicy(1.0, 6), solutions), by(CoinPolicy(0.0, 6), solutions)
    assert first_errors(able).tolist() == [2, 0] and first_errors(unable).tolist() == [0, 0]
    kept = consensus([able, unable])
    assert kept.solution_id.tolist() == [1] * 6
    given = pd.DataFrame({"problem_id": problem().problem_id, "solution_id": [0, 1]})
    spent = charge_filter(
        [charge_labels(labels, given) for labels in (able, unable)], kept, "consensus"
    )
    assert (
        spent.tokens.sum()
        == able.tokens_spent.sum() + unable.tokens_spent.sum()
        > kept.tokens_spent.sum()
    )
    assert (spent.solutions.tolist(), spent.labelled.tolist()) == ([2], [1])
    pd.testing.assert_series_equal(consensus([able, able])["label"], able["label"])


def test_no_step_that_is_right_has_the_value_0():
    """Soft targets: a step may be proven by a longer prefix, while its own rollouts all failed."""
    proven = 0
    for seed in range(30):
        policy = CoinPolicy(p=0.7, length=6, seed=seed)
        found = labelled(binary_search, [("1", "0"), ("1",) * 6], 2, policy, complete=False).result
        failed = [e for e in found.values() if e.label and e.rollouts and not e.successes]
        assert all(e.value == 1 for e in failed)
        proven += len(failed)
    assert proven


def test_a_summary_counts_what_was_spent_kept_and_right():
    rows = pd.DataFrame(
        {
            "problem_id": ["a", "a", "b", "b"], "solution_id": 0, "step": [0, 1, 0, 1],
            "method": "adaptive", "decision": "any rollout right", "policy": "m", "weights": "0f",
            "k": 2, "temperature": 0.8, "seed": 1, "rollouts": 2, "tokens_spent": 5,
            "value": [1.0, 0.0, 1.0, 1.0], "label": [1, 0, 1, 1], "truth": [1.0, 0.0, 1.0, 0.0],
        }
    )  # fmt: skip
    spent = pd.DataFrame(
        {"solutions": [2, 2], "labelled": [1, 1], "rollouts": [4, 4], "tokens": [10, 10]}
    )
    found = summary(rows, spent, level=0.95)
    assert found["decision"] == "any rollout right"
    assert (found["tokens"], found["rollouts"], found["kept"], found["right"]) == (20, 8, 0.5, 0.75)
    assert found["accuracy"] == pytest.approx(0.75) and found["first_error"] == pytest.approx(0.5)
    assert "accuracy" not in summary(rows.assign(truth=float("nan")), spent, 0.95)


def test_calibration_error_by_hand():
    values = pd.Series([0.05, 0.05, 0.95, 0.95])
    assert calibration_error(values, pd.Series([0.0, 1.0, 1.0, 1.0])) == pytest.approx(
        (0.45 + 0.05) / 2
    )
