"""Forms of growth, fitted by least squares, and their errors on the points and on points left out.

Over x, the log2 of a size or of training steps, accuracy (or minus a loss) grows without bound
(logarithm), towards 1 (power law of the error) or towards a fitted level (saturating); it passes
from one level to another (sigmoid); or it jumps between two points and otherwise grows as the
logarithm. Each form is linear but for at most two parameters, which are searched on a grid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from prmscale.analysis.estimates import Array

# at 0.05 the saturating curve is nearly the logarithm, at 4 a step
EXPONENTS = np.geomspace(0.05, 4, 40)
FEWEST_SIZES = 4  # the saturating curve has three parameters, and one size is left out
# doublings in which a sigmoid climbs from 10 to 90 %; a faster climb is called a jump
WIDTHS = (2.0, 3.0, 4.0, 6.0)


@dataclass(frozen=True)
class Form:
    """A curve: `offset` + the weighted sum of `columns(x, ...)`, for the best parameters of
    `grid(known x)`.

    x counts from the first point.
    """

    name: str
    offset: float
    grid: Callable[[Array], Iterable[tuple[float, ...]]]
    columns: Callable[..., Sequence[Array]]


def _power(x: Array, exponent: float) -> Array:
    return np.asarray(2.0 ** (-exponent * x))


def _sigmoid(x: Array, middle: float, width: float) -> Array:
    return np.asarray(1 / (1 + 9.0 ** (-2 * (x - middle) / width)))


LOGARITHM = Form("logarithm, a + b log N", 0.0, lambda x: [()], lambda x: (np.ones_like(x), x))
POWER_LAW = Form(
    "power law, 1 − b/N^c", 1.0, lambda x: [(c,) for c in EXPONENTS], lambda x, c: (_power(x, c),)
)
SATURATING = Form(
    "saturating, a − b/N^c",
    0.0,
    lambda x: [(c,) for c in EXPONENTS],
    lambda x, c: (np.ones_like(x), _power(x, c)),
)
SIGMOID = Form(
    "sigmoid",
    0.0,
    lambda x: product(np.linspace(0, x[-1], 25), WIDTHS),
    lambda x, middle, width: (np.ones_like(x), _sigmoid(x, middle, width)),
)
JUMP = Form(
    "logarithm with a jump",
    0.0,
    lambda x: [(cut,) for cut in (x[1:] + x[:-1]) / 2],
    lambda x, cut: (np.ones_like(x), x, (x > cut).astype(float)),
)
OF_SIZE = (LOGARITHM, POWER_LAW, SATURATING)
SMOOTH = (*OF_SIZE, SIGMOID)


def fit(form: Form, x: Array, values: Array, at: Array) -> Array:
    """The values at the places `at` of the form fitted to each row of `values` (over increasing x;
    result: rows x places).
    """
    known, places, target = x - x[0], at - x[0], values - form.offset
    least = np.full(len(values), np.inf)
    found = np.zeros((len(values), len(at)))
    for parameters in form.grid(known):
        design = np.stack(form.columns(known, *parameters), axis=1)
        weights = target @ np.linalg.pinv(design).T
        error = ((weights @ design.T - target) ** 2).sum(axis=1)
        better = error < least
        predicted = weights @ np.stack(form.columns(places, *parameters), axis=1).T + form.offset
        least = np.where(better, error, least)
        found = np.where(better[:, None], predicted, found)
    return found


def rmse(form: Form, x: Array, values: Array) -> Array:
    """Root mean squared distance of each row of `values` from the form fitted to it."""
    return np.asarray(np.sqrt(((fit(form, x, values, x) - values) ** 2).mean(axis=1)))


def leave_one_out_rmse(form: Form, x: Array, values: Array) -> Array:
    """Root mean squared error of predicting a point from the others, for each row of `values`.

    Every point but the first is left out in turn (saturating curves diverge below the smallest).
    """
    errors = []
    for out in range(1, len(x)):
        kept = np.arange(len(x)) != out
        predicted = fit(form, x[kept], values[:, kept], x[out : out + 1])[:, 0]
        errors.append(predicted - values[:, out])
    return np.asarray(np.sqrt((np.stack(errors) ** 2).mean(axis=0)))


def find_best_of_size(x: Array, values: Array) -> Form:
    """The form that predicts a size left out with the smallest error, of one row of values."""
    return min(OF_SIZE, key=lambda form: float(leave_one_out_rmse(form, x, values[None])[0]))
