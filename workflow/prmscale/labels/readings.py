"""Readings: labels made of those that labellers have stored, without a rollout of their own.

A labeller (`methods`, `omega`) asks for rollouts, judges them and stores what it found. A reading
is a function of such tables: the same rollouts may be read in several ways, and are drawn once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from prmscale.labels.advantage import advantage
from prmscale.labels.consensus import consensus
from prmscale.labels.denoised import denoised
from prmscale.labels.progress import progress
from prmscale.labels.spending import charge_filter
from prmscale.study import Advantage, Denoised, Progress

Tables = Sequence[pd.DataFrame]
Settings = Mapping[str, Any]

# (labels by each labeller, settings) to the labels; their cost is all that the labellers spent
READINGS: dict[str, Callable[[Tables, Settings], pd.DataFrame]] = {
    "consensus": lambda tables, settings: consensus(tables),
    "progress": lambda tables, settings: progress(tables[0], Progress(**settings)),
    "advantage": lambda tables, settings: advantage(tables, Advantage(**settings)),
}


def read(
    method: str, tables: Tables, spent: Tables, solutions: pd.DataFrame, settings: Settings
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The `labels` by a reading and their `spending`, given those of its labellers.

    `study.READS` names the method by which the labellers have labelled `solutions`.
    """
    if method == "denoised":  # needs fewer rollouts than its labeller drew
        return denoised(tables[0], solutions, Denoised(**settings))
    labels = READINGS[method](tables, settings)
    return labels, charge_filter(spent, labels, method)
