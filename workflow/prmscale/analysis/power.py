"""What would decide an inconclusive claim: problems and training seeds for 80 % power, if the
effect is as measured.

The variance of a mean over N problems and S seeds is p / N + s / S + i / (N S), with the variances
of problems, seeds and their interaction that the study measured (`intervals.Interval`). A larger
study's interval is that of `intervals`: what it knows of its seeds varies as a chi-squared variable
with S - 1 degrees of freedom, and its power is the chance that the effect's interval lies on one
side of the threshold. The measured effect is itself uncertain, and effects that happened to look
large need more than is said here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import stats

from prmscale.analysis.intervals import Interval

POWER = 0.80
LUCK = (np.arange(500) + 0.5) / 500  # quantiles at which a chance is averaged
MOST_PROBLEMS, MOST_SEEDS = (
    1_000_000,
    1_000,
)  # more than these, and the study is called out of reach


@dataclass(frozen=True)
class Spread:
    """Variances of one problem, of one seed and of their interaction (of the seeds: 0 where there
    is one).
    """

    problem: float
    seed: float
    interaction: float

    @classmethod
    def of(cls, found: Interval) -> Spread:
        """Those that a measured interval implies."""
        problem, seed, both = (
            e or 0.0 for e in (found.problem_error, found.seed_error, found.interaction_error)
        )
        return cls(problem**2 * found.n, seed**2 * found.seeds, both**2 * found.n * found.seeds)

    def power(self, distance: float, n: int, seeds: int, level: float) -> float:
        """Chance that the interval at `level` of n problems and so many seeds excludes a value at
        this distance.
        """
        by_problem, by_seed = self.problem / n, self.seed / seeds + self.interaction / (n * seeds)
        true = np.sqrt(by_problem + by_seed)
        if not true:
            return float(distance > 0)
        tail = (1 + level) / 2
        if seeds == 1:
            return float(stats.nct.sf(stats.t.ppf(tail, n - 1), n - 1, distance / true))
        told = by_seed * stats.chi2.ppf(LUCK, seeds - 1) / (seeds - 1)
        reach = (
            by_problem * stats.t.ppf(tail, n - 1) + told * stats.t.ppf(tail, seeds - 1)
        ) / np.sqrt(by_problem + told)
        return float(stats.norm.cdf((distance - reach) / true).mean())


def needed(found: Interval, level: float, threshold: float = 0.0) -> str:
    """What would place the interval on one side of the threshold; '' where it is there already."""
    if found.low > threshold or found.high < threshold:
        return ""
    return _in_words(
        found, partial(Spread.of(found).power, abs(found.mean - threshold), level=level)
    )


def needed_for_equivalence(found: Interval, level: float, margin: float) -> str:
    """What would place the interval within ±margin, or outside, wherever the effect is; '' where it
    is already.
    """
    if found.low > margin or found.high < -margin or (found.low > -margin and found.high < margin):
        return ""
    spread, size = Spread.of(found), abs(found.mean)

    def power(n: int, seeds: int) -> float:
        if size > margin:
            return spread.power(size - margin, n, seeds, level)
        both = sum(spread.power(margin + side, n, seeds, level) for side in (size, -size)) - 1
        return both if n * margin >= 3 else 0.0

    return _in_words(found, power)


def _in_words(found: Interval, power: Callable[[int, int], float]) -> str:
    """More problems with these seeds, more seeds on these problems, or more of both in proportion."""
    if found.problem_error is None:
        return "more than one problem"
    n, seeds = found.n, found.seeds
    problems = _smallest(lambda more: power(more, seeds), n, MOST_PROBLEMS)
    trained = _smallest(lambda more: power(n, more), seeds, MOST_SEEDS) if seeds > 1 else None
    at = f"{seeds} seed{'s' if seeds > 1 else ''}"
    ways = [f"about {problems:,} problems at {at}"] if problems else []
    ways += [f"about {trained} seeds on {n:,} problems"] if trained else []
    if problems is None and seeds > 1:
        ways.append(f"no number of problems suffices at {at}")
        most = min(MOST_PROBLEMS // n, MOST_SEEDS // seeds)
        times = None if trained else _smallest(lambda more: power(more * n, more * seeds), 1, most)
        ways += [f"about {times * n:,} problems and {times * seeds} seeds"] if times else []
    if not any("about" in way for way in ways):
        return f"out of reach: an effect this close to what it must differ from wants over {MOST_PROBLEMS:,} problems"
    return "; or ".join(ways) if problems else "; ".join(ways)


def _smallest(power: Callable[[int], float], start: int, most: int) -> int | None:
    """The smallest number of two digits and zeros from `start` to `most` with power enough; None
    where none has.

    Power need not rise all the way: the more problems, the more it rests on what few seeds can tell
    of their spread.
    """
    tried = np.ceil(np.geomspace(start, max(start, most), 200)).astype(int).tolist()
    numbers = dict.fromkeys(_rounded(number) for number in tried)
    return next((number for number in numbers if power(number) >= POWER), None)


def _rounded(number: int) -> int:
    """The next number with two digits before its zeros: more would claim to be surer than a pilot
    is.
    """
    unit = 10 ** max(len(str(number)) - 2, 0)
    return -(-number // unit) * unit
