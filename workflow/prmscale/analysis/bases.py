"""Bases as a random factor: how far a number would move on other bases, beside other problems and
training seeds.

Problems and seeds give a number its interval (`estimates`). Bases add a variance: that of a mean
over bases, of a regression's residuals, or of the jackknife, which leaves each base out once (Efron
and Stein 1981, Annals of Statistics 9, 586). It is one more part of the total variance, with its
number of degrees of freedom (`intervals`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from prmscale.analysis.estimates import Array, statistic_interval
from prmscale.analysis.intervals import Interval, Part
from prmscale.analysis.verdicts import Rules

# of the points that take part (true or false) and rows of their means
Statistic = Callable[[Array, Array], Array]


def widen(
    found: Interval, variance: float, freedom: int, level: float, shared: float = 1.0
) -> Interval:
    """The interval with the bases' variance as one more part; of the other parts only the share
    `shared` counts.

    A number that does not vary at all (it lies at the end of the range searched) has no interval:
    low and high are NaN.
    """
    parts = tuple(replace(part, variance=shared * part.variance) for part in found.parts)
    least = replace(found.least, variance=shared * found.least.variance)
    parts = (*parts, Part(variance, freedom))
    wider = replace(found, parts=parts, least=least, base_error=float(np.sqrt(variance)))
    return wider.at(level) if wider.error > 1e-12 else replace(found, parts=()).at(level)


def jackknife(values: Array, bases: Sequence[str], statistic: Statistic, rules: Rules) -> Interval:
    """A statistic of the means of `values` (problems x seeds x points), with its interval over
    problems, seeds and the points' bases.
    """
    names = np.asarray(bases)
    every = np.ones(len(names), dtype=bool)
    found = statistic_interval(values, partial(statistic, every), rules.level)
    means = values.mean(axis=(0, 1))[None]
    left = np.array([float(statistic(names != base, means)[0]) for base in dict.fromkeys(bases)])
    variance = (len(left) - 1) * float(left.var())
    return widen(found, variance, len(left) - 1, rules.level)
