"""A scaling law of accuracy in two compute budgets, simpler forms to compare it with, and the best
split between the budgets.

The scaling law has the form of Hoffmann et al. (2022, arXiv 2203.15556, equation 2), who give the
loss of a language model in parameters and tokens. With P FLOPs of pre-training and T FLOPs of
reward-model training, both relative to a typical budget,

    1 - accuracy = e + b P^-alpha + c T^-beta,    e, b, c >= 0

so that accuracy saturates in both budgets and stays below 1 - e. Exponents are searched on a grid;
coefficients are non-negative least squares. All functions take many rows of accuracies (one column
a point) at once, because the slopes of a fitted number need many fits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
from scipy.spatial import Delaunay

from prmscale.analysis.estimates import ROUNDING, Array

EXPONENTS = np.geomspace(0.1, 3, 16)  # at 0.1 nearly a logarithm, at 3 a step
STEPS = 40  # from the least to the greatest share measured at a total


@dataclass(frozen=True)
class Form:
    """How errors depend on the budgets: a weighted sum of `features(P, T, *exponents)`, with 0 to 2
    exponents; weights are non-negative.
    """

    exponents: int
    features: Callable[..., tuple[Array, ...]]


LAW = Form(2, lambda p, t, alpha, beta: (p**-alpha, t**-beta))
ONE_BUDGET = {
    "total": Form(1, lambda p, t, alpha: ((p + t) ** -alpha,)),
    "pre-training": Form(1, lambda p, t, alpha: (p**-alpha,)),
    "PRM training": Form(1, lambda p, t, beta: (t**-beta,)),
}
FORMS = {
    "law": LAW,
    **ONE_BUDGET,
    "log-linear": Form(0, lambda p, t: (-np.log(p), -np.log(t))),
    "linear": Form(0, lambda p, t: (-p, -t)),
}


@dataclass(frozen=True)
class Budgets:
    """FLOPs of pre-training and of reward-model training, one a point."""

    pretraining: Array
    training: Array

    def __getitem__(self, chosen: Array) -> Budgets:
        return Budgets(self.pretraining[chosen], self.training[chosen])

    @property
    def typical(self) -> float:
        """The geometric mean of all budgets: the common unit of both in fits, so that they can be
        added.
        """
        return float(np.exp(np.log([self.pretraining, self.training]).mean()))

    @property
    def total(self) -> Array:
        """The sum of both, one a point."""
        return self.pretraining + self.training


@dataclass(frozen=True)
class Fit:
    """A form fitted to rows of accuracies: for each row its coefficients (the constant first) and
    exponents.
    """

    form: Form
    unit: float
    coefficients: Array
    exponents: Array

    def accuracy(self, at: Budgets) -> Array:
        """Predicted accuracies (rows x points)."""
        exponents = [each[:, None] for each in self.exponents.T]
        features = self.form.features(
            at.pretraining[None] / self.unit, at.training[None] / self.unit, *exponents
        )
        errors = self.coefficients[:, :1] * np.ones(len(at.training))
        for number, feature in enumerate(features, start=1):
            errors = errors + self.coefficients[:, number, None] * feature
        return 1 - errors


def fit(form: Form, budgets: Budgets, accuracies: Array, unit: float | None = None) -> Fit:
    """The best exponents and coefficients for each row of accuracies; budgets are divided by `unit`
    (None: their `typical`).
    """
    unit = unit or budgets.typical
    p, t = budgets.pretraining / unit, budgets.training / unit
    tried = np.asarray(list(product(EXPONENTS, repeat=form.exponents)))
    columns = [[np.ones_like(p), *form.features(p, t, *exponents)] for exponents in tried]
    designs = np.stack([np.stack(each, axis=1) for each in columns])
    weights, errors = _solve_nnls(designs, 1 - accuracies)
    best = errors.argmin(axis=0)
    return Fit(form, unit, weights[best, np.arange(len(accuracies))], tried[best])


def _solve_nnls(designs: Array, targets: Array) -> tuple[Array, Array]:
    """Non-negative least squares of each row of targets by each design (designs x points x
    columns): weights (designs x rows x columns) and squared errors (designs x rows).

    There are few columns, so every subset is tried, and the best solution without a negative weight
    is taken. A column that makes the error smaller by rounding alone has no weight.
    """
    columns = designs.shape[2]
    squares = (targets**2).sum(axis=1)
    best = np.zeros((len(designs), len(targets), columns))
    errors = np.tile(squares, (len(designs), 1))
    for chosen in _list_subsets(columns):
        part = designs[:, :, chosen]
        weights = targets @ np.linalg.pinv(part).swapaxes(1, 2)
        error = squares - (weights * (targets @ part)).sum(axis=2)
        better = (weights >= 0).all(axis=2) & (error < errors - ROUNDING * squares)
        filled = np.zeros_like(best)
        filled[:, :, chosen] = weights
        best = np.where(better[:, :, None], filled, best)
        errors = np.where(better, error, errors)
    return best, errors


def _list_subsets(columns: int) -> list[list[int]]:
    """Every subset of the numbers below `columns` but the empty one, the smallest first."""
    found: list[list[int]] = []
    for size in range(1, columns + 1):
        found += [list(chosen) for chosen in combinations(range(columns), size)]
    return found


def leave_group_out_rmse(
    form: Form, budgets: Budgets, accuracies: Array, groups: Sequence[str]
) -> Array:
    """Root mean squared error on each group's points when the group is left out of the fit (rows
    of accuracies x groups).

    The group with the least pre-training is never left out, because saturating forms diverge below
    the budgets that they were fitted to.
    """
    names = np.asarray(groups)
    errors = []
    for group in dict.fromkeys(names[names != names[budgets.pretraining.argmin()]]):
        out = names == group
        predicted = fit(form, budgets[~out], accuracies[:, ~out]).accuracy(budgets[out])
        errors.append(np.sqrt(((predicted - accuracies[:, out]) ** 2).mean(axis=1)))
    return np.stack(errors, axis=1)


def spend(total: float, shares: Array) -> Budgets:
    """The budgets that these shares of reward-model training leave of a total."""
    return Budgets(total * (1 - shares), total * shares)


def is_within(budgets: Budgets, at: Budgets) -> Array:
    """Whether each budget of `at` lies in the convex hull of `budgets`, on logarithmic axes."""
    hull, asked = (np.log([each.pretraining, each.training]).T for each in (budgets, at))
    return np.asarray(Delaunay(hull).find_simplex(asked) >= 0)


def list_shares(budgets: Budgets, total: float) -> Array:
    """Shares of reward-model training in this total, evenly on the log scale, from the least to the
    greatest within the points' convex hull; empty where the total does not cross it.
    """
    least, most = budgets.training.min() / total, min(budgets.training.max() / total, 0.999)
    tried = np.geomspace(min(least, most), most, 2000)
    inside = tried[is_within(budgets, spend(total, tried))]
    return np.geomspace(inside[0], inside[-1], STEPS + 1) if len(inside) else inside


def best_share(fitted: Fit, total: float, shares: Array) -> Array:
    """Index of the share with the highest predicted accuracy, for each row of the fit."""
    return np.asarray(fitted.accuracy(spend(total, shares)).argmax(axis=1))


def gain(fitted: Fit, total: float, shares: Array, chosen: int) -> Array:
    """By how much the share of this index is predicted to beat the better of the least and the
    greatest share, for each row of the fit.
    """
    accuracies = fitted.accuracy(spend(total, shares[[0, chosen, -1]]))
    return np.asarray(accuracies[:, 1] - accuracies[:, [0, 2]].max(axis=1))
