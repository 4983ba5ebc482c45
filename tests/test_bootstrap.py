"""The paired bootstrap covers what it says, pairs what it should, and refuses nothing silently."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prmscale.analysis.bootstrap import Interval, curve, mean_interval, paired_difference, resampled_means
from prmscale.errors import UserError


@pytest.mark.parametrize(("problems", "truth"), [(30, 0.4), (150, 0.75)])
def test_nominal_95_percent_covers_the_truth(problems: int, truth: float) -> None:
    """Accuracies of problems of varying difficulty: the interval holds the true mean in about 95 % of studies."""
    generator = np.random.default_rng(5)
    hits, studies = 0, 600
    for study in range(studies):
        chances = generator.beta(4 * truth, 4 * (1 - truth), problems)
        found = mean_interval(generator.binomial(8, chances) / 8, 0.95, 400, study)
        hits += found.low <= truth <= found.high
    assert 0.92 <= hits / studies <= 0.98


def test_paired_difference_covers_and_is_narrower_than_unpaired() -> None:
    """Two strategies on the same hard and easy problems."""
    generator = np.random.default_rng(6)
    hits, studies, widths = 0, 400, []
    for study in range(studies):
        chances = generator.uniform(0, 0.8, 100)
        a, b = (generator.binomial(8, chances + gain) / 8 for gain in (0.1, 0.0))
        found = paired_difference(a, b, 0.95, 400, study)
        hits += found.low <= 0.1 <= found.high
        alone = mean_interval(a, 0.95, 400, study)
        widths.append((found.high - found.low) / (alone.high - alone.low))
    assert 0.92 <= hits / studies <= 0.98
    assert np.mean(widths) < 1.0  # unpaired it would be 1.41


@settings(max_examples=50, deadline=None)
@given(st.lists(st.one_of(st.floats(0, 1), st.just(float("nan"))), min_size=1, max_size=40))
def test_interval_holds_the_mean_and_ignores_missing_values(values: list[float]) -> None:
    known = [v for v in values if not np.isnan(v)]
    if not known:
        with pytest.raises(UserError, match="no problem has a value"):
            mean_interval(values, draws=50)
        return
    found = mean_interval(values, draws=200)
    assert repr(found) == repr(mean_interval(known, draws=200))  # NaN is not equal to itself
    assert found.n == len(known) and found.mean == pytest.approx(np.mean(known))
    if found.n == 1:
        assert np.isnan(found.low) and np.isnan(found.high)
    else:
        assert min(known) - 1e-9 <= found.low <= found.high <= max(known) + 1e-9


def _table() -> pd.DataFrame:
    generator = np.random.default_rng(7)
    rows = []
    for dataset, problems in (("sums", 40), ("programs", 25)):
        for problem in range(problems):
            right = generator.random()
            rows += [
                {"dataset": dataset, "problem_id": f"{problem}", "budget": b, "seed": s, "correct": right}
                for b in (1, 8)
                for s in (0, 1)
            ]
    return pd.DataFrame(rows)


def test_curve_pairs_the_groups() -> None:
    """Groups with equal values get equal intervals: they saw the same resamples; and so does a call on one of them."""
    table = _table()
    found = curve(table, ["dataset", "budget"], draws=300)
    assert list(found.columns) == ["dataset", "budget", "mean", "low", "high", "n", "seeds"]
    assert found.set_index(["dataset", "budget"])["n"].to_dict() == {
        ("programs", 1): 25, ("programs", 8): 25, ("sums", 1): 40, ("sums", 8): 40,
    }  # fmt: skip
    for _, pair in found.groupby("dataset"):
        assert len(pair[["mean", "low", "high"]].drop_duplicates()) == 1
    alone = curve(table[(table.dataset == "sums") & (table.budget == 8)], ["dataset", "budget"], draws=300)
    wanted = found[(found.dataset == "sums") & (found.budget == 8)].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, wanted)


def test_curve_is_deterministic_whatever_the_order() -> None:
    table = _table()
    shuffled = table.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(curve(table, ["dataset"], draws=100), curve(shuffled, ["dataset"], draws=100))
    assert (
        curve(table, ["dataset"], draws=100, seed=1).low.tolist() != curve(table, ["dataset"], draws=100).low.tolist()
    )


def test_curve_leaves_missing_values_out() -> None:
    table = _table()
    table.loc[(table.dataset == "sums") & (table.problem_id == "3"), "correct"] = np.nan
    found = curve(table, ["dataset"], draws=100).set_index("dataset")
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
    assert paired_difference([1, 1, 1], [0, 0, 0], draws=50) == Interval(1.0, 1.0, 1.0, 3, problem_error=0.0)


def _outcomes(generator: np.random.Generator, problems: int, seeds: int, sd: float, gain: float = 0.0) -> np.ndarray:
    """Right or wrong (problems x seeds): problems, seeds (by `sd`) and their interaction move the chance (logits)."""
    logits = 1.5 * generator.normal(size=(problems, 1)) + sd * generator.normal(size=(1, seeds))
    logits = logits + generator.normal(size=(problems, seeds)) + gain
    return (generator.random(logits.shape) < 1 / (1 + np.exp(-logits))).astype(float)


@pytest.mark.parametrize(("seeds", "sd"), [(3, 0.0), (3, 0.2), (3, 0.4), (5, 0.2)])
def test_intervals_cover_problems_and_seeds(seeds: int, sd: float) -> None:
    """The truth is .5 by symmetry; seeds of sd .2 (logits) are 3 to 4 points apart."""
    generator = np.random.default_rng(8)
    hits, blind, studies = 0, 0, 400
    for study in range(studies):
        values = _outcomes(generator, 200, seeds, sd)
        found = mean_interval(values, 0.95, 400, study)
        hits += found.low <= 0.5 <= found.high
        alone = mean_interval(values.mean(axis=1), 0.95, 400, study)
        blind += alone.low <= 0.5 <= alone.high
    assert found.seeds == seeds and found.n == 200
    assert 0.90 <= hits / studies <= 0.985  # without any seed variance it errs towards wide
    if sd >= 0.4:
        assert blind / studies < 0.85  # what an interval over problems alone would claim


def test_difference_against_a_control_covers_the_seeds() -> None:
    """A PRM of three seeds against one column that has none: the truth by a large sample of seeds and problems."""
    generator = np.random.default_rng(9)
    truth = 0.5 - (_outcomes(generator, 400, 400, 0.3, -1.0)).mean()
    hits, studies = 0, 300
    for study in range(studies):
        control = generator.random(200) < 0.5
        found = paired_difference(control, _outcomes(generator, 200, 3, 0.3, -1.0), 0.95, 400, study)
        hits += found.low <= truth <= found.high
    assert 0.90 <= hits / studies <= 0.985


def test_seeds_are_paired() -> None:
    """Seeds that shift two groups alike leave their difference alone, and the groups' intervals wider."""
    generator = np.random.default_rng(10)
    problems, shift = generator.random((100, 1)), np.array([[-0.2, 0.0, 0.2]])
    difference = paired_difference(problems + shift, 0.5 * problems + shift)
    assert difference.high - difference.low < 0.1
    whole, alone = mean_interval(problems + shift), mean_interval(problems)
    assert whole.high - whole.low > 2 * (alone.high - alone.low)


def test_one_column_is_one_value_a_problem() -> None:
    values = np.random.default_rng(11).random(50)
    assert mean_interval(values[:, None]) == mean_interval(values)


def test_curve_resamples_seeds_where_there_are_several() -> None:
    """In the table's long form as in arrays, whatever the order of its rows; groups of one seed stay as they are."""
    values = _outcomes(np.random.default_rng(12), 60, 3, 0.5)
    rows = [
        {"problem_id": f"{p:02d}", "seed": s + 1, "kind": "prm", "correct": values[p, s]}
        for p in range(60)
        for s in range(3)
    ]
    rows += [{"problem_id": f"{p:02d}", "seed": 1, "kind": "one", "correct": values[p, 0]} for p in range(60)]
    table = pd.DataFrame(rows).sample(frac=1, random_state=0)
    found = curve(table, ["kind"]).set_index("kind")
    for kind, wanted in (("prm", mean_interval(values)), ("one", mean_interval(values[:, 0]))):
        assert found.loc[kind, ["mean", "low", "high"]].tolist() == pytest.approx(
            [wanted.mean, wanted.low, wanted.high]
        )
        assert found.loc[kind, ["n", "seeds"]].tolist() == [wanted.n, wanted.seeds]


def test_many_groups_take_seconds_at_most() -> None:
    values = np.random.default_rng(13).random((500, 3, 300))
    assert resampled_means(values, draws=2000).shape == (2000, 300)
