"""Choosing programs by visible tests, and votes by self-certainty: against rules in a few lines."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scripted import CoinPolicy, PerfectScorer, grade, problem

from prmscale import seeds
from prmscale.engines.aggregation import AGGREGATIONS
from prmscale.engines.facts import FACTS
from prmscale.engines.recorded import RecordedPolicy
from prmscale.engines.requests import Continuation, Extension
from prmscale.engines.scheduler import grade_whole, run
from prmscale.errors import UserError
from prmscale.policies.sample import solution_table
from prmscale.search import run as jobs
from prmscale.search.benchmarks import Benchmark
from prmscale.search.evaluate import Engines, evaluate
from prmscale.search.self_certainty_vote import self_certainty_vote

PROGRAMS = [problem(i, "code") for i in range(30)]
BUDGETS = [1, 4, 8]
POLICY = CoinPolicy(length=4)


class Opinion(PerfectScorer):
    """An arbitrary score for every problem and prefix."""

    def of(self, problem, prefix):
        return float(seeds.generator("score", problem.problem_id, *prefix).random())


def search(strategy, scorer=None, problems=PROGRAMS, policy=POLICY, grader=grade):
    rows = evaluate(problems, Engines(policy, scorer, grader), [strategy], ["min"], BUDGETS)
    return rows if rows.empty else rows.set_index(["problem_id", "budget"]).correct


def groups(each, budget):
    ((*drawn,),) = POLICY.extend([Extension(each, (), 8, 0, "end")])
    return [drawn[at : at + budget] for at in range(0, 8, budget)]


def right(sample):
    return all(step == "1" for step in sample.steps)


def passed(sample):
    return sample.steps[:2].count("1")


@pytest.mark.parametrize("budget", BUDGETS)
def test_a_sample_that_passes_what_is_shown_is_chosen(budget):
    chosen = search("visible_tests")
    for each in PROGRAMS:
        rates = []
        for group in groups(each, budget):
            kept = [s for s in group if passed(s) == 2] or group
            rates.append(np.mean([right(s) for s in kept]))
        assert chosen[each.problem_id, budget] == pytest.approx(np.mean(rates))


@pytest.mark.parametrize("budget", BUDGETS)
def test_the_reward_model_chooses_among_those_that_pass_most(budget):
    chosen, scorer = search("filtered_best_of_n", Opinion()), Opinion()
    for each in PROGRAMS:
        rates = []
        for group in groups(each, budget):
            kept = [s for s in group if passed(s) == max(map(passed, group))]
            scores = [scorer.score([(each, s.steps)])[0].scores.min() for s in kept]
            rates.append(right(kept[np.argmax(scores)]))
        assert chosen[each.problem_id, budget] == pytest.approx(np.mean(rates))


def test_without_visible_tests_the_filter_is_best_of_n_and_the_control_a_random_choice():
    def untested(problems, solutions):
        return [replace(each, visible=None) for each in grade(problems, solutions)]

    for name, plain, scorer in (
        ("filtered_best_of_n", "best_of_n", Opinion()),
        ("visible_tests", "random", None),
    ):
        found = search(name, scorer, grader=untested)
        pd.testing.assert_series_equal(found, search(plain, scorer))


def searched(folder, problems, table=None):
    """The rows of the search jobs, with a reward model and without."""
    drawn = POLICY.extend([Extension(each, (), 8, 0, "end") for each in problems])
    table = solution_table("coin", grade, problems, drawn) if table is None else table
    tests = [
        jobs.Test(Benchmark("toy", "coin", problems, table, None, grade, 8), RecordedPolicy(table))
    ]
    settings = jobs.Settings(["visible_tests", "filtered_best_of_n", "random"], BUDGETS, ["min"])
    (folder / FACTS).write_text(json.dumps({"steps": 1}))
    checkpoints, load = [jobs.Checkpoint(folder, 1, final=True)], lambda _: Opinion()
    rows = jobs.search(tests, "prm", checkpoints, load, settings, jobs.ErrorTests({}, [])).search
    return {*rows.strategy, *jobs.search_unscored(tests, settings).strategy}


def test_a_data_set_that_shows_no_test_has_no_rows(tmp_path):
    every = {"visible_tests", "filtered_best_of_n", "random"}
    assert searched(tmp_path, PROGRAMS) == every
    assert searched(tmp_path, [problem(i) for i in range(3)]) == {"random"}


def test_solutions_that_are_older_than_visible_tests_are_refused(tmp_path):
    drawn = POLICY.extend([Extension(each, (), 8, 0, "end") for each in PROGRAMS])
    older = solution_table("coin", grade, PROGRAMS, drawn).drop(columns="visible")
    with pytest.raises(UserError, match=r"visible_tests needs the column 'visible' .*coin on toy"):
        searched(tmp_path, PROGRAMS, older)


def test_recorded_samples_remember_what_they_pass():
    drawn = POLICY.extend([Extension(each, (), 8, 0, "end") for each in PROGRAMS])
    table = solution_table("coin", grade, PROGRAMS, drawn)
    recorded = RecordedPolicy(table)

    def known(problems, solutions):
        pairs = zip(problems, solutions, strict=True)
        return [recorded.grades[each.problem_id, solution] for each, solution in pairs]

    found = search("visible_tests", policy=recorded, grader=known)
    pd.testing.assert_series_equal(found, search("visible_tests"))
    maths = solution_table("coin", grade, [problem()], drawn[:1])
    assert maths.visible.isna().all()
    (cut,) = grade_whole(grade, PROGRAMS[:1], [Continuation(("1",), "length", 1)])
    assert cut.visible is None


class Certain(CoinPolicy):
    """Solutions with a self-certainty each."""

    def extend(self, extensions, progress=None):
        return [
            [replace(each, self_certainty=round(each.logprob, 1)) for each in group]
            for group in super().extend(extensions, progress)
        ]


@pytest.mark.parametrize("exponent", [0.5, 1.0, 3.0])
def test_borda_votes_are_those_of_the_paper(exponent):
    runs = run(
        [(each, self_certainty_vote([8], {"p": exponent})) for each in PROGRAMS],
        Certain(length=4),
        grader=grade,
    )
    for each, one in zip(PROGRAMS, runs, strict=True):
        ((*drawn,),) = Certain(length=4).extend([Extension(each, (), 8, 0, "end")])
        ranked = sorted(drawn, key=lambda s: -s.self_certainty)  # stable: of equals the first
        votes = {}
        for rank, sample in enumerate(ranked, 1):
            answer = sample.steps.count("1")
            votes[answer] = votes.get(answer, 0) + (8 - rank + 1) ** exponent
        (((pick,),),) = [choice.choice.picks for choice in one.choices]
        assert votes[pick.steps.count("1")] == max(votes.values())
        best = next(s for s in ranked if s.steps.count("1") == pick.steps.count("1"))
        assert pick == best


def test_a_large_exponent_follows_the_most_certain_and_none_the_majority():
    def rows(*names):
        engines = Engines(Certain(length=4), None, grade)
        return evaluate(PROGRAMS, engines, names, AGGREGATIONS, BUDGETS)

    def votes(exponent):
        runs = run(
            [(each, self_certainty_vote(BUDGETS, {"p": exponent})) for each in PROGRAMS],
            Certain(length=4),
            grader=grade,
        )
        return [
            np.mean([right(pick) for (pick,) in choice.choice.picks])
            for one in runs
            for choice in one.choices
        ]

    assert votes(200.0) == list(rows("self_certainty").correct)
    majority = rows("majority")
    untied = majority.correct.isin([0.0, 1.0]) & (majority.budget == 8)
    assert untied.sum() > 10
    assert (np.array(votes(0.0))[untied] == majority.correct[untied]).all()
