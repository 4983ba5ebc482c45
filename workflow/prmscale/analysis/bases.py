"""Bases as a random factor: what other bases would make of a number, beside other problems and training seeds.

Problems and seeds give a number its interval (`bootstrap`); the bases give it a variance of their own: of a mean over
bases, of a regression's residuals, or by the jackknife (each base left out once; Efron and Stein 1981, Annals of
Statistics 9, 586). The squares of the reaches add up, each with the t of its own degrees of freedom (Zou and Donner
2008, doi 10.1002/sim.3095).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from scipy import stats

from prmscale.analysis.bootstrap import Array, Interval, statistic_interval
from prmscale.analysis.verdicts import Rules

Statistic = Callable[[Array, Array], Array]  # of the points that take part (true or false) and rows of their means


def widened(found: Interval, variance: float, freedom: int, level: float, shared: float = 1.0) -> Interval:
    """The interval with the bases' variance in it; of that by problems and seeds only the part that is `shared` counts.

    A number that nothing moves (it lies at the end of what was tried) has no interval: low and high are NaN.
    """
    of_bases = stats.t.ppf((1 + level) / 2, freedom) ** 2 * variance
    reach = float(np.sqrt(of_bases + shared * ((found.high - found.low) / 2) ** 2))
    reach = reach if reach > 1e-12 else float("nan")
    return replace(found, low=found.mean - reach, high=found.mean + reach)


def jackknifed(values: Array, bases: Sequence[str], statistic: Statistic, rules: Rules) -> Interval:
    """A statistic of the means of `values` (problems x seeds x groups) with its interval over problems, seeds and the
    bases of the points.
    """
    names = np.asarray(bases)
    every = np.ones(len(names), dtype=bool)
    found = statistic_interval(values, partial(statistic, every), rules.level, rules.draws, rules.seed)
    means = values.mean(axis=(0, 1))[None]
    left = np.array([float(statistic(names != base, means)[0]) for base in dict.fromkeys(bases)])
    variance = (len(left) - 1) * float(left.var())
    return widened(found, variance, len(left) - 1, rules.level)
