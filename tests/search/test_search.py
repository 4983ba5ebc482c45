"""Strategies against scripted engines and oracles."""

import numpy as np
import pandas as pd
import pytest
from scripted import BlindScorer, CoinPolicy, HashScorer, PerfectScorer, grade, problem

from prmscale.engines.aggregation import AGGREGATIONS
from prmscale.engines.requests import Continuation, Extension
from prmscale.engines.scheduler import run
from prmscale.search import STRATEGIES
from prmscale.search.evaluate import Engines, evaluate

BUDGETS = [1, 2, 4, 8, 16]
PROBLEMS = [problem(i) for i in range(40)]


def search(scorer=None, strategies=tuple(STRATEGIES), aggregations=("min",), problems=PROBLEMS):
    engines = Engines(CoinPolicy(), scorer, grade)
    return evaluate(problems, engines, strategies, aggregations, BUDGETS)


def accuracy(rows, strategy):
    return rows[rows.strategy == strategy].groupby("budget").correct.mean()


@pytest.mark.parametrize("aggregation", ["last", "min", "product", "mean", "sum"])
def test_a_perfect_reward_model_makes_best_of_n_equal_the_oracle(aggregation):
    best = accuracy(search(PerfectScorer(), aggregations=[aggregation]), "best_of_n")
    oracle = accuracy(search(), "oracle")
    assert best.equals(oracle)
    assert oracle.is_monotonic_increasing and oracle[16] > oracle[1]


def test_a_blind_reward_model_is_worth_a_random_choice_of_one():
    best = accuracy(search(BlindScorer()), "best_of_n")
    assert abs(best[16] - accuracy(search(), "one_sample")[1]) < 0.15
    assert accuracy(search(), "random")[16] == pytest.approx(accuracy(search(), "one_sample")[1])


def test_one_sample_is_the_mean_over_all_samples():
    policy = CoinPolicy(p=0.6, length=1)
    problems = [problem(i) for i in range(300)]
    rows = evaluate(problems, Engines(policy, None, grade), ["one_sample"], [], BUDGETS)
    assert rows.budget.unique().tolist() == [1]
    assert rows.correct.mean() == pytest.approx(0.6, abs=0.03)


def test_likelihood_measures_are_those_of_the_tokens():
    class Written(CoinPolicy):
        """Two samples: one of two fairly likely tokens, one of many likely ones with a surprise
        among them.
        """

        def extend(self, extensions, progress=None):
            short = Continuation(("0",), "stop", 2, -2.0, 0.0, 1, 1.0, -1.2)
            long = Continuation(("1",), "stop", 10, -4.0, 0.0, 1, 1.0, -3.0)
            return [[short, long] for _ in extensions]

    engines = Engines(Written(), None, grade)
    rows = evaluate(PROBLEMS[:1], engines, ["likelihood"], [], [1, 2])
    right = rows[rows.budget == 2].set_index("aggregation").correct
    assert right.to_dict() == {"sum": 0.0, "mean": 1.0, "min": 0.0}


def test_majority_takes_the_mode_and_ties_are_shared():
    rows = search()
    votes = rows[(rows.strategy == "majority") & (rows.budget == 16)].set_index("problem_id")
    samples = {p.problem_id: CoinPolicy() for p in PROBLEMS}
    for p in PROBLEMS[:10]:
        drawn = samples[p.problem_id].extend([Extension(p, (), 16, 0, "end")])[0]
        answers = [c.steps.count("1") for c in drawn]
        modes = [a for a in set(answers) if answers.count(a) == max(map(answers.count, answers))]
        assert votes.correct[p.problem_id] == pytest.approx((3 in modes) / len(modes))


def test_weighted_best_of_n_is_majority_under_equal_scores():
    weighted = (
        search(BlindScorer())
        .query("strategy == 'weighted_best_of_n'")
        .set_index(["problem_id", "budget"])
    )
    majority = search().query("strategy == 'majority'").set_index(["problem_id", "budget"])
    untied = majority.correct.isin([0.0, 1.0])
    untied &= majority.index.get_level_values("budget") == 16
    assert untied.sum() > 20
    assert (weighted.correct[untied] == majority.correct[untied]).all()


def test_costs_are_those_of_one_run_at_each_budget():
    rows = search(PerfectScorer()).query("strategy == 'best_of_n'")
    assert (rows.policy_tokens == 3 * rows.budget).all()
    assert (rows.reward_tokens == 3 * rows.budget).all()
    assert (rows.flops == rows.budget * (2 + 2 * 3)).all()


def test_a_prefix_cache_saves_within_a_run_and_not_between_runs():
    rows = search(PerfectScorer(), ["best_of_n"], problems=PROBLEMS[:5]).set_index(
        ["problem_id", "budget"]
    )
    for p in PROBLEMS[:5]:
        ((*samples,),) = CoinPolicy().extend([Extension(p, (), 16, 0, "end")])
        for budget in BUDGETS:
            spent = []
            for at in range(0, 16, budget):
                group = samples[at : at + budget]
                read = {c.steps[:t] for c in group for t in range(1, 4)}
                spent.append(
                    1 + len(group) * 1 + 2 * len(read)
                )  # the prompt, what is written, every step read once
            assert rows.flops_cached[p.problem_id, budget] == pytest.approx(np.mean(spent))


def test_results_do_not_depend_on_which_problems_run_together():
    together = search(PerfectScorer())
    alone = search(PerfectScorer(), problems=PROBLEMS[7:8])
    part = together[together.problem_id == PROBLEMS[7].problem_id].reset_index(drop=True)
    assert part.equals(alone.reset_index(drop=True))


def test_aggregations_side_by_side_choose_and_cost_what_each_does_alone():
    scored = ["best_of_n", "weighted_best_of_n", "adaptive_best_of_n"]
    order = ["strategy", "aggregation", "problem_id", "budget"]
    together = search(HashScorer(), scored, ["min", "product", "last"]).sort_values(
        order, ignore_index=True
    )
    alone = pd.concat([search(HashScorer(), scored, [name]) for name in ("min", "product", "last")])
    pd.testing.assert_frame_equal(together, alone.sort_values(order, ignore_index=True))
    assert together.groupby("aggregation")["correct"].mean().nunique() == 3


def test_the_scheduler_asks_the_engine_once_for_all_problems():
    policy = CoinPolicy()
    run([(p, STRATEGIES["one_sample"].start(BUDGETS)) for p in PROBLEMS], policy, grader=grade)
    assert policy.calls == [len(PROBLEMS)]


def test_aggregations():
    scores = np.array([0.9, 0.5, 0.8])
    found = {name: aggregate(scores) for name, aggregate in AGGREGATIONS.items()}
    assert found == pytest.approx(
        {"last": 0.8, "min": 0.5, "product": 0.36, "mean": 2.2 / 3, "sum": 2.2}
    )
    assert all(aggregate(np.array([])) == -np.inf for aggregate in AGGREGATIONS.values())
