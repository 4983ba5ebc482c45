"""Monte-Carlo labels against exact enumeration, and their costs."""

from typing import get_args

import numpy as np
import pandas as pd
import pytest
from scripted import CoinPolicy, grade, problem

from prmscale.engines.scheduler import run
from prmscale.labels.methods import METHODS, Method, estimate_prefixes
from prmscale.labels.monte_carlo import monte_carlo
from prmscale.labels.table import label_table
from prmscale.study import READS, RolloutMethod


def estimate(solutions, rollouts, policy=None, complete=None):
    strategy = monte_carlo(solutions, complete or [True] * len(solutions), rollouts)
    (done,) = run([(problem(), strategy)], policy or CoinPolicy(p=0.6), grader=grade)
    return done.result


def test_rollouts_converge_to_the_exact_chance_of_success():
    found = estimate([("1", "1", "1"), ("1", "0", "1")], rollouts=4000)
    exact = {
        ("1",): 0.6**2,
        ("1", "1"): 0.6,
        ("1", "1", "1"): 1.0,
        ("1", "0"): 0.0,
        ("1", "0", "1"): 0.0,
    }
    assert {prefix: e.successes / e.rollouts for prefix, e in found.items()} == pytest.approx(
        exact, abs=0.03
    )


def test_a_shared_prefix_is_rolled_out_and_paid_once():
    found = estimate([("1", "1", "1"), ("1", "0", "1")], rollouts=8)
    assert len(found) == 5
    solutions = pd.DataFrame(
        {
            "solution_id": [0, 1],
            "steps": [["1", "1", "1"], ["1", "0", "1"]],
            "finish_reason": "stop",
        }
    )
    rows = label_table(problem(), solutions, found, task=None, provenance={"method": "monte_carlo"})
    assert rows.tokens_spent.sum() == sum(e.tokens for e in found.values())
    assert rows[(rows.solution_id == 1) & (rows.step == 0)].tokens_spent.item() == 0


def test_a_cut_solution_is_continued():
    assert estimate([("1", "1")], 50, complete=[False])["1", "1"].rollouts == 50


def test_hard_labels_say_whether_any_rollout_succeeds():
    problems = [problem(i) for i in range(5)]
    solutions = pd.DataFrame(
        [
            {
                "problem_id": p.problem_id,
                "solution_id": 0,
                "steps": ["1", "0", "1"],
                "finish_reason": "stop",
            }
            for p in problems
        ]
    )
    found = estimate_prefixes(problems, solutions, Method("monte_carlo", 4), CoinPolicy(), grade)
    rows = pd.concat(
        [
            label_table(p, solutions[solutions.problem_id == p.problem_id], e, None, {})
            for p, e in zip(problems, found, strict=True)
        ]
    )
    assert (rows.label == (rows.successes > 0)).all()
    assert (rows[rows.step > 0].label == 0).all()
    assert np.allclose(rows.value, rows.successes / rows.rollouts)


def test_every_method_that_a_study_can_name_is_registered():
    """A tree and the readings of stored labels are no METHODS."""
    assert {*METHODS, "omega", *READS} == set(get_args(RolloutMethod))
