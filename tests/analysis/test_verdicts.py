"""The rules that turn intervals into verdicts, and the rate at which they err."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from prmscale.analysis.estimates import mean_interval
from prmscale.analysis.intervals import Interval
from prmscale.analysis.paired import check
from prmscale.analysis.rows import subtract
from prmscale.analysis.verdicts import (
    Claim,
    Evidence,
    Rules,
    combine,
    holm,
    judge_above,
    judge_equivalence,
    judge_headlines,
)

RULES = Rules(smallest_effects={"math_to_code": 0.1}, aggregation="min")


def _found(mean: float, error: float = 0.02, n: int = 200) -> Interval:
    """What values with this mean and standard error of it are told as."""
    values = np.random.default_rng(0).normal(size=n)
    values = (values - values.mean()) / values.std(ddof=1) * np.sqrt(n)
    return mean_interval(mean + error * values)


@pytest.mark.parametrize(
    ("mean", "threshold", "said"),
    [
        (0.05, 0.0, "supported"),
        (0.05, 0.02, "inconclusive"),
        (-0.05, 0.0, "not supported"),
        (0.0, 0.0, "inconclusive"),
    ],
)
def test_a_verdict_says_what_the_interval_says(mean: float, threshold: float, said: str) -> None:
    found = _found(mean)
    assert judge_above(found, threshold).verdict(0.95) == said
    sides = {"supported": found.low > threshold, "not supported": found.high < threshold}
    assert [side for side, holds in sides.items() if holds] == ([said] if said in sides else [])


@pytest.mark.parametrize(
    ("mean", "error", "n", "said"),
    [
        (0.01, 0.02, 100, "supported"),
        (0.1, 0.02, 100, "not supported"),
        (-0.1, 0.02, 100, "not supported"),
        (0.03, 0.02, 100, "inconclusive"),
        (0.01, 0.01, 59, "inconclusive"),
        (0.01, 0.01, 60, "supported"),
    ],
)
def test_equivalence(mean: float, error: float, n: int, said: str) -> None:
    found = _found(mean, error, n)
    assert judge_equivalence(found, 0.05).verdict(0.95) == said


@pytest.mark.parametrize(
    ("mean", "error", "said"),
    [
        (0.01, 0.01, "equivalent"),
        (-0.01, 0.01, "equivalent"),
        (0.04, 0.01, "supported"),  # certain, though small
        (-0.08, 0.01, "not supported"),
        (0.02, 0.03, "inconclusive"),
    ],
)
def test_an_effect_that_is_certainly_small_is_equivalent_to_none(
    mean: float, error: float, said: str
) -> None:
    small, large = judge_above(_found(mean, error), smallest=0.05), judge_above(_found(0.3))
    assert small.verdict(0.95) == said
    assert combine(large, small).verdict(0.95) == said
    assert judge_above(_found(mean, error)).verdict(0.95) != "equivalent"


def test_a_headline_of_few_trainings_is_not_judged() -> None:
    headline = _headlines(np.array([0.001]))
    rules = replace(RULES, headlines={"c": "x"}, trainings=3)
    (few,) = judge_headlines(headline, rules)
    assert few.verdict == "inconclusive" and "3 trainings of each reward model" in few.needed
    (enough,) = judge_headlines(headline, replace(rules, trainings=2))
    assert enough.verdict == "supported" and not enough.needed


def test_holm_is_the_published_rule() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == [] and holm([0.7, 0.9]) == pytest.approx([1.0, 1.0])


def test_what_is_not_known_supports_nothing_and_hides_nothing() -> None:
    unknown, sure = judge_above(mean_interval([0.3])), Evidence(0.001, 1.0)
    for parts in ((sure, unknown), (unknown, sure)):
        assert combine(*parts).verdict(0.95) == "inconclusive"
    assert holm([float("nan"), 0.01, 0.02]) == pytest.approx([1.0, 0.03, 0.04])


def _headlines(p_values: np.ndarray) -> list[Claim]:
    """Claims on as many data sets, with these p-values that they are supported."""
    claim = Claim("c", "x", "a − b", "", 0.1, 0.0, 0.2, "inconclusive", "", 9, 2, p_refuted=1.0)
    return [replace(claim, dataset=str(i), p_supported=float(p)) for i, p in enumerate(p_values)]


def test_headlines_err_at_the_stated_rate_whatever_the_number_of_data_sets() -> None:
    generator = np.random.default_rng(4)
    for datasets in (1, 2, 5):
        wrong = plain = 0
        for _ in range(2000):
            p_values = generator.random(datasets)
            plain += bool((p_values < 0.05).any())
            judged = judge_headlines(_headlines(p_values), replace(RULES, headlines={"c": "x"}))
            wrong += any(c.verdict == "supported" for c in judged)
        print(
            f"{datasets} data sets: a false verdict in {wrong / 2000:.3f} of studies, uncorrected "
            f"{plain / 2000:.3f}"
        )
        assert wrong / 2000 <= 0.06


def test_verdicts_err_at_the_stated_rate_and_find_what_is_there() -> None:
    """Two PRMs of three seeds that differ by 2 points (standard deviation): no gain, and one of 20
    points.
    """
    generator = np.random.default_rng(3)
    said: dict[float, list[str]] = {0.0: [], 0.2: []}
    for study in range(200):
        for gain, verdicts_found in said.items():
            chance = generator.beta(2, 2, (200, 1))
            tables = [
                pd.DataFrame(
                    generator.random((200, 3))
                    < chance + shift + 0.02 * generator.normal(size=(1, 3))
                )
                for shift in (gain, 0.0)
            ]
            difference = subtract(*(table.astype(float) for table in tables))
            rules = Rules(**{**vars(RULES), "seed": study})
            (found,) = check("growth", "arithmetic", "a → b", difference, rules)
            verdicts_found.append(found.verdict)
    assert (
        said[0.0].count("supported") <= 0.05 * 200
        and said[0.0].count("not supported") <= 0.05 * 200
    )
    assert said[0.2].count("supported") >= 0.8 * 200
