"""The paired bootstrap covers what it says, pairs what it should, and refuses nothing silently."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prmscale.analysis.bootstrap import Interval, curve, mean_interval, paired_difference
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
    assert list(found.columns) == ["dataset", "budget", "mean", "low", "high", "n"]
    assert found.set_index(["dataset", "budget"])["n"].to_dict() == {
        ("programs", 1): 25, ("programs", 8): 25, ("sums", 1): 40, ("sums", 8): 40,
    }  # fmt: skip
    for _, pair in found.groupby("dataset"):
        assert len(pair[["mean", "low", "high"]].drop_duplicates()) == 1
    alone = curve(table[(table.dataset == "sums") & (table.budget == 8)], ["dataset", "budget"], draws=300)
    wanted = found[(found.dataset == "sums") & (found.budget == 8)].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, wanted)


def test_curve_averages_seeds_and_is_deterministic() -> None:
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
    assert paired_difference([1, 1, 1], [0, 0, 0], draws=50) == Interval(1.0, 1.0, 1.0, 3)
