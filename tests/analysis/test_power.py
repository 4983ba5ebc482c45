"""What would decide a claim does decide it, and verdicts err no more often than they say, on
simulated studies.
"""

from __future__ import annotations

import re

import numpy as np
import pytest

from prmscale.analysis import power
from prmscale.analysis.bases import widen
from prmscale.analysis.estimates import mean_interval, paired_difference
from prmscale.analysis.intervals import Interval
from prmscale.analysis.verdicts import EQUIVALENCE_LEVEL, judge_above, judge_equivalence

PROBLEM, SEED, BOTH = (
    0.4,
    0.03,
    0.3,
)  # standard deviations of what problems, seeds and their interaction add


def _differences(
    generator: np.random.Generator, n: int, seeds: int, effect: float, seed: float = SEED
) -> np.ndarray:
    """Differences of two PRMs (problems x seeds) whose truth is `effect`."""
    parts = ((PROBLEM, (n, 1)), (seed, (1, seeds)), (BOTH, (n, seeds)))
    return effect + sum(sd * generator.normal(size=shape) for sd, shape in parts)


def test_errors_are_told_apart() -> None:
    generator = np.random.default_rng(1)
    found = [mean_interval(_differences(generator, 100, 8, 0.1, 0.05)) for _ in range(200)]
    squares = [
        np.mean([getattr(each, name) ** 2 for each in found])
        for name in ("problem_error", "seed_error", "interaction_error")
    ]
    assert squares == pytest.approx([PROBLEM**2 / 100, 0.05**2 / 8, BOTH**2 / 800], rel=0.2)
    # together they are the variance of the mean
    assert sum(squares) == pytest.approx(np.var([each.mean for each in found]), rel=0.3)
    one = mean_interval(_differences(generator, 100, 1, 0.05))
    assert (
        one.problem_error is not None and one.seed_error is None and one.interaction_error is None
    )


@pytest.mark.parametrize(
    ("n", "seeds", "seed"),
    [(60, 1, 0.0), (200, 2, 0.0), (400, 2, 0.07), (200, 3, 0.03), (200, 5, 0.07)],
)
def test_the_stated_power_is_that_of_studies(n: int, seeds: int, seed: float) -> None:
    generator, studies = np.random.default_rng(6), 600
    spread = (
        power.Spread(PROBLEM**2, seed**2, BOTH**2)
        if seeds > 1
        else power.Spread(PROBLEM**2 + BOTH**2, 0.0, 0.0)
    )
    effect = 3 * (PROBLEM**2 / n + seed**2 / seeds + BOTH**2 / (n * seeds)) ** 0.5
    stated = spread.power(effect, n, seeds, 0.95)
    found = [
        mean_interval(_differences(generator, n, seeds, effect, seed)).low > 0
        for _ in range(studies)
    ]
    print(
        f"{n} problems, {seeds} seeds (SD {seed}): stated {stated:.3f}, simulated "
        f"{np.mean(found):.3f}"
    )
    assert np.mean(found) == pytest.approx(stated, abs=3 * (0.25 / studies) ** 0.5)


def test_bases_that_differ_count_in_the_power() -> None:
    narrow = mean_interval(_differences(np.random.default_rng(7), 400, 8, 0.0))
    wide = widen(narrow, 0.1**2 - narrow.error**2, 1000, 0.95)
    assert power.measure_power(narrow, 0.95, 0.28) > 0.99
    # 2.8 standard errors of normal estimates
    assert power.measure_power(wide, 0.95, 0.28) == pytest.approx(0.80, abs=0.01)


def _numbers(words: str) -> list[int]:
    return [int(number.replace(",", "")) for number in re.findall(r"[\d,]+\d|\d", words)]


def _measured(n: int, seeds: int, effect: float, seed: float) -> Interval:
    """The inconclusive interval of a pilot with exactly these variances."""
    errors = [PROBLEM / n**0.5, seed / seeds**0.5, BOTH / (n * seeds) ** 0.5]
    errors = (
        errors if seeds > 1 else [(PROBLEM**2 + BOTH**2) ** 0.5 / n**0.5]
    )  # one seed does not tell them apart
    return Interval(effect, effect - 0.2, effect + 0.2, n, seeds, *errors)


@pytest.mark.parametrize(
    ("seeds", "effect", "seed"), [(1, 0.04, 0.0), (3, 0.05, 0.0), (3, 0.05, 0.01)]
)
def test_the_problems_named_decide_at_the_stated_power(
    seeds: int, effect: float, seed: float
) -> None:
    """Studies of that many problems find the effect in 80 %, and those of half as many do not."""
    words = power.estimate_need(_measured(100, seeds, effect, seed), 0.95)
    wanted = _numbers(words)[0]
    assert f"about {wanted:,} problems at {seeds} seed" in words
    generator, rates = np.random.default_rng(2), []
    for n in (wanted, wanted // 2):
        found = [
            mean_interval(_differences(generator, n, seeds, effect, seed), 0.95) for _ in range(150)
        ]
        rates.append(np.mean([each.low > 0 for each in found]))
    assert 0.70 <= rates[0] <= 0.92 and rates[1] < 0.70


def test_seeds_that_differ_want_more_seeds() -> None:
    words = power.estimate_need(_measured(800, 2, 0.06, 0.05), 0.95)
    seeds = _numbers(words)[0]
    assert (
        words == f"about {seeds} seeds on 800 problems; no number of problems suffices at 2 seeds"
    )
    generator = np.random.default_rng(3)
    found = [
        mean_interval(_differences(generator, 800, seeds, 0.06, 0.05), 0.95) for _ in range(100)
    ]
    assert 0.70 <= np.mean([each.low > 0 for each in found]) <= 0.92
    both = power.estimate_need(_measured(200, 2, 0.05, 0.05), 0.95)  # here neither is enough alone
    n, seeds = _numbers(both)[1:]
    assert n / 200 == seeds / 2 > 1


def test_what_nothing_decides_is_said_to_be_out_of_reach() -> None:
    assert "out of reach" in power.estimate_need(_measured(200, 3, 1e-6, 0.03), 0.95)
    assert power.estimate_need(Interval(0.1, 0.05, 0.15, 200, 1, 0.02), 0.95) == ""


def test_equivalence_wants_the_problems_it_says() -> None:
    words = power.estimate_need_for_equivalence(
        _measured(100, 3, 0.01, 0.0), EQUIVALENCE_LEVEL, 0.05
    )
    n = _numbers(words)[0]
    said = _equivalences(0.01, n, 150)
    assert 0.70 <= said.count("supported") / 150 <= 0.92
    beyond = power.estimate_need_for_equivalence(
        _measured(100, 3, 0.1, 0.0), EQUIVALENCE_LEVEL, 0.05
    )
    assert _numbers(beyond)[0] < 10 * n  # to be told that they differ


def _equivalences(effect: float, n: int, studies: int, seed: float = 0.0) -> list[str]:
    generator, said = np.random.default_rng(4), []
    for _ in range(studies):
        a = _differences(generator, n, 3, effect, seed)
        found = paired_difference(a, np.zeros((n, 1)), EQUIVALENCE_LEVEL)
        said.append(judge_equivalence(found, 0.05).verdict(0.95))
    return said


@pytest.mark.parametrize("seed", [0.0, 0.02])
def test_equivalence_errs_at_most_at_its_rate_at_the_edge_of_the_margin(seed: float) -> None:
    """A difference of exactly the margin is called equivalent in 5 % of studies at most, one of
    zero in most.
    """
    studies = 200
    allowed = 0.05 * studies + 2 * (0.05 * 0.95 * studies) ** 0.5
    assert _equivalences(0.05, 500, studies, seed).count("supported") <= allowed


def test_equivalence_and_its_opposite_are_found() -> None:
    assert _equivalences(0.0, 1200, 60).count("supported") >= 0.8 * 60
    assert _equivalences(0.12, 1200, 60).count("not supported") >= 0.8 * 60


@pytest.mark.parametrize(
    ("threshold", "seeds", "seed"),
    [(0.0, 3, 0.02), (0.02, 3, 0.02), (0.0, 2, 0.14), (0.02, 3, 0.14)],
)
def test_a_verdict_errs_at_most_at_its_rate_at_the_threshold(
    threshold: float, seeds: int, seed: float
) -> None:
    generator, said, studies = np.random.default_rng(5), [], 400
    for _ in range(studies):
        found = mean_interval(_differences(generator, 200, seeds, threshold, seed), 0.95)
        said.append(judge_above(found, threshold).verdict(0.95))
    allowed = 0.025 * studies + 2 * (0.025 * 0.975 * studies) ** 0.5
    assert said.count("supported") <= allowed and said.count("not supported") <= allowed
