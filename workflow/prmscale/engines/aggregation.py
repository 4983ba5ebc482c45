"""How the scores of a solution's steps become one score of the solution."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Aggregate = Callable[[np.ndarray], float]


def _of_some(reduce: Callable[[np.ndarray], float]) -> Aggregate:
    """A solution without any step loses against every other."""
    return lambda scores: float(reduce(scores)) if len(scores) else -np.inf


AGGREGATIONS: dict[str, Aggregate] = {
    "last": _of_some(lambda scores: scores[-1]),
    "min": _of_some(np.min),
    "product": _of_some(np.prod),
    "mean": _of_some(np.mean),
    "sum": _of_some(np.sum),  # the paper's beam score; favours long solutions
}
