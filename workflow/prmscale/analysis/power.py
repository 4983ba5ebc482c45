"""What would decide an inconclusive claim: the problems and training seeds for 80 % power.

The effect is assumed to be as measured. The variance of a mean over N problems and S seeds is
p / N + s / S + i / (N S), with the variances of problems, seeds and their interaction that the
study measured (`intervals.Interval`). The larger study's interval is computed as in `intervals`; it
estimates the variance of its seeds with S - 1 degrees of freedom (a chi-squared variable). Power is
the chance that the interval lies on one side of the threshold. The measured effect is uncertain, so
effects that look large by chance need more than the numbers here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import stats

from prmscale.analysis.intervals import Interval, reach

POWER = 0.80
LUCK = (np.arange(500) + 0.5) / 500  # quantiles over which a chance is averaged
# a study that needs more than these is out of reach
MOST_PROBLEMS, MOST_SEEDS = 1_000_000, 1_000


@dataclass(frozen=True)
class Spread:
    """Variances of one problem, of one seed and of their interaction.

    With one seed the variances of seeds and interaction are unknown, and 0 here.
    """

    problem: float
    seed: float
    interaction: float

    @classmethod
    def from_interval(cls, found: Interval) -> Spread:
        """The variances that a measured interval implies."""
        problem, seed = found.problem_error or 0.0, found.seed_error or 0.0
        both = found.interaction_error or 0.0
        return cls(problem**2 * found.n, seed**2 * found.seeds, both**2 * found.n * found.seeds)

    def power(self, distance: float, n: int, seeds: int, level: float) -> float:
        """The chance that the interval at `level` excludes a value at this distance."""
        by_problem, by_seed = self.problem / n, self.seed / seeds + self.interaction / (n * seeds)
        true = np.sqrt(by_problem + by_seed)
        if not true:
            return float(distance > 0)
        tail = (1 + level) / 2
        if seeds == 1:
            return float(stats.nct.sf(stats.t.ppf(tail, n - 1), n - 1, distance / true))
        told = by_seed * stats.chi2.ppf(LUCK, seeds - 1) / (seeds - 1)
        half = (
            by_problem * stats.t.ppf(tail, n - 1) + told * stats.t.ppf(tail, seeds - 1)
        ) / np.sqrt(by_problem + told)
        return float(stats.norm.cdf((distance - half) / true).mean())


def measure_power(found: Interval, level: float, smallest: float | None) -> float:
    """The chance that a study of this size, with the variances that this one measured, tells a true
    effect of `smallest` from none; NaN where either is unknown.
    """
    if not smallest or found.problem_error is None:
        return float("nan")
    if found.base_error is not None:  # what more bases tell is not known: the interval is as found
        return float(stats.norm.cdf((smallest - reach(found.parts, level)) / found.error))
    return Spread.from_interval(found).power(smallest, found.n, found.seeds, level)


def estimate_need(found: Interval, level: float, threshold: float = 0.0) -> str:
    """What would place the interval on one side of the threshold; '' where it already is."""
    if found.low > threshold or found.high < threshold:
        return ""
    distance = abs(found.mean - threshold)
    return _describe(found, partial(Spread.from_interval(found).power, distance, level=level))


def estimate_need_for_equivalence(found: Interval, level: float, margin: float) -> str:
    """What would place the interval within ±margin or outside, where the effect is; '' where it
    already is.
    """
    if found.low > margin or found.high < -margin or (found.low > -margin and found.high < margin):
        return ""
    spread, size = Spread.from_interval(found), abs(found.mean)

    def power(n: int, seeds: int) -> float:
        if size > margin:
            return spread.power(size - margin, n, seeds, level)
        both = sum(spread.power(margin + side, n, seeds, level) for side in (size, -size)) - 1
        return both if n * margin >= 3 else 0.0

    return _describe(found, power)


def _describe(found: Interval, power: Callable[[int, int], float]) -> str:
    """More problems with these seeds, more seeds on these problems, or more of both."""
    if found.problem_error is None:
        return "more than one problem"
    n, seeds = found.n, found.seeds
    at = f"{seeds} seed{'s' if seeds > 1 else ''}"
    problems = _find_smallest(lambda more: power(more, seeds), n, MOST_PROBLEMS)
    trained = _find_smallest(lambda more: power(n, more), seeds, MOST_SEEDS) if seeds > 1 else None
    more_seeds = f"about {trained} seeds on {n:,} problems"
    if problems:
        more_problems = f"about {problems:,} problems at {at}"
        return f"{more_problems}; or {more_seeds}" if trained else more_problems
    too_few = f"no number of problems suffices at {at}"
    if trained:
        return f"{more_seeds}; {too_few}"
    if seeds > 1:
        most = min(MOST_PROBLEMS // n, MOST_SEEDS // seeds)
        if times := _find_smallest(lambda more: power(more * n, more * seeds), 1, most):
            return f"{too_few}; about {times * n:,} problems and {times * seeds} seeds"
    return (
        "out of reach: an effect this close to what it must differ from needs over "
        f"{MOST_PROBLEMS:,} problems"
    )


def _find_smallest(power: Callable[[int], float], start: int, most: int) -> int | None:
    """The smallest rounded number from `start` to `most` with enough power; None if there is none.

    Power is not monotone: the more problems, the more it depends on what few seeds tell of their
    spread.
    """
    tried = np.ceil(np.geomspace(start, max(start, most), 200)).astype(int).tolist()
    numbers = dict.fromkeys(_round_up(number) for number in tried)
    return next((number for number in numbers if power(number) >= POWER), None)


def _round_up(number: int) -> int:
    """The next number with two significant digits, as precise as a pilot can be."""
    unit = 10 ** max(len(str(number)) - 2, 0)
    return -(-number // unit) * unit
