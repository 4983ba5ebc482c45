"""Does accuracy grow: step by step along sizes and pre-training, and does growth with size slow
down?

Three forms are fitted to the accuracies of the sizes: the logarithm, a power law of the error and a
saturating curve (`forms`). Each size but the smallest is left out in turn and predicted from the
others; the one with the smallest error describes growth best. Whether growth slows is also measured
without a curve: by what a doubling gains from each size to the next, and by the second difference,
a weighted sum of accuracies.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pandas as pd

from prmscale.analysis import forms, selection
from prmscale.analysis.estimates import Array, statistic_interval
from prmscale.analysis.paired import accuracy, at_budget, check, stacked
from prmscale.analysis.verdicts import Check, Rules

SECTION = "growth"


def growth(search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules) -> list[Check]:
    """Best-of-n at the largest budget: each step of size and of pre-training, flattening, and the
    three forms.
    """
    sizes = _points(selection.ladder(reward_models), "base_parameters")
    found: list[Check] = []
    for dataset, rows in at_budget(search, rules):
        measured = [(size, base, accuracy(rows, names)) for size, base, names in sizes]
        known = [point for point in measured if not point[2].empty]
        for (small, before, less), (large, after, more) in pairwise(known):
            gain = selection.minus(more, less)
            found += check(SECTION, dataset, f"size, {before} → {after}", gain, rules)
            per_doubling = gain_per_doubling(less, more, (small, large))
            found += check(
                SECTION,
                dataset,
                f"gain per doubling of size, {before} → {after}",
                per_doubling,
                rules,
            )
        found += _pretraining(dataset, rows, reward_models, rules)
        if len(known) >= 3:
            logs = np.log2([size for size, _, _ in known])
            weights = -curvature_weights(logs)
            table = stacked([values for _, _, values in known])
            bend = pd.DataFrame(table @ weights)
            found += check(
                SECTION,
                dataset,
                "flattening with size (− second difference per doubling)",
                bend,
                rules,
                0.0,
            )
            if len(known) >= forms.FEWEST_SIZES:
                found += _forms(dataset, table, logs, rules)
    return found


def gain_per_doubling(
    less: pd.DataFrame, more: pd.DataFrame, sizes: tuple[float, float]
) -> pd.DataFrame:
    """What a doubling of the size gains, by problem and seed, from accuracies at two sizes.

    `less` and `more` are `selection.per_problem` tables at the smaller and the larger of `sizes`.
    """
    small, large = sizes
    return selection.minus(more, less) / np.log2(large / small)


def curvature_weights(logs: Array) -> Array:
    """The weights by which accuracies at these log2 sizes sum to the second difference per doubling
    of a parabola.
    """
    design = np.vander(logs - np.mean(logs), 3)
    return np.asarray(2 * np.linalg.pinv(design)[0])


def _forms(dataset: str, table: Array, logs: Array, rules: Rules) -> Iterator[Check]:
    """By how much each form predicts better than the logarithm; fits to a few points decide no
    claim.
    """
    line = forms.LOGARITHM
    for form in forms.OF_SIZE[1:]:

        def gained(means: Array, form: forms.Form = form) -> Array:
            return forms.left_out_error(line, logs, means) - forms.left_out_error(form, logs, means)

        better = statistic_interval(table, gained, rules.level)
        ours, lines = (
            float(forms.left_out_error(f, logs, table.mean(axis=(0, 1))[None])[0])
            for f in (form, line)
        )
        words = (
            f"{form.name}, predicts a left-out size better than the {line.name} "
            f"(error {ours:.3f} against {lines:.3f})"
        )
        yield Check(
            SECTION,
            dataset,
            words,
            better.mean,
            better.low,
            better.high,
            "",
            better.n,
            better.seeds,
        )


def _pretraining(
    dataset: str, rows: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules
) -> Iterator[Check]:
    """Each step of a size's pre-training budget."""
    models = selection.budgets(reward_models)
    for _, own in models.groupby("base_parameters"):
        points = [(base, accuracy(rows, names)) for _, base, names in _points(own, "base_tokens")]
        known = [point for point in points if not point[1].empty]
        for (before, less), (after, more) in pairwise(known):
            gain = selection.minus(more, less)
            yield from check(SECTION, dataset, f"pre-training, {before} → {after}", gain, rules)


def _points(models: pd.DataFrame, column: str) -> list[tuple[float, str, list[str]]]:
    """Value of the column, name of the base and reward models of each point, in increasing order."""
    return [
        (float(str(value)), str(own["base"].iloc[0]), list(own["reward_model"]))
        for value, own in models.groupby(column, sort=True)
    ]
