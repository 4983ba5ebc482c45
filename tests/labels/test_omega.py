"""OmegaPRM's tree: its choice of rollouts, and labels against the truth, on policies whose every
chance is known.
"""

import math
from collections import Counter

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import CoinPolicy, grade, problem

from prmscale.engines.scheduler import run
from prmscale.labels.labeller import Labeller
from prmscale.labels.methods import Method
from prmscale.labels.monte_carlo import Estimate
from prmscale.labels.omega import Wrong, omega, select
from prmscale.study import OmegaTree


class Stumbling(CoinPolicy):
    """Never fails once its first step is right, and then only errs at the step that a draw names
    (or nowhere).
    """

    def extend(self, extensions, progress=None):
        """Draw d from the problem errs at step d % (length + 1); whatever follows a wrong step is
        wrong.
        """
        replies = super().extend(extensions, progress)
        for e, group in zip(extensions, replies, strict=True):
            for i, continuation in enumerate(group):
                errs = (e.first_draw + i) % (self.length + 1) if not e.prefix else self.length
                steps = [
                    "0" if len(e.prefix) + t == errs else "1"
                    for t in range(len(continuation.steps))
                ]
                group[i] = type(continuation)(
                    tuple(steps), continuation.finish_reason, continuation.tokens
                )
        return replies


OMEGA = Method("omega", rollouts=4)
PROVENANCE = {"method": "omega", "policy": "coin", "k": 4}


def grown(policy, rollouts=8, **settings):
    (done,) = run([(problem(), omega(rollouts, OmegaTree(**settings)))], policy, grader=grade)
    return done


POOL = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 400)), min_size=1, max_size=8)


@given(
    POOL,
    st.lists(st.integers(1, 7), min_size=4, max_size=4),
    st.lists(st.integers(0, 5), min_size=4, max_size=4),
)
def test_the_rollout_chosen_has_the_largest_score_by_the_papers_formula(pool, successes, visits):
    names = [("1",) * n for n in range(4)]
    states = {s: Estimate(8, right, 0) for s, right in zip(names, successes, strict=True)}
    chosen = Counter(dict(zip(names, visits, strict=True)))
    rollouts = [Wrong(names[s], (*names[s], str(i)), tokens) for i, (s, tokens) in enumerate(pool)]
    scores = [
        0.5 ** (1 - successes[s] / 8) * 0.9 ** (tokens / 500)
        + 0.125 * math.sqrt(sum(visits)) / (1 + visits[s])
        for s, tokens in pool
    ]
    assert select(rollouts, states, chosen, OmegaTree()) == rollouts[scores.index(max(scores))]


def test_every_first_error_is_found_where_the_policy_never_fails_from_a_right_step():
    done = grown(Stumbling(length=6), rollouts=7, searches=6)
    found = done.result.estimates()
    assert {tuple(s) for s in done.result.solutions} <= found.keys()
    assert all(estimate.label == ("0" not in prefix) for prefix, estimate in found.items())


@given(st.integers(0, 10_000), st.floats(0.3, 0.95), st.integers(0, 6))
def test_a_tree_labels_what_it_can_prove_and_charges_what_it_drew(seed, p, searches):
    done = grown(CoinPolicy(p, 5, seed), rollouts=4, searches=searches or 1)
    tree, found = done.result, done.result.estimates()
    # all of a solution or nothing of it, and no step rises again
    for solution in tree.solutions:
        labels = [found[solution[:n]].label for n in range(1, 6)] if solution in found else []
        assert labels == sorted(labels, reverse=True)
        assert solution in found or "0" in solution
    # a policy that is right by chance is never right after a wrong step
    assert not any(e.label for prefix, e in found.items() if "0" in prefix)
    root = tree.states[()]
    assert done.ledger.cost.in_unit("tokens") == root.tokens + sum(e.tokens for e in found.values())
    assert sum(tree.chosen.values()) <= max(searches, 1) and all(
        0 < tree.states[s].value < 1 for s in tree.chosen
    )


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_a_problem_that_is_never_or_always_solved_is_not_searched(p):
    done = grown(CoinPolicy(p, 4))
    assert list(done.result.states) == [()] and not done.result.chosen
    assert bool(done.result.estimates()) == (p == 1.0)


def test_searches_end_where_no_wrong_rollout_is_left_to_explain():
    assert sum(grown(Stumbling(length=3), rollouts=4, searches=50).result.chosen.values()) <= 3


def test_the_tables_hold_each_solution_once_and_labels_of_whole_solutions():
    problems = [problem(i) for i in range(6)]
    labeller = Labeller(OMEGA, None, grade, CoinPolicy(0.8, 5), OmegaTree(), PROVENANCE)
    solutions, labels, spent = labeller.grow(problems)
    assert not pd.DataFrame({"p": solutions.problem_id, "s": solutions.text}).duplicated().any()
    counts = labels.groupby(["problem_id", "solution_id"]).step.agg(["size", "max"])
    assert (counts["size"] == 5).all() and (counts["max"] == 4).all()
    known = solutions.merge(labels, on=["problem_id", "solution_id"])
    assert (known[known.step == 4].label == known[known.step == 4].correct).all()
    labelled = labels.groupby(["problem_id", "solution_id"]).ngroups
    assert 0 < labelled < len(solutions)
    assert (spent.labelled.sum(), spent.solutions.sum()) == (labelled, len(solutions))


@pytest.mark.parametrize("p", [0.0, 0.5])
def test_all_that_a_tree_generates_is_charged_to_its_problem(p):
    """Rollouts of the problem itself, and of problems none of whose solutions can be labelled, are
    paid for as well.
    """
    ledgers = [grown(CoinPolicy(p, 5), rollouts=4, searches=1).ledger.cost.in_unit("tokens")]
    tree = OmegaTree(searches=1)
    labeller = Labeller(OMEGA, None, grade, CoinPolicy(p, 5), tree, PROVENANCE)
    _, labels, spent = labeller.grow([problem()])
    assert spent.tokens.tolist() == ledgers and ledgers[0] >= 4 * 5
    assert spent.labelled.tolist() == [len(labels) / 5] and (p or not len(labels))
