"""Forms of growth, fitted by least squares, and how well they do: on the points, or on one that
they have not seen.

Over x, the log2 of a size or of training steps, accuracy (or minus a loss) grows without an end by
the logarithm, towards 1 by a power law of the error, towards a level of its own by the saturating
curve; it passes from one level to another by the sigmoid; or it jumps between two points and grows
by the logarithm beside that. Each is linear but for one or two parameters, which are tried on a
grid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from prmscale.analysis.estimates import Array

EXPONENTS = np.geomspace(
    0.05, 4, 40
)  # at 0.05 the saturating curve is nearly the logarithm, at 4 a step
FEWEST_SIZES = 4  # the saturating curve has three parameters, and one size is left out
WIDTHS = (
    2.0,
    3.0,
    4.0,
    6.0,
)  # doublings in which a sigmoid climbs from 10 to 90 %: what is faster is called a jump


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
    "sigmoid", 0.0,
    lambda x: product(np.linspace(0, x[-1], 25), WIDTHS), lambda x, *p: (np.ones_like(x), _sigmoid(x, *p)),
)  # fmt: skip
JUMP = Form(
    "logarithm with a jump", 0.0,
    lambda x: [(cut,) for cut in (x[1:] + x[:-1]) / 2], lambda x, cut: (np.ones_like(x), x, (x > cut).astype(float)),
)  # fmt: skip
OF_SIZE = (LOGARITHM, POWER_LAW, SATURATING)
SMOOTH = (*OF_SIZE, SIGMOID)


def fitted(form: Form, x: Array, values: Array, at: Array) -> Array:
    """The form fitted to each row of `values` (over increasing x), at these places."""
    known, places, wanted = x - x[0], at - x[0], values - form.offset
    best, said = np.full(len(values), np.inf), np.zeros((len(values), len(at)))
    for parameters in form.grid(known):
        design = np.stack(form.columns(known, *parameters), axis=1)
        weights = wanted @ np.linalg.pinv(design).T
        error = ((weights @ design.T - wanted) ** 2).sum(axis=1)
        better = error < best
        there = weights @ np.stack(form.columns(places, *parameters), axis=1).T + form.offset
        best, said = np.where(better, error, best), np.where(better[:, None], there, said)
    return said


def rmse(form: Form, x: Array, values: Array) -> Array:
    """Root mean squared distance of each row of `values` from the form fitted to it."""
    return np.asarray(np.sqrt(((fitted(form, x, values, x) - values) ** 2).mean(axis=1)))


def left_out_error(form: Form, x: Array, values: Array) -> Array:
    """Root mean squared error, for each row of `values`, of predicting a point from the others.

    Every point but the first is left out in turn (curves that saturate are wild below the
    smallest).
    """
    errors = []
    for out in range(1, len(x)):
        kept = np.arange(len(x)) != out
        errors.append(
            fitted(form, x[kept], values[:, kept], x[out : out + 1])[:, 0] - values[:, out]
        )
    return np.asarray(np.sqrt((np.stack(errors) ** 2).mean(axis=0)))


def best_of_size(x: Array, values: Array) -> Form:
    """The form that predicts a size left out with the smallest error, of one row of values."""
    return min(OF_SIZE, key=lambda form: float(left_out_error(form, x, values[None])[0]))
