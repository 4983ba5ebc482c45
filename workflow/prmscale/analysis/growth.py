"""Does accuracy grow: step by step along sizes and pre-training, and does growth with size slow
down?

Three forms are fitted to the accuracies of the sizes: the logarithm, a power law of the error and a
saturating curve (`forms`). Each size but the smallest is left out in turn and predicted from the
others; the form with the smallest error describes growth best. Whether growth slows is also
measured without a curve: by the gain per doubling from each size to the next, and by the second
difference, a weighted sum of accuracies.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd

from prmscale.analysis import forms
from prmscale.analysis.estimates import Array, statistic_interval
from prmscale.analysis.models import find_ladder, find_pretrainings
from prmscale.analysis.paired import accuracy, check, iter_at_budget, stack
from prmscale.analysis.rows import subtract
from prmscale.analysis.verdicts import Check, Rules

SECTION = "growth"


class Point(NamedTuple):
    """The value of what grows, the base's name, and the accuracy by problem and seed."""

    value: float
    base: str
    accuracies: pd.DataFrame


def gain_per_doubling(less: pd.DataFrame, more: pd.DataFrame, doublings: float) -> pd.DataFrame:
    """What accuracy by problem and seed gains per doubling, between two sizes so many doublings
    apart.
    """
    return subtract(more, less) / doublings


def curvature_weights(logs: Array) -> Array:
    """The weights with which accuracies at these log2 sizes sum to the second difference per
    doubling of a parabola.
    """
    design = np.vander(logs - np.mean(logs), 3)
    return np.asarray(2 * np.linalg.pinv(design)[0])


def check_growth(search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules) -> list[Check]:
    """Best-of-n at the largest budget: each step of size and of pre-training, flattening, and the
    three forms.
    """
    ladder = find_ladder(reward_models)
    found: list[Check] = []
    for dataset, rows in iter_at_budget(search, rules):
        points = _measure(rows, ladder, "base_parameters")
        found += _check_sizes(dataset, points, rules)
        found += _check_pretraining(dataset, rows, reward_models, rules)
        if len(points) >= 3:
            logs = np.log2([point.value for point in points])
            table = stack([point.accuracies for point in points])
            bend = pd.DataFrame(table @ -curvature_weights(logs))
            words = (
                "flattening with size: how much less each doubling gains than the doubling before"
            )
            found += check(SECTION, dataset, words, bend, rules, 0.0)
            if len(points) >= forms.FEWEST_SIZES:
                found += _compare_forms(dataset, table, logs, rules)
    return found


def _check_sizes(dataset: str, points: list[Point], rules: Rules) -> Iterator[Check]:
    """Each step from one size to the next: its gain, and its gain per doubling."""
    for small, large in pairwise(points):
        step = f"{small.base} → {large.base}"
        gain = subtract(large.accuracies, small.accuracies)
        yield from check(SECTION, dataset, f"size, {step}", gain, rules)
        doublings = float(np.log2(large.value / small.value))
        each = gain_per_doubling(small.accuracies, large.accuracies, doublings)
        yield from check(SECTION, dataset, f"gain per doubling of size, {step}", each, rules)


def _check_pretraining(
    dataset: str, rows: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules
) -> Iterator[Check]:
    """Each step of a size from one pre-training checkpoint to the next."""
    for _, same_size in find_pretrainings(reward_models).groupby("base_parameters"):
        for before, after in pairwise(_measure(rows, same_size, "base_tokens")):
            gain = subtract(after.accuracies, before.accuracies)
            words = f"pre-training, {before.base} → {after.base}"
            yield from check(SECTION, dataset, words, gain, rules)


def _compare_forms(dataset: str, table: Array, logs: Array, rules: Rules) -> Iterator[Check]:
    """By how much each form predicts better than the logarithm; without verdicts, since few points
    are fitted.
    """
    line = forms.LOGARITHM
    means = table.mean(axis=(0, 1))[None]
    for form in forms.OF_SIZE[1:]:

        def measure_advantage(means: Array, form: forms.Form = form) -> Array:
            return forms.leave_one_out_rmse(line, logs, means) - forms.leave_one_out_rmse(
                form, logs, means
            )

        better = statistic_interval(table, measure_advantage, rules.level)
        error = float(forms.leave_one_out_rmse(form, logs, means)[0])
        against = float(forms.leave_one_out_rmse(line, logs, means)[0])
        words = (
            f"{form.name}, predicts a left-out size better than the {line.name} "
            f"(error {error:.3f} against {against:.3f})"
        )
        numbers = (better.mean, better.low, better.high)
        yield Check(SECTION, dataset, words, *numbers, "", better.n, better.seeds)


def _measure(rows: pd.DataFrame, models: pd.DataFrame, column: str) -> list[Point]:
    """The points of the models by this column, in increasing order; those without rows are left
    out.
    """
    points = []
    for value, same in models.groupby(column, sort=True):
        table = accuracy(rows, same["reward_model"])
        if not table.empty:
            points.append(Point(float(str(value)), str(same["base"].iloc[0]), table))
    return points
