"""Pre-training against PRM training: the law on known accuracies, and verdicts on simulated studies
of known truth.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import simulated
import simulated_budgets as simulation
from matplotlib.collections import PathCollection
from scipy.optimize import nnls
from simulated_budgets import Truth

from prmscale.analysis import scaling_law as law
from prmscale.analysis import tradeoff
from prmscale.analysis.interaction import measure_interaction
from prmscale.analysis.scaling_law import EXPONENTS, FORMS, LAW, ONE_BUDGET, Budgets
from prmscale.analysis.verdicts import Claim, Rules
from prmscale.claims import flops_tradeoff
from prmscale.figures import budget_plane, fig7
from prmscale.results import Results

RULES = Rules(smallest_effects={"math_to_code": 0.05}, aggregation="min")
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
        designs = [
            np.stack([np.ones_like(p), p**-a, t**-b], axis=1) for a in EXPONENTS for b in EXPONENTS
        ]
        assert np.linalg.norm(predicted - row) == pytest.approx(
            min(nnls(design, 1 - row)[1] for design in designs)
        )
    assert (fitted.coefficients >= 0).all()


def test_a_law_is_found_again_and_predicts_what_it_has_not_seen() -> None:
    budgets = _budgets()
    accuracies = TRADE(budgets.pretraining, budgets.training)[None]
    fitted = law.fit(LAW, budgets, accuracies)
    assert fitted.exponents[0].tolist() == [ALPHA, BETA]
    assert fitted.coefficients[0, 0] == pytest.approx(0.02)
    groups = [f"{p:.3g}" for p in budgets.pretraining]
    errors = {
        name: law.leave_group_out_rmse(form, budgets, accuracies, groups).mean()
        for name, form in FORMS.items()
    }
    assert errors.pop("law") == pytest.approx(0, abs=1e-6) and min(errors.values()) > 0.005


def test_the_best_share_equalises_what_one_more_flop_gains() -> None:
    """At the best split both budgets have the same marginal gain, b alpha P^(-alpha - 1) = c beta
    T^(-beta - 1).
    """
    budgets, total = _budgets(), 1.5 * UNIT
    fitted = law.fit(LAW, budgets, TRADE(budgets.pretraining, budgets.training)[None])
    shares = law.list_shares(budgets, total)
    at = law.spend(total / UNIT, shares)
    marginal = 0.2 * ALPHA * at.pretraining ** (-ALPHA - 1) - 0.07 * BETA * at.training ** (
        -BETA - 1
    )
    number = law.best_share(fitted, total, shares)[0]
    assert marginal[number - 1] < 0 < marginal[number + 1]
    assert (
        law.gain(fitted, total, shares, number)[0]
        > 0
        > law.gain(fitted, total, shares, 0)[0] - 1e-12
    )


def test_nothing_is_said_beyond_what_was_measured() -> None:
    budgets = Budgets(
        UNIT * np.array([1.0, 4, 1, 4, 2]), UNIT * np.array([0.1, 0.4, 0.4, 1.6, 0.4])
    )
    shares = law.list_shares(budgets, 2 * UNIT)
    ends = law.spend(2.0, shares[[0, -1]])
    assert law.is_within(budgets, law.spend(2 * UNIT, shares[1:-1])).all()
    assert ends.training[0] == pytest.approx(
        ends.pretraining[0] * 0.1, rel=0.01
    )  # the hull's edges: T = P / 10
    assert ends.training[1] == pytest.approx(
        ends.pretraining[1] * 0.4, rel=0.01
    )  # and T = 4 P / 10
    assert not len(law.list_shares(budgets, 20 * UNIT))


def _judged(truth: Truth, seed: int, problems: int = 200) -> list[Claim]:
    rules = Rules(**{**vars(RULES), "seed": seed})  # type: ignore[arg-type]
    return _judge(simulation.rows(MODELS, truth, problems, seed=seed), FACTS, rules)


def _judge(search: pd.DataFrame, facts: pd.DataFrame, rules: Rules = RULES) -> list[Claim]:
    return flops_tradeoff.judge(Results(search=search, reward_models=facts), rules)


def _verdicts(found: list[Claim], words: str) -> list[str]:
    return [claim.verdict for claim in found if words in claim.metric]


def test_a_known_trade_off_is_found_and_told_with_its_split() -> None:
    found = [claim for seed in range(2) for claim in _judged(TRADE, seed)]
    splits = [claim for claim in found if "best split" in claim.metric]
    assert len(splits) == 4 and all(
        claim.low > 0 and claim.verdict != "not supported" for claim in splits
    )
    left_out = [claim for claim in found if "left out" in claim.metric]
    assert all(0.005 < claim.effect < claim.high for claim in left_out)
    assert _verdicts(found, flops_tradeoff.INTERACTION).count("supported") <= 1
    (own, _) = tradeoff.points(simulation.rows(MODELS, TRADE, 20), FACTS, "min")
    shares = law.list_shares(own.budgets, own.middle)
    best = shares[TRADE(own.middle * (1 - shares), own.middle * shares).argmax()]
    told = [
        float(c.metric.split(": ")[1].split("%")[0]) / 100
        for c in found
        if "best split" in c.metric
    ]
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
    found = [claim for seed in range(2) for claim in _judged(truth, seed)]
    assert _verdicts(found, "best split").count("supported") == 0
    assert _verdicts(found, "left out").count("supported") <= 1
    assert _verdicts(found, flops_tradeoff.INTERACTION).count("supported") <= 1


def test_what_no_number_can_tell_is_not_measured_and_says_what_it_wants() -> None:
    """Where one budget does not count, its law is a form in the other alone: differences are 0 by
    construction.
    """
    for claim in _judged(lambda p, t: 1 - 0.05 - 0.25 * (t / UNIT) ** -0.4, 1):
        assert claim.verdict == "not yet measured" or claim.high - claim.low > 0.001
        if claim.verdict == "not yet measured":
            assert claim.needed and np.isnan([claim.effect, claim.low, claim.high]).all()


def _logistic(x: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-x)))


def _law_of(gain: float) -> simulation.Accuracy:
    """The law in both FLOPs, and so much for a doubling of one per doubling of the other."""

    def truth(size: np.ndarray, tokens: np.ndarray, steps: np.ndarray) -> np.ndarray:
        p, t = size + tokens, size + steps
        return np.asarray(0.95 - 0.12 * 2 ** (-0.3 * p) - 0.17 * 2 ** (-0.4 * t) + gain * p * t)

    return truth


WITHOUT = {
    "additive in logs": lambda n, d, s: 0.62 + 0.03 * n + 0.03 * d + 0.07 * s,
    "linear": lambda n, d, s: 0.25 + 0.2 * 2 ** (n - 1.8) + 0.2 * 2**d + 0.25 * 2**s,
    "linear in FLOPs": lambda n, d, s: 0.25 + 0.3 * 2 ** (n + d - 1.8) + 0.35 * 2 ** (n + s - 1.8),
    "additive in a sigmoid, high": lambda n, d, s: _logistic(2 + 0.3 * n + 0.3 * d + 0.8 * s),
    "additive in a sigmoid, low": lambda n, d, s: _logistic(-1 + 0.3 * n + 0.5 * d + 0.5 * s),
    "the law": _law_of(0.0),
}


def _rate(truth: simulation.Accuracy, seeds: int, studies: int, problems: int = 200) -> float:
    """The share of studies simulated on the desk's grid whose headline is supported."""
    rules = Rules(smallest_effects={"math_to_code": 0.05}, aggregation="min")
    judged = []
    for seed in range(studies):
        told = measure_interaction(simulation.desk(truth, seed, problems, seeds), rules)
        assert told is not None
        judged.append(told.judge(rules).verdict(rules.level) == "supported")
    return float(np.mean(judged))


@pytest.mark.parametrize("name", WITHOUT)
def test_an_interaction_that_is_not_there_is_supported_in_at_most_one_study_of_twenty(
    name: str,
) -> None:
    rate = _rate(WITHOUT[name], seeds=3, studies=60)
    print(f"{name}: supported in {rate:.1%} of 60 studies with 3 seeds")
    assert rate <= 0.05


def test_an_interaction_of_two_points_a_doubling_is_found_at_five_seeds() -> None:
    """On the desk's problems; over the grid two points a doubling make seven between the least and
    most of both.
    """
    rate = _rate(_law_of(0.02), seeds=5, studies=60, problems=500)
    print(f"the law with an interaction: supported in {rate:.1%} of 60 studies with 5 seeds")
    assert rate >= 0.8


@pytest.mark.parametrize("name", ["additive in a sigmoid, high", "additive in a sigmoid, low"])
def test_size_that_both_budgets_hold_is_no_interaction(name: str) -> None:
    studies = [simulation.tables(simulation.desk(WITHOUT[name], seed)) for seed in range(2)]
    told = [claim for study in studies for claim in _judge(*study)]
    headlines = [c for c in told if c.metric.startswith(flops_tradeoff.INTERACTION)]
    assert headlines and "supported" not in {claim.verdict for claim in headlines}


def test_checkpoints_that_other_bases_lack_change_nothing() -> None:
    """The desk's m has six checkpoints, the other bases two; accuracy that bends along training is
    steeper early on.
    """
    own = simulation.desk(lambda n, d, s: 0.6 - 0.02 * s**2 + 0 * n, 1, 200)
    told = measure_interaction(own, RULES)
    late = np.isin(own.steps, [180, 600])
    kept = {"values": own.values[:, :, late], "budgets": own.budgets[late]}
    facts = {name: getattr(own, name)[late] for name in ("sizes", "tokens", "steps")}
    few = measure_interaction(
        replace(own, bases=list(np.array(own.bases)[late]), **facts, **kept), RULES
    )
    for name in ("accuracy", "logit"):
        one, other = getattr(told, name), getattr(few, name)
        numbers = (other.mean, other.low, other.high, other.error)
        assert (one.mean, one.low, one.high, one.error) == pytest.approx(numbers)


def test_pretrainings_that_are_nearly_equal_tell_no_interaction() -> None:
    """Corpora end with whole problems, so that equal pre-trainings differ by a little."""
    own = simulation.desk(WITHOUT["linear"], 1, 20)
    equal = 1e6 * (1 + 1e-4 * (np.arange(len(own.tokens)) % 3))
    assert measure_interaction(replace(own, tokens=equal), RULES) is None


def test_budgets_that_rounding_alone_lets_count_have_no_weight() -> None:
    """Accuracy that no budget changes is the law's constant, and no split is better than others."""
    accuracies = np.linspace(0.1, 0.9, 20)[:, None] * np.ones(len(_budgets().total))
    fitted = law.fit(LAW, _budgets(), accuracies)
    assert (fitted.coefficients[:, 1:] == 0).all()
    assert fitted.coefficients[:, 0] == pytest.approx(1 - accuracies[:, 0])


def test_one_size_at_several_pretrainings_tells_no_interaction() -> None:
    """As the laptop study has it: four sizes, and two more pre-trainings of one of them."""
    own = simulation.desk(WITHOUT["linear"], 1, 50)
    laptop = (own.tokens == own.tokens.max()) | (own.sizes == simulation.DESK_SIZES[2])
    search, facts = simulation.tables(own)
    names = {f"prm_{base}" for base in np.array(own.bases)[laptop & (own.sizes < max(own.sizes))]}
    search = search[search["reward_model"].isin(names)]
    first, *_ = _judge(search, facts)
    assert (
        first.metric.startswith(flops_tradeoff.INTERACTION) and first.verdict == "not yet measured"
    )
    assert "two sizes or more" in first.needed


@pytest.mark.parametrize(
    "kept", [lambda s: s == 600, lambda s: s > 400], ids=["one checkpoint", "the last"]
)
def test_one_amount_of_training_measures_no_trade_off(kept: object) -> None:
    search = simulation.rows(MODELS, TRADE, 20)
    final = search[(search.strategy != "best_of_n") | kept(search.training_step)]  # type: ignore[operator]
    assert {claim.verdict for claim in _judge(final, FACTS)} == {"not yet measured"}
    assert tradeoff.table(final, FACTS, RULES).empty
    (claim,) = _judge(simulated.search([], 20), simulated.reward_models([]))
    assert claim.verdict == "not yet measured"


def test_the_table_tells_parameters_errors_and_splits() -> None:
    search = simulation.rows(MODELS, TRADE, 1500, spread=0)
    table = tradeoff.table(search, FACTS, RULES).set_index("quantity")
    assert set(table["dataset"]) == {"arithmetic", "programs"} and set(table["n"]) == {1500}
    # of so many problems nothing moves what is sought on a grid (no interval), of a few something
    # does
    few = tradeoff.table(simulation.rows(MODELS, TRADE, 60), FACTS, RULES).set_index("quantity")
    for name, truth in (
        ("exponent alpha of pre-training", ALPHA),
        ("exponent beta of PRM training", BETA),
    ):
        own = few.loc[name].dropna(subset="low")
        assert (own["low"] <= truth).all() and (truth <= own["high"]).all()
    told = few.dropna(subset="low")
    assert "best share of PRM training" in told.index and len(told) > len(few) / 2
    assert (told["low"] <= told["value"]).all() and (told["value"] <= told["high"]).all()
    errors = {
        name: table.loc[f"error on bases left out, {name}", "value"].to_numpy() for name in FORMS
    }
    assert all((errors["law"] < errors[name]).all() for name in ONE_BUDGET)


def test_fig7_draws_what_its_table_says() -> None:
    search = simulation.rows(MODELS, TRADE, 60)
    figure, data = fig7.draw(
        Results(search=search, reward_models=FACTS), Rules("min", {"math_to_code": 0.1})
    )
    assert data["policy"].nunique() == 1
    assert set(data["part"]) == {
        fig7.LINES,
        budget_plane.MEASURED,
        budget_plane.SURFACE,
        budget_plane.SPLIT,
    }
    data = data.astype({"base_flops": float})
    places = ["base_flops", "train_flops"]
    for axis, dataset in zip(figure.axes[2:4], ("arithmetic", "programs"), strict=True):
        own = data[data.dataset == dataset].groupby("part")
        measured, best, cells = (
            own.get_group(part)
            for part in (budget_plane.MEASURED, budget_plane.SPLIT, budget_plane.SURFACE)
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
    assert own.budgets.training[place] == pytest.approx(
        np.array(simulation.FRACTIONS) * whole, rel=1e-9
    )
    assert own.budgets.pretraining[place] == pytest.approx([6.0 * 301_000 * 500_000] * 4)
    few = pd.concat(
        [
            search[search.replicate == 1],
            search[(search.replicate == 2) & (search.training_step < 600)],
        ]
    )
    assert next(tradeoff.points(few, FACTS, "min")).values.shape == (20, 1, 36)
