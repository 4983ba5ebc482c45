"""How far scores are from probabilities, where the truth is known by simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import simulated_steps

from prmscale.analysis import calibration

ONE = ("arithmetic",)


def compare(**settings: object) -> pd.DataFrame:
    steps = simulated_steps.reliability(["prm"], datasets=ONE, **settings)  # type: ignore[arg-type]
    return calibration.compare(steps)


def plain_error(rows: pd.DataFrame) -> float:
    """The textbook's error in deciles of the score, every problem with the same weight."""
    edges = np.quantile(rows["score"], np.arange(1, 10) / 10)
    share = 1 / rows.groupby("problem_id")["score"].transform("size")
    weighted = (rows["score"] - rows["right"]) * share / rows["problem_id"].nunique()
    return float(weighted.groupby(np.searchsorted(edges, rows["score"])).sum().abs().sum())


def find_truth(**settings: float) -> float:
    return plain_error(compare(problems=20_000, **settings))


def test_the_error_from_above_is_the_plain_error_of_the_mean_training() -> None:
    rows = compare(problems=30, seeds=2, over=0.7, spread=0.5)
    wanted = np.mean([plain_error(of_one) for _, of_one in rows.groupby("replicate")])
    found = calibration.calibration_error(rows, 0.95)
    assert found.most.mean == pytest.approx(wanted) and found.most.n == 30
    assert found.least.n == 24 and found.interval.n == 30  # a fifth gives signs alone
    assert found.interval.low == found.least.low and found.interval.high >= found.most.high


@pytest.mark.parametrize(
    "settings", [{}, {"over": 1.0}, {"slope": 1.6}], ids=["calibrated", "over", "extreme"]
)
def test_intervals_hold_the_true_error_and_noise_is_not_taken_for_one(
    settings: dict[str, float],
) -> None:
    truth = 0.0 if not settings else find_truth(**settings)
    studies = 40
    found = [
        calibration.calibration_error(compare(problems=40, seed=seed, **settings), 0.95)
        for seed in range(studies)
    ]
    held = np.mean([each.interval.low <= truth <= each.interval.high for each in found])
    least, most = (np.mean([getattr(e, side).mean for e in found]) for side in ("least", "most"))
    print(f"true {truth:.3f}, from below {least:.3f}, from above {most:.3f}, held {held:.2f}")
    assert held >= 0.9
    assert least <= truth + 0.01 and truth < most
    if not settings:
        assert abs(least) < 0.01 < 0.02 < most


def test_equal_scores_share_a_range_and_ranges_hold_equally_many() -> None:
    assert calibration.ranges(pd.Series(np.linspace(0, 1, 100))).tolist() == sorted(
        [*range(10)] * 10
    )
    crowded = calibration.ranges(pd.Series([0.0] * 50 + [1.0] * 50))
    assert len(set(crowded[:50])) == len(set(crowded[50:])) == 1


def test_every_measure_is_a_mean_over_problems_and_depth_shows() -> None:
    rows = compare(problems=200, seeds=2, deep=3.0)
    table = calibration.measure(rows, 0.95)
    means = table[table["position"] == "all"].set_index("measure")["mean"]
    assert means["overconfidence"] == pytest.approx(means["score"] - means["right"])
    squares = ((rows["score"] - rows["right"]) ** 2).groupby(rows["problem_id"]).mean()
    assert means["brier"] == pytest.approx(squares.mean())
    assert means["overconfidence"] <= means["calibration_error"] + 0.01
    by_quarter = table[table["position"] != "all"].set_index("position")["mean"]
    gaps = by_quarter.loc[list(calibration.QUARTERS)].tolist()
    assert gaps == sorted(gaps) and abs(gaps[0]) < 0.05 < 0.1 < gaps[-1]
    assert (table["low"] <= table["mean"]).all() and (table["mean"] <= table["high"]).all()
    assert calibration.measure(rows.iloc[:0], 0.95).columns.tolist() == calibration.COLUMNS


def test_values_are_of_validation_and_truth_of_the_policys_tests_and_published_ones() -> None:
    steps = simulated_steps.reliability(["prm"], 4, datasets=ONE)
    held_out = steps.assign(split="validation", policy="other", value=0.5)
    other, published = steps.assign(policy="other"), steps.assign(policy="", dataset="bench")
    every = pd.concat([steps, held_out, other, published])
    kept = calibration.keep_policy(every, pd.DataFrame({"policy": ["s64"]}))
    assert len(kept) == 3 * len(steps)
    compared = calibration.compare(kept).groupby(["against", "policy"])
    assert compared["right"].count().to_dict() == {
        ("truth", "s64"): len(steps), ("truth", ""): len(steps), ("rollouts", "other"): len(steps),
    }  # fmt: skip
    assert compared["right"].max()["rollouts", "other"] == 0.5
