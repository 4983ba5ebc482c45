"""What strategies spent: interpolation along it, who leaves budgets unspent, and the claim that is
tested on it.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
import simulated
import simulated_strategies as simulation

from prmscale.analysis import spending, strategies
from prmscale.analysis.verdicts import Claim, Rules
from prmscale.claims import search_budget
from prmscale.results import Results

FACTS = simulated.reward_models(simulated.prms(), seeds=2)
RULES = Rules(smallest_effects={"math_to_code": 0.1}, aggregation="min")
MATH = {"arithmetic": "math"}


def _claim(rows: pd.DataFrame, rules: Rules = RULES) -> dict[str, Claim]:
    """The claim's rows by the names of what they compare."""
    found = [each for each in _judge(rows, rules) if each.contrast != "order"]
    return {each.metric.split(", ")[0]: each for each in found}


def _judge(rows: pd.DataFrame, rules: Rules = RULES) -> list[Claim]:
    return search_budget.judge(Results(search=rows, reward_models=FACTS), rules)


def test_accuracies_are_interpolated_along_the_logarithm_of_what_was_spent() -> None:
    """numpy's own interpolation, problem by problem; no accuracy beyond what was measured."""
    generator = np.random.default_rng(0)
    measured = {budget: generator.random(12) for budget in (1, 2, 4, 8)}
    parts = [simulation.plain("mcts", budget, correct, 0.9) for budget, correct in measured.items()]
    curve = spending.curves(pd.concat([*parts, simulation.plain("one_sample", 1, measured[1])]))[
        "mcts"
    ]
    np.testing.assert_allclose(curve.spent, [0.9, 1.8, 3.6, 7.2])
    logs, values = np.log2(0.9 * np.array([1, 2, 4, 8])), np.array(list(measured.values()))
    for worth in (0.9, 1.3, 1.8, 2.0, 5.5, 7.2):
        wanted = [np.interp(np.log2(worth), logs, own) for own in values.T]
        np.testing.assert_allclose(curve.at(worth)[1], wanted)
    assert curve.at(0.8).empty and curve.at(7.5).empty and curve.at(8).empty


def test_what_was_spent_is_in_samples_of_the_same_problems() -> None:
    """A search of the dear half of the problems spends as much as best-of-n if it spends as many of
    their samples.
    """
    tokens = np.where(np.arange(10) < 5, 100.0, 20.0)
    one = simulation.plain("one_sample", 1, np.ones(10)).assign(policy_tokens=tokens)
    tree = simulation.plain("beam", 4, np.ones(10)).assign(policy_tokens=4 * tokens).iloc[:5]
    table = spending.measure_spending(pd.concat([one, tree])).set_index("strategy")
    assert table.loc["beam", ["spent", "share"]].tolist() == [4, 1]


def test_who_leaves_more_than_five_percent_is_named() -> None:
    rows = simulation.rows(60)
    table = strategies.find_unspent(rows, FACTS, "min")
    assert set(table["strategy"]) == {"adaptive best-of-n", "look-ahead search"}
    assert table["share"].between(0.59, 0.9).all() and set(table["budget"]) == {2, 4, 8, 16, 32, 64}
    tokens = rows["policy_tokens"].where(rows["strategy"] != "mcts", 0.9 * rows["policy_tokens"])
    found = _claim(rows.assign(policy_tokens=tokens))
    for name, budget in (("MCTS − beam search", 64), ("best-of-n − MCTS", 2)):
        assert re.search(rf"samples \(MCTS spent 8\d% of {budget}\)", found[name].metric)
    assert strategies.find_unspent(rows.iloc[:0], FACTS, "min").empty


def test_the_claim_finds_the_order_and_its_reversal() -> None:
    rows = simulation.rows(
        3000, seeds=1, seed_spread=0, crossing={"mcts": 10.0, "beam": 30.0}, datasets=MATH
    )
    found = _judge(rows)
    top = min(spending.curves(rows)[name].spent[-1] for name in ("mcts", "beam"))
    assert 61 < top < 64
    first, *others = (c.metric for c in found)
    assert re.fullmatch(
        rf"MCTS's lead over best-of-n, with the tokens of {top:.3g} samples \(\+[\d.]+, must be "
        r"above 0\) − with those of 2 \(−[\d.]+, must be below 0\)",
        first,
    )
    assert others == [
        f"MCTS − beam search, with the tokens of {top:.3g} samples",
        f"beam search − best-of-n, with the tokens of {top:.3g} samples",
        f"best-of-n − majority vote, with the tokens of {top:.3g} samples",
        f"MCTS − best-of-n, with the tokens of {top:.3g} samples",
        "best-of-n − MCTS, with the tokens of 2 samples "
        "(MCTS has no answer to 31% of the problems)",
    ]
    assert {c.verdict for c in found} == {"supported"} and {c.n for c in found} == {3000}
    # the whole claim is its own sum, and as sure as the less sure of its two parts
    order, plentiful, scarce = (
        next(c for c in found if c.contrast == n) for n in ("order", "plentiful", "scarce")
    )
    assert order.effect == pytest.approx(plentiful.effect + scarce.effect)
    assert order.p_supported == max(plentiful.p_supported, scarce.p_supported)


def test_a_lead_everywhere_is_no_reversal() -> None:
    """MCTS leads at 2 samples' worth already: its lead may grow, and the claim is refuted all the
    same.
    """
    rows = simulation.rows(
        3000, seeds=1, seed_spread=0, crossing={"mcts": 0.125, "beam": 30.0}, datasets=MATH
    )
    (order,) = [c for c in _judge(rows) if c.contrast == "order"]
    assert order.effect > 0 and order.verdict == "not supported"


@pytest.mark.parametrize(
    ("mcts", "verdict"),
    [(16.0, "supported"), (0.125, "not supported"), (2.0, "inconclusive")],
    ids=lambda v: str(v),
)
def test_scarcity_is_tested_at_the_budget_stated_though_mcts_often_has_no_answer(
    mcts: float, verdict: str
) -> None:
    """MCTS leads from `mcts` samples' worth on; at budget 2 it has no answer to one problem in six
    or more.
    """
    told, studies = [], 20
    for seed in range(studies):
        rows = simulation.rows(400, 1, seed, {"mcts": mcts, "beam": 4.0}, datasets=MATH)
        assert (
            rows.loc[(rows.strategy == "mcts") & (rows.budget == 2), "finish_reason"]
            .eq("budget")
            .mean()
            > 0.15
        )
        told.append(_claim(rows)["best-of-n − MCTS"].verdict)
    share = told.count(verdict) / studies
    print(f"crossover at {mcts:g}: {verdict} in {share:.2f}")
    assert share >= (0.85 if verdict == "inconclusive" else 0.9)


def test_a_strategy_that_ends_early_is_compared_at_what_it_spent() -> None:
    """Beam search is best-of-n's equal a token, and spends a third of each budget: no verdict
    against it.
    """
    told, nominal, studies = [], [], 30
    for seed in range(studies):
        generator, parts = np.random.default_rng(seed), []
        ease = 0.2 * (generator.random(400) - 0.5)
        for strategy, used in (
            ("best_of_n", 1.0),
            ("majority", 1.0),
            ("beam", 1 / 3),
            ("mcts", 1.0),
        ):
            for budget in simulated.BUDGETS:
                chance = 0.25 + 0.08 * np.log2(used * budget) + ease
                solved = (generator.random(400) < chance).astype(float)
                parts.append(
                    simulation.plain(strategy, budget, solved, used).assign(**_facts(strategy))
                )
        found = _claim(pd.concat(parts))["beam search − best-of-n"]
        at = {
            s: p.correct.mean()
            for s, p in pd.concat(parts).query("budget == 64").groupby("strategy")
        }
        nominal.append(at["beam"] - at["best_of_n"])
        told.append(found)
        assert "21.3 samples (beam search spent 33% of 64)" in found.metric
    wrong, gain = (
        np.mean([c.verdict == "not supported" for c in told]),
        np.mean([c.effect for c in told]),
    )
    print(
        f"beam − best-of-n: {gain:+.3f} at equal tokens ({wrong:.3f} not supported), "
        f"{np.mean(nominal):+.3f} at budgets"
    )
    assert wrong <= 0.07 and abs(gain) < 0.012 and np.mean(nominal) < -0.1


def _facts(strategy: str) -> dict[str, object]:
    guided = strategy != "majority"
    model = {"reward_model": simulation.PRM, "aggregation": "min", "training_step": 600}
    return {
        "policy": "s64",
        **(model if guided else {"reward_model": "", "aggregation": "", "training_step": -1}),
    }


def test_what_was_not_measured_of_the_claim_says_so() -> None:
    rows = simulation.rows(60)
    said = {
        name: c.verdict == "not yet measured"
        for name, c in _claim(rows[rows.strategy != "mcts"]).items()
    }
    assert said == {
        "MCTS − beam "
        "search": True, "beam search − best-of-n": False, "best-of-n − majority vote": False,
        "MCTS − best-of-n": True, "best-of-n − MCTS": True,
    }  # fmt: skip
    four = Rules(smallest_effects={"math_to_code": 0.1}, aggregation="min", scarce_budget=4)
    assert ", with the tokens of 4 samples" in _claim(rows, four)["best-of-n − MCTS"].metric
    assert _claim(rows[rows.budget > 4], four)["best-of-n − MCTS"].verdict == "not yet measured"
