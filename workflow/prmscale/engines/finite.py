"""Numbers that must be finite: losses, log-probabilities and scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from prmscale.errors import UserError

OF_MODELS = (
    "The model's weights are damaged, or its number format is too narrow for it (try `dtype: "
    "float32`)"
)

DIVERGED = "The training diverged: lower its learning rate"


def require_finite(values: ArrayLike, what: str, remedy: str = OF_MODELS) -> None:
    """Raise UserError, which says what is NaN or infinite and what to do, unless all values are
    finite.
    """
    wrong = np.asarray(values, dtype=float)
    wrong = wrong[~np.isfinite(wrong)]
    if len(wrong):
        raise UserError(f"{what} is {wrong[0]}. {remedy}")
