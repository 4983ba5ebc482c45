"""F1 of the first errors that reward models predict, with intervals, as figure 10 shows them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from prmscale.analysis.estimates import SHARE, Array, statistic_interval
from prmscale.rewards.first_errors import harmonic
from prmscale.tasks.benchmarks.process_bench import NO_ERROR

BY = ["dataset", "reward_model"]
# F1 is the harmonic mean of found / erroneous and passed / right
COUNTS = ["found", "erroneous", "passed", "right"]


def f1(table: pd.DataFrame, level: float) -> pd.DataFrame:
    """F1 of each reward model on each data set, with intervals over problems and training seeds.

    Columns: those of BY, mean, low, high, erroneous, correct, n, seeds; `erroneous` and `correct`
    are the accuracies on erroneous and on right solutions. A data set without erroneous or without
    right solutions has no F1 and is left out.
    """
    rows = []
    for keys, group in table.groupby(BY, sort=True):
        values = to_array(count_cells(group))
        erroneous, correct = map(float, _shares(values.mean(axis=(0, 1))))
        if np.isnan(erroneous) or np.isnan(correct):
            continue
        found = statistic_interval(values, f1_of_counts, level, within=SHARE)
        ends = (found.mean, found.low, found.high)
        rows.append((*keys, *ends, erroneous, correct, found.n, found.seeds))
    columns = [*BY, "mean", "low", "high", "erroneous", "correct", "n", "seeds"]
    return pd.DataFrame(rows, columns=columns)


def count_cells(table: pd.DataFrame) -> pd.DataFrame:
    """The COUNTS of one reward model on one data set, by problem (rows), and count and training
    seed (columns).
    """
    counted = pd.concat([table[["problem_id", "replicate"]], _count(table)], axis=1)
    sums = counted.groupby(["problem_id", "replicate"])[COUNTS].sum()
    return sums.unstack("replicate", fill_value=0.0)


def to_array(cells: pd.DataFrame) -> Array:
    """`count_cells` as an array [problems, seeds, COUNTS]."""
    seeds = cells.shape[1] // len(COUNTS)
    return cells.to_numpy().reshape(len(cells), len(COUNTS), seeds).transpose(0, 2, 1)


def _count(table: pd.DataFrame) -> pd.DataFrame:
    """The COUNTS of each solution, 0.0 or 1.0."""
    hit = table["predicted"] == table["first_error"]
    wrong = table["first_error"] != NO_ERROR
    counts = {"found": hit & wrong, "erroneous": wrong, "passed": hit & ~wrong, "right": ~wrong}
    return pd.DataFrame(counts, dtype=float)


def f1_of_counts(counts: Array) -> Array:
    """F1 of counts [..., COUNTS]."""
    return harmonic(*_shares(counts))


def _shares(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Accuracy on erroneous and on right solutions, of counts [..., COUNTS]; NaN of none."""
    found, erroneous, passed, right = np.moveaxis(np.asarray(counts), -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return found / erroneous, passed / right
