"""Does accuracy grow: step by step along sizes and pre-training, and does growth with size slow down?

Two curves are fitted to the accuracies of the sizes: a line in log2 of the parameters, and one that saturates,
a - b N^-c. Each size but the smallest is left out in turn and predicted from the others (curves that saturate are
wild below the smallest); the one with the smaller error describes growth better.
Whether growth slows is also measured without a curve: by the second difference, a weighted sum of accuracies.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pandas as pd

from prmscale.analysis import selection
from prmscale.analysis.bootstrap import Array, resampled_means
from prmscale.analysis.compare import accuracy, at_budget, check
from prmscale.analysis.verdicts import Check, Rules

SECTION = "growth"
EXPONENTS = np.geomspace(0.05, 4, 40)  # of the saturating curve; at 0.05 it is nearly the line, at 4 a step


def growth(search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules) -> list[Check]:
    """Best-of-n at the largest budget: each step of size and of pre-training, flattening, and the two curves."""
    sizes = _points(selection.ladder(reward_models), "base_parameters")
    found: list[Check] = []
    for dataset, rows in at_budget(search, rules):
        measured = [(size, base, accuracy(rows, names)) for size, base, names in sizes]
        known = [point for point in measured if not point[2].empty]
        for (_, before, less), (_, after, more) in pairwise(known):
            found += check(SECTION, dataset, f"size, {before} → {after}", selection.minus(more, less), rules)
        found += _pretraining(dataset, rows, reward_models, rules)
        if len(known) >= 3:
            logs = np.log2([size for size, _, _ in known])
            weights = -curvature_weights(logs)
            table = _stack([values for _, _, values in known])
            bend = pd.DataFrame(table @ weights)
            found += check(
                SECTION, dataset, "flattening with size (− second difference per doubling)", bend, rules, 0.0
            )
            if len(known) >= 4:
                found.append(_curves(dataset, table, logs, rules))
    return found


def curvature_weights(logs: Array) -> Array:
    """The weights by which accuracies at these log2 sizes sum to the second difference per doubling of a parabola."""
    design = np.vander(logs - np.mean(logs), 3)
    return np.asarray(2 * np.linalg.pinv(design)[0])


def left_out_errors(accuracies: Array, logs: Array) -> tuple[Array, Array]:
    """Root mean squared error of the size left out: of the line and of the saturating curve, for each row."""
    errors = np.zeros((2, *accuracies[:, 1:].shape))
    for out in range(1, len(logs)):
        kept = np.arange(len(logs)) != out
        line = [np.stack([np.ones_like(logs), logs - logs[0]], axis=1)]
        curves = [np.stack([np.ones_like(logs), -(2.0 ** (-c * (logs - logs[0])))], axis=1) for c in EXPONENTS]
        for kind, designs in enumerate((line, curves)):
            errors[kind, :, out - 1] = _predicted(accuracies[:, kept], designs, kept, out) - accuracies[:, out]
    line_error, curve_error = np.sqrt((errors**2).mean(axis=-1))
    return line_error, curve_error


def _predicted(known: Array, designs: list[Array], kept: Array, out: int) -> Array:
    """What the best-fitting of the designs says of the point left out."""
    best, said = np.full(len(known), np.inf), np.zeros(len(known))
    for design in designs:
        weights = known @ np.linalg.pinv(design[kept]).T
        misfit = ((weights @ design[kept].T - known) ** 2).sum(axis=1)
        better = misfit < best
        best, said = np.where(better, misfit, best), np.where(better, weights @ design[out], said)
    return said


def _curves(dataset: str, table: Array, logs: Array, rules: Rules) -> Check:
    """By how much the saturating curve predicts better than the line; two fits to a few points decide no claim."""
    line, curve = left_out_errors(table.mean(axis=(0, 1))[None], logs)
    drawn = left_out_errors(resampled_means(table, rules.draws, rules.seed), logs)
    tail = (1 - rules.level) / 2
    low, high = (float(q) for q in np.quantile(drawn[0] - drawn[1], [tail, 1 - tail]))
    words = f"saturating curve predicts a left-out size better (error {curve[0]:.3f}, line {line[0]:.3f})"
    effect = float(line[0] - curve[0])
    return Check(SECTION, dataset, words, effect, low, high, "", table.shape[0], table.shape[1])


def _pretraining(dataset: str, rows: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules) -> Iterator[Check]:
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


def _stack(tables: list[pd.DataFrame]) -> Array:
    """Accuracies of the problems and seeds that all have (problems x seeds x points); seeds averaged if none shared."""
    problems = tables[0].dropna().index
    seeds = tables[0].columns
    for table in tables[1:]:
        problems, seeds = problems.intersection(table.dropna().index), seeds.intersection(table.columns)
    if not len(seeds):
        return np.stack([table.loc[problems].mean(axis=1).to_numpy()[:, None] for table in tables], axis=-1)
    return np.stack([table.loc[problems, seeds].to_numpy() for table in tables], axis=-1)
