"""Does diversity of the training set pay at equal size? More wordings, more policies that write its
solutions, or more problems with fewer solutions each.

The reward models compared share base, recipe and number of training solutions; what differs is
counted in their sets.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import numpy as np
import pandas as pd

from prmscale.analysis.models import Axis, find_diversity_series
from prmscale.analysis.paired import accuracy, at_budget, check
from prmscale.analysis.rows import subtract
from prmscale.analysis.verdicts import Check, Rules

SECTION = "diversity"
AXES: tuple[Axis, ...] = get_args(Axis)
Series = dict[int, pd.DataFrame]  # accuracy by problem and seed at each level


def series(
    search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules
) -> Iterator[tuple[str, Axis, int, Series]]:
    """Data set, what is varied, solutions in each set, and accuracies at each level, the least
    diverse first.
    """
    for axis in AXES:
        models = find_diversity_series(reward_models, axis)
        for dataset, rows in at_budget(search, rules):
            measured = {
                int(str(n)): accuracy(rows, own["reward_model"])
                for n, own in models.groupby(axis, sort=True)
            }
            known = {level: table for level, table in measured.items() if len(table)}
            if len(known) > 1:
                yield dataset, axis, int(models["solutions"].iloc[0]), known


def gains(
    search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules
) -> Iterator[tuple[Axis, str, str, pd.DataFrame]]:
    """What the most diverse set is better by than the least diverse one: what is varied, in words,
    the data set, and the difference by problem and seed.
    """
    for dataset, axis, size, known in series(search, reward_models, rules):
        least, most = min(known), max(known)
        words = f"{most} − {least} {axis}, sets of {size} solutions"
        yield axis, words, dataset, subtract(known[most], known[least])


def slopes(search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules) -> list[Check]:
    """What a doubling of diversity gains: the slope of a line through all levels."""
    found: list[Check] = []
    for dataset, axis, size, known in series(search, reward_models, rules):
        weights = slope_weights(np.log2(list(known)))
        slope = sum(weight * table for weight, table in zip(weights, known.values(), strict=True))
        words = f"a doubling of {axis} ({min(known)} to {max(known)}, sets of {size} solutions)"
        found += check(SECTION, dataset, words, pd.DataFrame(slope), rules)
    return found


def slope_weights(x: np.ndarray) -> np.ndarray:
    """The weights by which values at these x sum to the slope of the line of least squares."""
    centred = x - x.mean()
    return np.asarray(centred / (centred @ centred))
