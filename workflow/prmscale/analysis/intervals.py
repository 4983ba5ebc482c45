"""An estimate, its standard errors, and the interval and p-value that follow from both: one method for all.

The variance of an estimate has two parts: that of problems, known from n problems, and that of training seeds (with
their interaction with problems), known from S seeds. The first has n - 1 degrees of freedom, the second S - 1, and with
two or three seeds these are what matters: t at 95 % is 12.7 with one degree of freedom and 4.3 with two. The reach of
an interval is t standard errors, with a t between those of the two parts, weighted by their variances (Cochran and Cox
1957, Experimental Designs, 2nd edition, section 4.14, for the Behrens-Fisher problem):

    reach = (a t[n - 1] + b t[S - 1]) / sqrt(a + b),    a, b: variances by problems and by seeds

Where seeds are all that matters that is the plain t interval of the seeds' means; where problems are, or with one seed,
that of the problems' means.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq
from scipy.special import stdtrit

TOO_FEW_SEEDS = "two seeds cannot carry a claim about training"


@dataclass(frozen=True)
class Part:
    """A part of an estimate's variance, known with so many degrees of freedom."""

    variance: float
    freedom: float


@dataclass(frozen=True)
class Interval:
    """An estimate from `n` problems and `seeds` training seeds, and the interval it is known to.

    The standard errors are None where they are not known: of one problem, and of seeds and interaction with one seed
    (the problems' then holds the interaction too). `parts` are what the interval is made of (none: it is not known),
    `within` the least and the greatest value there can be.
    """

    mean: float
    low: float
    high: float
    n: int
    seeds: int = 1
    problem_error: float | None = None
    seed_error: float | None = None
    interaction_error: float | None = None
    parts: tuple[Part, ...] = ()
    within: tuple[float, float] = (-np.inf, np.inf)

    @property
    def error(self) -> float:
        """The standard error of the estimate; NaN where it is not known."""
        return float(np.sqrt(sum(part.variance for part in self.parts))) if self.parts else float("nan")

    def at(self, level: float) -> Interval:
        """The same estimate with its interval at another level."""
        half = reach(self.parts, level)
        low, high = (float(np.clip(self.mean + side, *self.within)) for side in (-half, half))
        return replace(self, low=low, high=high)

    def p(self, threshold: float = 0.0) -> float:
        """Two-sided p-value of an effect of `threshold`: the interval at level 1 - a leaves it out where p < a."""
        distance = abs(self.mean - threshold)
        if not self.parts:
            return float("nan")
        if not self.error or not distance:
            return float(distance == 0)

        def short(log_p: float) -> float:
            return reach(self.parts, 1 - np.exp(log_p)) - distance

        least, most = -34.0, -1e-12  # below the one 1 - p is 1, above the other p is
        if short(least) <= 0 or short(most) >= 0:
            return float(np.exp(least if short(least) <= 0 else most))
        return float(np.exp(brentq(short, least, most)))

    @property
    def caveat(self) -> str:
        """That two seeds are too few, where there are two and the interval owes more to them than to problems."""
        if self.seeds != 2 or len(self.parts) < 2:
            return ""
        by_problem, by_seed = (part.variance * float(stdtrit(part.freedom, 0.975)) for part in self.parts)
        return TOO_FEW_SEEDS if by_seed > by_problem else ""


def interval(
    mean: float,
    level: float,
    n: int,
    seeds: int,
    parts: tuple[Part, ...],
    errors: tuple[float | None, float | None, float | None],
    within: tuple[float, float],
) -> Interval:
    """The interval at this level of an estimate whose variance has these parts."""
    unknown = Interval(mean, float("nan"), float("nan"), n, seeds, *errors, parts, within)
    return unknown.at(level)


def reach(parts: tuple[Part, ...], level: float) -> float:
    """Half the width of the interval at this level; NaN where no part is known."""
    if not parts:
        return float("nan")
    total = sum(part.variance for part in parts)
    weighted = sum(part.variance * float(stdtrit(part.freedom, (1 + level) / 2)) for part in parts)
    return weighted / float(np.sqrt(total)) if total else 0.0
