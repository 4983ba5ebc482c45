"""Is growth along a reward model's training sudden ("emergence"), or smooth, on accuracy and on a
continuous measure?

The paper reads a plateau, a sudden leap and a slow rise from its figure 2. Accuracy can leap where
nothing does inside: it is discontinuous in the scores (Schaeffer, Miranda and Koyejo 2023, arXiv
2304.15004). So the same question is put to the loss on validation problems. Two kinds of curve of
at most four parameters each are fitted over log2 of the steps: smooth ones (logarithm, power law,
saturating, and a sigmoid that takes two doublings of the steps or more), and a logarithm with a
jump between two checkpoints. What counts is by how much the jump lies closer to the points.
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
from prmscale.analysis.paired import stacked
from prmscale.analysis.rows import average_per_problem
from prmscale.analysis.verdicts import INCONCLUSIVE, NOT_SUPPORTED, SUPPORTED, Check, Rules, above

SECTION = "emergence"
FEWEST = 6  # checkpoints: fewer are fitted by curves of four parameters whatever they are
LOSS = "validation loss"


@dataclass(frozen=True)
class Emergence:
    """By how much a jump fits better than smooth growth, where it would be, and whether that is
    decided.
    """

    better: Interval
    size: float
    before: int
    after: int
    verdict: str


def emergence(values: Array, steps: list[int], level: float) -> Emergence:
    """Whether the means of `values` (problems x seeds x checkpoints) leap upwards between two
    checkpoints.

    One training seed decides nothing: its own fluctuations look like jumps. A fall that is certain
    is no leap.
    """
    x = np.log2(steps)

    def statistic(means: Array) -> Array:
        smooth = np.min([forms.rmse(form, x, means) for form in forms.SMOOTH], axis=0)
        return np.asarray(smooth - forms.rmse(forms.JUMP, x, means))

    better = statistic_interval(values, statistic, level)
    # on both sides of each middle between two checkpoints; where the fitted curve rises or falls
    # most is the jump
    middles = (x[1:] + x[:-1]) / 2
    sides = np.concatenate([middles - 1e-9, middles + 1e-9])
    under, over = np.split(forms.fitted(forms.JUMP, x, values.mean(axis=(0, 1))[None], sides)[0], 2)
    at = int(np.argmax(np.abs(over - under)))
    size = float((over - under)[at])
    judged = above(better).verdict(level) if better.seeds > 1 else INCONCLUSIVE
    if judged == SUPPORTED and size < 0:
        judged = NOT_SUPPORTED
    return Emergence(better, size, steps[at], steps[at + 1], judged)


def measures(
    search: pd.DataFrame, training: pd.DataFrame, reward_model: str, aggregation: str
) -> Iterator[tuple[str, int, list[int], Array]]:
    """Name, problems, steps and values (problems x seeds x checkpoints, the higher the better) of
    what is tested.

    Best-of-n's accuracy at the largest n on each data set, and minus the loss; those with enough
    checkpoints.
    """
    scored = search[(search["strategy"] == "best_of_n") & (search["reward_model"] == reward_model)]
    scored = scored[scored["aggregation"] == aggregation]
    for dataset, rows in scored.groupby("dataset", sort=True):
        top = rows[rows["budget"] == rows["budget"].max()]
        by_step = {
            int(str(step)): average_per_problem(own)
            for step, own in top.groupby("training_step", sort=True)
        }
        if len(by_step) >= FEWEST:
            values = stacked(list(by_step.values()))
            yield str(dataset), len(values), list(by_step), values
    own = training[training["reward_model"] == reward_model]
    wide = own.pivot(index="replicate", columns="training_step", values="loss").dropna()
    if len(wide) and len(wide.columns) >= FEWEST:
        yield (
            LOSS,
            int(own["problems"].iloc[0]),
            wide.columns.astype(int).tolist(),
            -wide.to_numpy(dtype=float)[None],
        )


def checks(
    search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules, training: pd.DataFrame
) -> list[Check]:
    """For every reward model with enough checkpoints: accuracy on each data set, and minus the
    validation loss.
    """
    found = []
    models = find_with_checkpoints(search, keep_trained(reward_models))
    for name in dict.fromkeys(models["reward_model"]):
        for measure, n, steps, values in measures(search, training, name, rules.aggregation):
            e = emergence(values, steps, rules.level)
            jump = f"{e.size:+.3f} nats less" if measure == LOSS else f"{100 * e.size:+.1f} points"
            words = (
                f"change point fits better than smooth growth, {name} (its jump beyond the trend: "
                f"{jump} between {e.before} and {e.after} steps)"
            )
            numbers = (e.better.mean, e.better.low, e.better.high)
            found.append(Check(SECTION, measure, words, *numbers, e.verdict, n, e.better.seeds))
    return found
