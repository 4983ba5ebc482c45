"""Does diversity of the training set pay at equal size? More wordings, more policies that write its
solutions, or more problems with fewer solutions each.

The reward models compared have the same base, recipe and number of training solutions; their sets
differ along one axis.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import get_args

import numpy as np
import pandas as pd

from prmscale.analysis.models import Axis, find_diversity_series
from prmscale.analysis.paired import accuracy, check, iter_at_budget
from prmscale.analysis.rows import subtract
from prmscale.analysis.verdicts import Check, Rules

SECTION = "diversity"
AXES: tuple[Axis, ...] = get_args(Axis)
# what a training set has most or least of
NOUNS: Mapping[Axis, str] = {
    "wordings": "wordings of problems",
    "problems": "problems",
    "policies": "policies' solutions",
}


@dataclass(frozen=True)
class Series:
    """Training sets of `size` solutions on one data set: by their number of wordings (problems,
    policies), the accuracy by problem and seed, the least diverse first.
    """

    dataset: str
    axis: Axis
    size: int
    accuracies: Mapping[int, pd.DataFrame]

    @property
    def words(self) -> str:
        """What `difference` compares."""
        least, most = min(self.accuracies), max(self.accuracies)
        return (
            f"PRM trained on {most} {NOUNS[self.axis]} − PRM trained on {least} "
            f"({self.size:,} solutions each)"
        )

    @property
    def difference(self) -> pd.DataFrame:
        """The most diverse set less the least diverse one, by problem and seed."""
        least, most = min(self.accuracies), max(self.accuracies)
        return subtract(self.accuracies[most], self.accuracies[least])


def iter_series(
    search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules
) -> Iterator[Series]:
    """The series of each axis and data set with two levels or more, at the largest budget."""
    for axis in AXES:
        models = find_diversity_series(reward_models, axis)
        by_level = [(int(str(n)), same) for n, same in models.groupby(axis, sort=True)]
        for dataset, rows in iter_at_budget(search, rules):
            tables = {n: accuracy(rows, same["reward_model"]) for n, same in by_level}
            known = {n: table for n, table in tables.items() if len(table)}
            if len(known) > 1:
                yield Series(dataset, axis, int(models["solutions"].iloc[0]), known)


def check_slopes(search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules) -> list[Check]:
    """What a doubling of diversity gains: the slope of a line through all levels."""
    found: list[Check] = []
    for series in iter_series(search, reward_models, rules):
        known = series.accuracies
        weights = slope_weights(np.log2(list(known)))
        slope = sum(weight * table for weight, table in zip(weights, known.values(), strict=True))
        levels = f"{min(known)} to {max(known)}, {series.size:,} solutions each"
        words = f"gain of a doubling of {series.axis} ({levels})"
        found += check(SECTION, series.dataset, words, pd.DataFrame(slope), rules)
    return found


def slope_weights(x: np.ndarray) -> np.ndarray:
    """The weights with which values at these x sum to the slope of the least-squares line."""
    centred = x - x.mean()
    return np.asarray(centred / (centred @ centred))
