"""Is growth along a reward model's training sudden ("emergence") or smooth, in accuracy and in a
continuous measure?

The paper reads a plateau, a sudden leap and a slow rise from its figure 2. Accuracy is
discontinuous in the scores, so it can leap where the model changes smoothly (Schaeffer, Miranda and
Koyejo 2023, arXiv 2304.15004). The loss on validation problems is therefore tested as well. Two
kinds of curves with at most four parameters each are fitted over log2 of the steps: smooth ones
(logarithm, power law, saturating, and a sigmoid that takes two doublings of the steps or more), and
a logarithm with a jump between two checkpoints. The effect is by how much the jump lies closer to
the points.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from prmscale.analysis import forms
from prmscale.analysis.estimates import Array, statistic_interval
from prmscale.analysis.intervals import Interval
from prmscale.analysis.models import find_with_checkpoints, keep_trained
from prmscale.analysis.paired import stack
from prmscale.analysis.rows import average_per_problem
from prmscale.analysis.verdicts import (
    INCONCLUSIVE,
    NOT_SUPPORTED,
    SUPPORTED,
    Check,
    Rules,
    judge_above,
)

SECTION = "emergence"
FEWEST = 6  # checkpoints: curves of four parameters fit fewer points whatever they are
LOSS = "validation loss"


@dataclass(frozen=True)
class Emergence:
    """By how much a jump fits better than smooth growth, its size beyond the trend, the steps
    before and after it, and the verdict.
    """

    better: Interval
    size: float
    before: int
    after: int
    verdict: str


def emergence(values: Array, steps: list[int], level: float) -> Emergence:
    """Whether the means of `values` (problems x seeds x checkpoints) leap upwards between two
    checkpoints.

    One training seed decides nothing, since its fluctuations look like jumps. A certain fall is
    `not supported`.
    """
    x = np.log2(steps)

    def statistic(means: Array) -> Array:
        smooth = np.min([forms.rmse(form, x, means) for form in forms.SMOOTH], axis=0)
        return np.asarray(smooth - forms.rmse(forms.JUMP, x, means))

    better = statistic_interval(values, statistic, level)
    at, size = _find_jump(x, values)
    verdict = judge_above(better).verdict(level) if better.seeds > 1 else INCONCLUSIVE
    if verdict == SUPPORTED and size < 0:
        verdict = NOT_SUPPORTED
    return Emergence(better, size, steps[at], steps[at + 1], verdict)


def _find_jump(x: Array, values: Array) -> tuple[int, float]:
    """After which checkpoint the fitted curve jumps, and by how much.

    The curve is compared on both sides of each middle between two checkpoints.
    """
    middles = (x[1:] + x[:-1]) / 2
    sides = np.concatenate([middles - 1e-9, middles + 1e-9])
    under, over = np.split(forms.fit(forms.JUMP, x, values.mean(axis=(0, 1))[None], sides)[0], 2)
    at = int(np.argmax(np.abs(over - under)))
    return at, float((over - under)[at])


def measures(
    search: pd.DataFrame, training: pd.DataFrame, reward_model: str, aggregation: str
) -> Iterator[tuple[str, int, list[int], Array]]:
    """Name, problems, steps and values (problems x seeds x checkpoints, higher is better) of each
    measure with enough checkpoints.

    The measures are best-of-n's accuracy at the largest n on each data set, and minus the
    validation loss.
    """
    scored = search[(search["strategy"] == "best_of_n") & (search["reward_model"] == reward_model)]
    scored = scored[scored["aggregation"] == aggregation]
    for dataset, rows in scored.groupby("dataset", sort=True):
        top = rows[rows["budget"] == rows["budget"].max()]
        by_step = {
            int(str(step)): average_per_problem(at_step)
            for step, at_step in top.groupby("training_step", sort=True)
        }
        if len(by_step) >= FEWEST:
            values = stack(list(by_step.values()))
            yield str(dataset), len(values), list(by_step), values
    losses = training[training["reward_model"] == reward_model]
    wide = losses.pivot(index="replicate", columns="training_step", values="loss").dropna()
    if len(wide) and len(wide.columns) >= FEWEST:
        steps = wide.columns.astype(int).tolist()
        yield LOSS, int(losses["problems"].iloc[0]), steps, -wide.to_numpy(dtype=float)[None]


def check_emergence(
    search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules, training: pd.DataFrame
) -> list[Check]:
    """For every reward model with enough checkpoints: accuracy on each data set, and minus the
    validation loss.
    """
    found = []
    models = find_with_checkpoints(search, keep_trained(reward_models))
    for name in dict.fromkeys(models["reward_model"]):
        for measure, n, steps, values in measures(search, training, name, rules.aggregation):
            leap = emergence(values, steps, rules.level)
            size = f"{100 * leap.size:+.1f} points"
            if measure == LOSS:
                size = f"{leap.size:+.3f} nats less"
            words = (
                f"change point fits better than smooth growth, {name} (its jump beyond the trend: "
                f"{size} between {leap.before} and {leap.after} steps)"
            )
            better = leap.better
            numbers = (better.mean, better.low, better.high)
            found.append(Check(SECTION, measure, words, *numbers, leap.verdict, n, better.seeds))
    return found
