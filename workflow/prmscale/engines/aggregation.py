"""How the scores of a solution's steps are aggregated to one score of the solution."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Aggregate = Callable[[np.ndarray], float]
Calibration = Callable[[float], float]  # an aggregated score → the chance that it is correct


def _aggregate_by(reduce: Callable[[np.ndarray], float]) -> Aggregate:
    """Reduce the step scores; a solution without a step scores lower than every other."""
    return lambda scores: float(reduce(scores)) if len(scores) else -np.inf


AGGREGATIONS: dict[str, Aggregate] = {
    "last": _aggregate_by(lambda scores: scores[-1]),
    "min": _aggregate_by(np.min),
    "product": _aggregate_by(np.prod),
    "mean": _aggregate_by(np.mean),
    "sum": _aggregate_by(np.sum),  # the paper's beam score; favors long solutions
}
