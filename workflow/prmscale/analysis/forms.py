"""Forms of growth, fitted by least squares and compared by how well each predicts a point that it has not seen.

Over x, the log2 of a size or of training steps, accuracy (or minus a loss) grows without an end by the logarithm, towards
1 by a power law of the error, towards a level of its own by a saturating curve; or it jumps between two points. Each is
linear but for one parameter at most, which is tried on a grid.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from prmscale.analysis.bootstrap import Array

EXPONENTS = np.geomspace(0.05, 4, 40)  # at 0.05 the saturating curve is nearly the logarithm, at 4 a step


@dataclass(frozen=True)
class Form:
    """A curve: `offset` + the weighted sum of `columns(x, p)`, for the best p of `grid(known x)`."""

    name: str
    offset: float
    columns: Callable[[Array, float], Sequence[Array]]
    grid: Callable[[Array], Array]

    def design(self, x: Array, parameter: float) -> Array:
        """One row a point, one column a weight."""
        return np.stack([np.broadcast_to(column, x.shape) for column in self.columns(x, parameter)], axis=1)


LOGARITHM = Form("logarithm a + b log N", 0.0, lambda x, _: (np.ones(1), x), lambda x: np.zeros(1))
POWER_LAW = Form("power law 1 − b N^−c", 1.0, lambda x, c: (2.0 ** (-c * x),), lambda x: EXPONENTS)
SATURATING = Form(
    "saturating a − b N^−c", 0.0, lambda x, c: (np.ones(1), 2.0 ** (-c * x)), lambda x: EXPONENTS
)
JUMP = Form(
    "logarithm with a jump", 0.0, lambda x, cut: (np.ones(1), x, x > cut), lambda x: (x[1:] + x[:-1]) / 2
)
SMOOTH = (LOGARITHM, POWER_LAW, SATURATING)


def fitted(form: Form, x: Array, values: Array, at: Array) -> Array:
    """The form fitted to each row of `values` (over increasing x), at these places."""
    best, said = np.full(len(values), np.inf), np.zeros((len(values), len(at)))
    for parameter in form.grid(x):
        design = form.design(x - x[0], parameter - x[0] if form is JUMP else parameter)
    return said
