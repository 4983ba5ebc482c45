"""Transfer on simulated reward models: the matrix, and the curve over shared misreadings."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import simulated

from prmscale.analysis.transfer import (
    find_shares,
    measure_by_share,
    measure_matrix,
)
from prmscale.analysis.verdicts import Rules
from prmscale.study import World
from prmscale.tasks.world.arithmetic import Arithmetic
from prmscale.tasks.world.programs import Programs
from prmscale.tasks.world.specifications import find_misreadable

RULES = Rules(smallest_effects={"math_to_code": 0.1}, aggregation="min")
MODELS = simulated.prms()
DOMAINS = {"programs": "code", "arithmetic": "math"}


@pytest.mark.parametrize(("other", "said"), [(0.55, "supported"), (0.2, "not supported")])
def test_transfer_has_every_training_domain_on_every_data_set_and_policy(
    other: float, said: str
) -> None:
    models = simulated.prms(both=1.5, own=0.6, other=other)
    search = simulated.search(models, 800, policies=("s64", "s96"))
    found = measure_matrix(search, simulated.reward_models(models), RULES).set_index(
        ["policy", "dataset", "trained_on"]
    )
    assert len(found) == 2 * 2 * 3 and set(found["n"]) == {800} and set(found["budget"]) == {64}
    for (policy, dataset, trained_on), row in found.iterrows():
        home = found.loc[(policy, dataset, DOMAINS[dataset])]
        if trained_on == DOMAINS[dataset]:
            assert pd.isna(row["difference"]) and pd.isna(row["verdict"])
        else:
            assert row["difference"] == pytest.approx(row["accuracy"] - home["accuracy"])
            assert row["verdict"] == (said if trained_on != "both" else "not supported")


def test_a_share_is_that_of_the_misreadable_wordings_which_the_other_domain_uses() -> None:
    shared, rates = {"squared_plus", "subtracted_from"}, {"less_than": {"math": 0.5}}
    rates |= {"more_than_thrice": {"code": 0.5}} | dict.fromkeys(shared, 0.5)
    world = World(misreading_rates=rates)
    tasks = [Arithmetic("sums", world), Programs("programs", world)]
    problems = [problem for task in tasks for problem in task.load("test", 60, 1)]
    found = find_shares(problems)
    assert set(found["share"]) == {0.0, 0.5, 2 / 3, 1.0}
    for problem in problems:
        wordings = find_misreadable(problem)
        assert (problem.problem_id in found.index) == bool(wordings)
        if wordings:
            expected = [len(wordings), len(wordings & shared) / len(wordings)]
            assert found.loc[problem.problem_id].tolist() == expected
    assert find_shares(problems[:60]).empty  # nothing is known of the other domain


def _simulate(shares: pd.DataFrame, seeds: int = 3) -> pd.DataFrame:
    """Selections by PRMs that are right in 80 % where they know a misreading, in 30 % elsewhere.

    They know the misreadings of the domain they were trained on.
    """
    generator, parts = np.random.default_rng(3), []
    for dataset, domain in DOMAINS.items():
        known = shares.loc[shares.index.str.startswith(dataset), "share"]
        names = {"math": "prm_math", "code": "prm_code", "both": "prm_s96"}
        for trained_on, name in names.items():
            common = known if trained_on not in ("both", domain) else known.clip(1, 1)
            for replicate in range(1, seeds + 1):
                correct = generator.random(len(known)) < 0.3 + 0.5 * common
                ids = {"problem_id": known.index, "correct": correct.astype(float)}
                facts = {"dataset": dataset, "domain": domain, "reward_model": name}
                parts.append(pd.DataFrame({**ids, **facts, "replicate": replicate}))
    how = {"strategy": "best_of_n", "aggregation": "min", "budget": 16, "training_step": 600}
    return pd.concat(parts, ignore_index=True).assign(policy="s64", **how)


def test_a_prm_that_knows_only_shared_misreadings_falls_with_their_share() -> None:
    shares = find_shares(simulated.problems(2000))
    facts = simulated.reward_models(MODELS, seeds=3)
    found = measure_by_share(_simulate(shares), facts, shares, RULES)
    assert len(found) == 2 * 3 * 3 and set(found["n"]) == {500} and set(found["seeds"]) == {3}
    for row in found.itertuples():
        other = row.trained_on not in ("both", row.domain)
        truth = 0.8 - 0.5 * (1 - row.share) * other
        assert row.accuracy == pytest.approx(truth, abs=0.05) and row.low < row.accuracy < row.high
        if row.trained_on == row.domain:
            assert np.isnan(row.difference)
        else:
            assert row.difference == pytest.approx(truth - 0.8, abs=0.05)
            assert (row.difference_high < -0.1) == (other and row.share < 1)


def test_where_all_wordings_are_shared_there_is_one_group() -> None:
    shares = find_shares(simulated.problems(40)).assign(share=1.0)
    facts = simulated.reward_models(MODELS, seeds=3)
    found = measure_by_share(_simulate(shares), facts, shares, RULES)
    assert set(found["share"]) == {1.0} and len(found) == 2 * 3


def test_all_problems_of_the_curve_have_equally_many_misreadings() -> None:
    """A problem with more misreadings is harder at any share, so a curve over both would bend."""
    ids = [f"{dataset}/test/{i:05}" for dataset in DOMAINS for i in range(400)]
    numbers = [1 if i % 4 else 2 for i in range(len(ids))]  # most problems have one, or 0 or 1
    between = [(i // 4) % (number + 1) / number for i, number in enumerate(numbers)]
    shares = pd.DataFrame({"misreadable": numbers, "share": between}, index=ids)
    facts = simulated.reward_models(MODELS, seeds=3)
    found = measure_by_share(_simulate(shares), facts, shares, RULES)
    assert set(found["misreadable"]) == {2} and set(found["share"]) == {0.0, 0.5, 1.0}
    assert found.groupby(["dataset", "trained_on"])["n"].sum().eq(100).all()
