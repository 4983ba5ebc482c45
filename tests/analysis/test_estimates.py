"""One interval for all: it covers what it says, wastes little, pairs what it should, and refuses
nothing silently.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from simulated_designs import DESIGNS, SPREADS, outcomes

from prmscale.analysis.estimates import (
    SHARE,
    UNBOUNDED,
    curve,
    intervals_of,
    mean_interval,
    paired_difference,
    statistic_interval,
)
from prmscale.analysis.intervals import TOO_FEW_SEEDS, Interval
from prmscale.errors import UserError

STUDIES = 200  # of a cell; 2,000 of a between-seed SD


def _studies(design: str, problems: int, trained: int, spread: float) -> Iterator[Interval]:
    """The intervals of simulated studies whose truth is 0."""
    generator = np.random.default_rng([problems, trained, round(100 * spread), len(design)])
    for _ in range(STUDIES):
        yield mean_interval(DESIGNS[design](generator, problems, trained, spread))


@pytest.mark.parametrize("trained", [2, 3, 5])
def test_95_percent_cover_95_percent_whatever_seeds_and_problems_do(trained: int) -> None:
    """Every design at 200 and 500 problems and between-seed SDs of 0, 3, 7 and 14 points; the truth
    is 0.

    Half of the nominal 5 % err towards "supported".
    """
    for spread in SPREADS:
        rates = []
        for design in DESIGNS:
            for problems in (200, 500):
                found = list(_studies(design, problems, trained, spread))
                rates.append(
                    (
                        np.mean([i.low <= 0 <= i.high for i in found]),
                        np.mean([i.low > 0 for i in found]),
                    )
                )
                print(
                    f"{trained} seeds, SD {spread:.2f}, {problems}, {design}: {rates[-1][0]:.3f}, "
                    f"{rates[-1][1]:.3f}"
                )
        covered, supported = np.mean(rates, axis=0)
        print(
            f"{trained} seeds, SD {spread:.2f}: covered {covered:.3f}, false supported "
            f"{supported:.3f}"
        )
        assert covered >= 0.93 and supported <= 0.035
        assert min(rate for rate, _ in rates) >= 0.93 - 3 * (0.93 * 0.07 / STUDIES) ** 0.5


@pytest.mark.parametrize("trained", [2, 3, 5])
def test_it_finds_effects_as_often_as_t_of_the_seeds_means_where_that_is_valid(
    trained: int,
) -> None:
    """Of differences that problems move by chance alone, plain t covers. Elsewhere it does not, and
    one that takes all variance to be the seeds' wastes more.
    """
    generator, tail = np.random.default_rng(3), stats.t.ppf(0.975, trained - 1)
    ours, plain, cautious = [], [], []
    for _ in range(1500):
        values = generator.normal(0.06, 0.3, (100, trained)) + generator.normal(
            0, 0.02, (1, trained)
        )
        found, seeds = mean_interval(values, within=UNBOUNDED), values.mean(axis=0)
        ours.append(found.low > 0)
        plain.append(seeds.mean() - tail * seeds.std(ddof=1) / trained**0.5 > 0)
        cautious.append(found.mean - tail * found.error > 0)
    print(
        f"{trained} seeds: power {np.mean(ours):.3f}, plain t {np.mean(plain):.3f}, all seeds' "
        f"{np.mean(cautious):.3f}"
    )
    assert np.mean(ours) >= np.mean(plain) - 0.015
    assert np.mean(ours) >= np.mean(cautious)


def test_one_seed_is_the_t_interval_of_problems_and_no_problem_effect_that_of_seeds() -> None:
    generator = np.random.default_rng(4)
    values = generator.normal(size=1000)
    found, wanted = mean_interval(values), stats.ttest_1samp(values, 0.1)
    low, high = wanted.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((low, high), rel=0.01, abs=5e-4)
    assert found.p(0.1) == pytest.approx(wanted.pvalue, rel=0.1)
    seeds = np.array([0.1, 0.4, 0.2])
    found = statistic_interval(seeds[None, :, None], lambda means: means[:, 0])
    low, high = stats.ttest_1samp(seeds, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((low, high))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4), st.floats(-0.5, 0.5), st.floats(0.001, 0.999))
def test_p_and_interval_agree(seed: int, trained: int, threshold: float, alpha: float) -> None:
    generator = np.random.default_rng(seed)
    found = mean_interval(
        generator.normal(size=(1, trained)) * 0.05 + generator.normal(size=(20, trained))
    )
    at = found.at(1 - alpha)
    assert at.mean == found.mean and at.low <= at.mean <= at.high
    assert (found.p(threshold) < alpha) == (not at.low <= threshold <= at.high)
    assert found.at(0.95) == found and found.p(found.mean) == 1


@settings(max_examples=50, deadline=None)
@given(st.lists(st.one_of(st.floats(0, 1), st.just(float("nan"))), min_size=1, max_size=40))
def test_interval_holds_the_mean_and_ignores_missing_values(values: list[float]) -> None:
    known = [v for v in values if not np.isnan(v)]
    if not known:
        with pytest.raises(UserError, match="no problem has a value"):
            mean_interval(values)
        return
    found = mean_interval(values, within=SHARE)
    assert repr(found) == repr(mean_interval(known, within=SHARE))  # NaN is not equal to itself
    assert found.n == len(known) and found.mean == pytest.approx(np.mean(known))
    if found.n == 1:
        assert np.isnan([found.low, found.high, found.error, found.p()]).all()
    else:
        assert 0 <= found.low <= found.mean + 1e-9 and found.mean - 1e-9 <= found.high <= 1


@pytest.mark.parametrize("trained", [1, 3])
def test_problems_that_are_all_alike_are_not_certain(trained: int) -> None:
    """About as the rule of three: of n problems without a failure, 3 in n may fail."""
    for n in (20, 200):
        found = paired_difference(np.ones((n, trained)), np.ones((n, 1)))
        assert found.mean == 0 and 2.5 / n < found.high < 4 / n and found.low == -found.high
    assert mean_interval(np.ones(200), within=SHARE).high == 1


def test_few_problems_that_differ_are_judged_as_by_the_sign_test() -> None:
    """Two strategies that differ on so many of 500 problems, at random: five that agree are no
    evidence (p = .06).
    """
    for differ in range(1, 13):
        for wins in range(differ + 1):
            difference = np.zeros(500)
            difference[:wins], difference[wins:differ] = 1, -1
            sign = stats.binomtest(wins, differ).pvalue
            assert (mean_interval(difference).p() < 0.05) == (sign < 0.05), (differ, wins)


def test_two_seeds_that_matter_are_said_to_be_too_few() -> None:
    generator = np.random.default_rng(5)
    problems, noise = generator.normal(size=(300, 1)), 0.01 * generator.normal(size=(300, 2))
    assert mean_interval(noise + np.array([0.0, 0.1])).caveat == TOO_FEW_SEEDS
    assert mean_interval(problems + noise).caveat == ""
    assert mean_interval(noise[:, :1] + np.array([0.0, 0.1, 0.2])).caveat == ""


def test_missing_cells_leave_the_seeds_effects_alone() -> None:
    """A seed that is better by .2 and lacks the hard problems is better by .2, and not by .45."""
    generator = np.random.default_rng(6)
    values = (
        generator.random((200, 1)) + np.array([[0.0, 0.2]]) + 0.01 * generator.normal(size=(200, 2))
    )
    sparse = np.where((values < np.median(values)) & [[False, True]], np.nan, values)
    found = mean_interval(sparse)
    assert found.seed_error == pytest.approx(0.1, rel=0.15)  # the other seed counts more
    with_seed_of_its_own = np.where(np.arange(200)[:, None] % 2 == [[0, 1]], values, np.nan)
    assert (
        mean_interval(with_seed_of_its_own).seed_error is None
    )  # seeds are not to be told from problems


def _table() -> pd.DataFrame:
    generator = np.random.default_rng(7)
    rows = []
    for dataset, problems in (("sums", 40), ("programs", 25)):
        for problem in range(problems):
            right = generator.random()
            rows += [
                {
                    "dataset": dataset,
                    "problem_id": f"{problem}",
                    "budget": b,
                    "replicate": s,
                    "correct": right,
                }
                for b in (1, 8)
                for s in (0, 1)
            ]
    return pd.DataFrame(rows)


def test_curve_has_a_row_a_group_whatever_the_order() -> None:
    table = _table()
    found = curve(table, ["dataset", "budget"])
    assert list(found.columns) == ["dataset", "budget", "mean", "low", "high", "n", "seeds"]
    assert found.set_index(["dataset", "budget"])["n"].to_dict() == {
        ("programs", 1): 25, ("programs", 8): 25, ("sums", 1): 40, ("sums", 8): 40,
    }  # fmt: skip
    alone = curve(
        table[(table.dataset == "sums") & (table.budget == 8)].sample(frac=1, random_state=0),
        ["dataset"],
    )
    wanted = found[(found.dataset == "sums") & (found.budget == 8)].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, wanted.drop(columns="budget"))


def test_data_sets_are_strata() -> None:
    """The variance of a mean over two data sets is that of their weighted sum: what sets them apart
    is no luck.
    """
    table = _table().assign(correct=lambda t: t.correct / 2 + 0.5 * (t.dataset == "sums"))
    whole = intervals_of(table, ["budget"])[1,]
    parts = intervals_of(table[table.budget == 1], ["dataset"])
    weights = np.array([parts["programs",].n, parts["sums",].n]) / whole.n
    errors = np.array([parts["programs",].error, parts["sums",].error])
    assert whole.n == 65 and whole.error == pytest.approx(np.hypot(*(weights * errors)), rel=0.04)


def test_curve_leaves_missing_values_out() -> None:
    table = _table()
    table.loc[(table.dataset == "sums") & (table.problem_id == "3"), "correct"] = np.nan
    found = curve(table, ["dataset"]).set_index("dataset")
    assert found.loc["sums", "n"] == 39
    assert found.loc["sums", "mean"] == pytest.approx(table[table.dataset == "sums"].correct.mean())


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (_table().iloc[:0], "no row is left"),
        (_table().drop(columns="correct"), "no column 'correct'"),
        (_table().assign(budget=np.nan), "missing values"),
    ],
)
def test_curve_says_what_is_wrong(table: pd.DataFrame, said: str) -> None:
    with pytest.raises(UserError, match=said):
        curve(table, ["dataset", "budget"])


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="same problems"):
        paired_difference([1, 0], [1])
    with pytest.raises(ValueError, match="and seeds"):
        paired_difference(np.zeros((3, 2)), np.zeros((3, 3)))


def test_problems_and_seeds_are_paired() -> None:
    """A shift of both groups leaves their difference alone and widens the groups' intervals."""
    generator = np.random.default_rng(10)
    problems, shift = generator.random((100, 1)), np.array([[-0.2, 0.0, 0.2]])
    difference = paired_difference(problems + shift, 0.5 * problems + shift)
    assert difference.high - difference.low < 0.1
    whole, alone = mean_interval(problems + shift), mean_interval(problems)
    assert whole.high - whole.low > 2 * (alone.high - alone.low)


def test_curve_and_mean_are_one_interval() -> None:
    """In the table's long form as in arrays, whatever the order of its rows; groups of one seed
    stay as they are.
    """
    values = outcomes(np.random.default_rng(12), 60, 3, 0.05)
    rows = [
        {"problem_id": f"{p:02d}", "replicate": s + 1, "kind": "prm", "correct": values[p, s]}
        for p in range(60)
        for s in range(3)
    ]
    rows += [
        {"problem_id": f"{p:02d}", "replicate": 1, "kind": "one", "correct": values[p, 0]}
        for p in range(60)
    ]
    found = curve(pd.DataFrame(rows).sample(frac=1, random_state=0), ["kind"]).set_index("kind")
    for kind, table in (("prm", values), ("one", values[:, 0])):
        wanted = mean_interval(table, within=SHARE)
        numbers = [wanted.mean, wanted.low, wanted.high, wanted.n, wanted.seeds]
        assert found.loc[kind].tolist() == pytest.approx(numbers)
        linear = statistic_interval(table.reshape(60, -1)[..., None], lambda means: means[:, 0])
        assert (linear.low, linear.high) == pytest.approx((wanted.low, wanted.high))


def test_a_statistic_that_nothing_moves_has_no_made_up_interval() -> None:
    values = (np.random.default_rng(0).random((200, 3, 2)) < 0.6).astype(float)
    found = statistic_interval(values, lambda means: 0 * means[:, 0] - 0.1)
    assert found.mean == -0.1 and np.isnan([found.low, found.high]).all()


def test_two_seeds_that_happen_to_be_equal_make_nothing_surer_than_problems_alone() -> None:
    """Seeds' means that differ by 0 while problem by problem they differ: luck, and no knowledge of
    other seeds.
    """
    half = np.repeat([1.0, -1.0, 0.0, 0.0], 25)
    table = np.column_stack([half + 0.05, -half + 0.05]) + np.tile([0.5, -0.5], 50)[:, None]
    both, alone = (
        mean_interval(table, within=(-2, 2)),
        mean_interval(table.mean(axis=1), within=(-2, 2)),
    )
    assert both.high - both.low >= (alone.high - alone.low) * (1 - 1e-9)
    assert both.p() >= alone.p() * (1 - 1e-9)
