"""Pre-training against PRM training: the law on known accuracies, and verdicts on simulated studies of known truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import simulated
import simulated_budgets as simulation
from matplotlib.collections import PathCollection
from scipy.optimize import nnls
from simulated_budgets import Truth

from prmscale.analysis import claims, law, tradeoff
from prmscale.analysis.law import EXPONENTS, FORMS, LAW, ONE_BUDGET, Budgets
from prmscale.analysis.verdicts import Claim, Rules
from prmscale.figures import budget_plane, fig7

RULES = Rules(equivalence_margin=0.05, aggregation="min", draws=200)
MODELS = simulation.models(("s32", "s64", "s96"))
FACTS = simulation.facts(MODELS)
UNIT = 2e12
ALPHA, BETA = EXPONENTS[6], EXPONENTS[8]


def _law(e: float, b: float, c: float, alpha: float = ALPHA, beta: float = BETA) -> Truth:
    return lambda p, t: 1 - e - b * (p / UNIT) ** -alpha - c * (t / UNIT) ** -beta


TRADE = _law(0.02, 0.2, 0.07)


def _budgets() -> Budgets:
    """Every pair of six and five budgets."""
    p, t = np.meshgrid(UNIT * np.geomspace(0.2, 4, 6), UNIT * np.geomspace(0.1, 6, 5))
    return Budgets(p.ravel(), t.ravel())


def test_fits_are_the_non_negative_least_squares_of_the_best_exponents() -> None:
    budgets = _budgets()
    rows = np.random.default_rng(1).random((4, len(budgets.total)))
    fitted = law.fit(LAW, budgets, rows)
    p, t = budgets.pretraining / budgets.typical, budgets.training / budgets.typical
    for row, predicted in zip(rows, fitted.accuracy(budgets), strict=True):
        designs = [np.stack([np.ones_like(p), p**-a, t**-b], axis=1) for a in EXPONENTS for b in EXPONENTS]
        assert np.linalg.norm(predicted - row) == pytest.approx(min(nnls(design, 1 - row)[1] for design in designs))
    assert (fitted.coefficients >= 0).all()


def test_a_law_is_found_again_and_predicts_what_it_has_not_seen() -> None:
    budgets = _budgets()
    accuracies = TRADE(budgets.pretraining, budgets.training)[None]
    fitted = law.fit(LAW, budgets, accuracies)
    assert fitted.exponents[0].tolist() == [ALPHA, BETA]
    assert fitted.coefficients[0, 0] == pytest.approx(0.02)
    groups = [f"{p:.3g}" for p in budgets.pretraining]
    errors = {name: law.left_out_error(form, budgets, accuracies, groups)[0] for name, form in FORMS.items()}
    assert errors.pop("law") == pytest.approx(0, abs=1e-6) and min(errors.values()) > 0.005


def test_the_best_share_equalises_what_one_more_flop_gains() -> None:
    """At the best split both budgets have the same marginal gain, b alpha P^(-alpha - 1) = c beta T^(-beta - 1)."""
    budgets, total = _budgets(), 1.5 * UNIT
    fitted = law.fit(LAW, budgets, TRADE(budgets.pretraining, budgets.training)[None])
    shares = law.measured_shares(budgets, total)
    at = law.spend(total / UNIT, shares)
    marginal = 0.2 * ALPHA * at.pretraining ** (-ALPHA - 1) - 0.07 * BETA * at.training ** (-BETA - 1)
    number = law.best_share(fitted, total, shares)[0]
    assert marginal[number - 1] < 0 < marginal[number + 1]
    assert law.gain(fitted, total, shares, number)[0] > 0 > law.gain(fitted, total, shares, 0)[0] - 1e-12


def test_nothing_is_said_beyond_what_was_measured() -> None:
    budgets = Budgets(UNIT * np.array([1.0, 4, 1, 4, 2]), UNIT * np.array([0.1, 0.4, 0.4, 1.6, 0.4]))
    shares = law.measured_shares(budgets, 2 * UNIT)
    ends = law.spend(2.0, shares[[0, -1]])
    assert law.within(budgets, law.spend(2 * UNIT, shares[1:-1])).all()
    assert ends.training[0] == pytest.approx(ends.pretraining[0] * 0.1, rel=0.01)  # the hull's edges: T = P / 10
    assert ends.training[1] == pytest.approx(ends.pretraining[1] * 0.4, rel=0.01)  # and T = 4 P / 10
    assert not len(law.measured_shares(budgets, 20 * UNIT))


def _judged(truth: Truth, seed: int, problems: int = 200) -> list[Claim]:
    rules = Rules(**{**vars(RULES), "seed": seed})  # type: ignore[arg-type]
    return claims.flops_tradeoff(simulation.rows(MODELS, truth, problems, seed=seed), FACTS, rules)


def _verdicts(found: list[Claim], words: str) -> list[str]:
    return [claim.verdict for claim in found if words in claim.metric]


def test_a_known_trade_off_is_found_and_told_with_its_split() -> None:
    found = [claim for seed in range(4) for claim in _judged(TRADE, seed)]
    assert _verdicts(found, "best split").count("supported") >= 6  # of 8
    assert _verdicts(found, "left out").count("supported") >= 7
    assert _verdicts(found, "per doubling").count("supported") <= 1
    (own, _) = tradeoff.points(simulation.rows(MODELS, TRADE, 20), FACTS, "min")
    shares = law.measured_shares(own.budgets, own.middle)
    best = shares[TRADE(own.middle * (1 - shares), own.middle * shares).argmax()]
    told = [float(c.metric.split(": ")[1].split("%")[0]) / 100 for c in found if "best split" in c.metric]
    assert np.median(told) == pytest.approx(best, rel=0.25)
    assert {(c.n, c.seeds) for c in found} == {(200, 2)}


@pytest.mark.parametrize(
    "truth",
    [
        lambda p, t: 0.6,
        lambda p, t: 1 - 0.05 - 0.25 * (p / UNIT) ** -0.4,
        lambda p, t: 1 - 0.05 - 0.25 * (t / UNIT) ** -0.4,
        lambda p, t: 1 - 0.05 - 0.25 * ((p + t) / 2 / UNIT) ** -0.4,
    ],
    ids=["nothing counts", "pre-training alone", "PRM training alone", "the total alone"],
)
def test_without_a_trade_off_none_is_supported(truth: Truth) -> None:
    found = [claim for seed in range(4) for claim in _judged(truth, seed)]
    assert _verdicts(found, "best split").count("supported") == 0
    assert _verdicts(found, "left out").count("supported") <= 1
    assert _verdicts(found, "per doubling").count("supported") <= 1


def test_budgets_that_reinforce_each_other_are_found() -> None:
    found = _judged(lambda p, t: 0.5 + 0.025 * np.log2(p / UNIT) * np.log2(t / UNIT) + 0.04 * np.log2(t / UNIT), 0, 600)
    assert _verdicts(found, "per doubling") == ["supported"] * 2


@pytest.mark.parametrize("kept", [lambda s: s == 600, lambda s: s > 400], ids=["one checkpoint", "the last"])
def test_one_amount_of_training_measures_no_trade_off(kept: object) -> None:
    search = simulation.rows(MODELS, TRADE, 20)
    final = search[(search.strategy != "best_of_n") | kept(search.training_step)]  # type: ignore[operator]
    (claim,) = claims.flops_tradeoff(final, FACTS, RULES)
    assert claim.verdict == "not yet measured"
    assert tradeoff.table(final, FACTS, RULES).empty
    (claim,) = claims.flops_tradeoff(simulated.search([], 20), simulated.reward_models([]), RULES)
    assert claim.verdict == "not yet measured"


def test_the_table_tells_parameters_errors_and_splits() -> None:
    search = simulation.rows(MODELS, TRADE, 1500, spread=0)
    table = tradeoff.table(search, FACTS, RULES).set_index("quantity")
    assert set(table["dataset"]) == {"arithmetic", "programs"} and set(table["n"]) == {1500}
    for name, truth in (("exponent alpha of pre-training", ALPHA), ("exponent beta of PRM training", BETA)):
        assert (table.loc[name, "low"] <= truth).all() and (truth <= table.loc[name, "high"]).all()
    best = table.loc["best share of PRM training"]
    assert (best["low"] <= best["value"]).all() and (best["value"] <= best["high"]).all()
    errors = {name: table.loc[f"error on bases left out, {name}", "value"].to_numpy() for name in FORMS}
    assert all((errors["law"] < errors[name]).all() for name in ONE_BUDGET)


def test_fig7_draws_what_its_table_says() -> None:
    search = simulation.rows(MODELS, TRADE, 60)
    figure, data = fig7.draw(search, FACTS, None, level=0.95, draws=50, seed=0, aggregation="min")
    assert data["policy"].nunique() == 1
    assert set(data["part"]) == {fig7.LINES, budget_plane.MEASURED, budget_plane.SURFACE, budget_plane.SPLIT}
    data = data.astype({"base_flops": float})
    places = ["base_flops", "train_flops"]
    for axis, dataset in zip(figure.axes[2:4], ("arithmetic", "programs"), strict=True):
        own = data[data.dataset == dataset].groupby("part")
        measured, best, cells = (
            own.get_group(part) for part in (budget_plane.MEASURED, budget_plane.SPLIT, budget_plane.SURFACE)
        )
        (dots,) = [each for each in axis.collections if isinstance(each, PathCollection)]
        assert np.allclose(dots.get_offsets(), measured[places])
        assert np.allclose(np.asarray(dots.get_array()), measured["mean"])
        rows = search[(search.dataset == dataset) & (search.strategy == "best_of_n")]
        means = rows.groupby(["reward_model", "training_step"])["correct"].mean()
        assert sorted(means) == pytest.approx(sorted(measured["mean"]))
        (diamonds,) = [line for line in axis.lines if line.get_marker() == "D"]
        assert np.allclose(diamonds.get_xydata(), best[places])
        assert np.allclose(best["train_flops"] / best["split_total"], best["split_share"])
        assert (cells[places].min() >= 0.999 * measured[places].min()).all()
        assert (cells[places].max() <= 1.001 * measured[places].max()).all() and len(cells) > 300


def test_points_are_the_bases_at_each_checkpoint() -> None:
    search = simulation.rows(MODELS, TRADE, 20)
    (own, _) = tradeoff.points(search, FACTS, "min")
    assert own.values.shape == (20, 2, 9 * 4)
    place = [i for i, base in enumerate(own.bases) if base == "s64@25"]
    whole = FACTS.loc[FACTS.base == "s64@25", "train_flops"].iloc[0]
    assert own.budgets.training[place] == pytest.approx(np.array(simulation.FRACTIONS) * whole, rel=1e-9)
    assert own.budgets.pretraining[place] == pytest.approx([6.0 * 301_000 * 500_000] * 4)
    few = pd.concat([search[search.seed == 1], search[(search.seed == 2) & (search.training_step < 600)]])
    assert next(tradeoff.points(few, FACTS, "min")).values.shape == (20, 1, 36)
