"""F1 of the first errors that reward models name, with intervals: what figure 10 shows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from prmscale.analysis.estimates import SHARE, Array, statistic_interval
from prmscale.rewards.first_errors import harmonic
from prmscale.tasks.benchmarks.process_bench import NO_ERROR

BY = ["dataset", "reward_model"]
COUNTS = [
    "found",
    "erroneous",
    "passed",
    "right",
]  # F1 is the harmonic mean of found / erroneous and passed / right


def f1(table: pd.DataFrame, level: float) -> pd.DataFrame:
    """F1 of each reward model on each data set (columns of BY, mean, low, high, erroneous, correct,
    n, seeds).

    Each problem and training seed moves the two shares, and these F1. A data set without erroneous
    or without right solutions has no F1 and is left out.
    """
    hit = table["predicted"] == table["first_error"]
    wrong = table["first_error"] != NO_ERROR
    counts = pd.DataFrame(
        {"found": hit & wrong, "erroneous": wrong, "passed": hit & ~wrong, "right": ~wrong},
        dtype=float,
    )
    rows = []
    for keys, own in pd.concat([table[[*BY, "problem_id", "replicate"]], counts], axis=1).groupby(
        BY, sort=True
    ):
        sums = (
            own.groupby(["problem_id", "replicate"])[COUNTS]
            .sum()
            .unstack("replicate", fill_value=0.0)
        )
        seeds = sums.shape[1] // len(COUNTS)
        values = sums.to_numpy().reshape(len(sums), len(COUNTS), seeds).transpose(0, 2, 1)
        erroneous, correct = _shares(values.mean(axis=(0, 1)))
        if np.isnan(erroneous) or np.isnan(correct):
            continue
        found = statistic_interval(values, _f1, level, within=SHARE)
        numbers = (
            found.mean,
            found.low,
            found.high,
            float(erroneous),
            float(correct),
            found.n,
            found.seeds,
        )
        rows.append((*keys, *numbers))
    return pd.DataFrame(
        rows, columns=[*BY, "mean", "low", "high", "erroneous", "correct", "n", "seeds"]
    )


def _f1(counts: Array) -> Array:
    """F1 of counts [..., COUNTS]."""
    return harmonic(*_shares(counts))


def _shares(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Accuracy on erroneous and on right solutions, of counts [..., COUNTS]; NaN where there are
    none.
    """
    found, erroneous, passed, right = np.moveaxis(np.asarray(counts), -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return found / erroneous, passed / right
