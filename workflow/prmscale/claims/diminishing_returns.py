"""Claim (b): accuracy rises with the size of the reward model, then flattens."""

from __future__ import annotations

import numpy as np
import pandas as pd

from prmscale.analysis import growth, power
from prmscale.analysis.intervals import Interval
from prmscale.analysis.models import find_ladder
from prmscale.analysis.paired import accuracy, estimate, iter_at_budget
from prmscale.analysis.rows import keep_first_policy, subtract
from prmscale.analysis.verdicts import (
    EQUIVALENCE_LEVEL,
    Check,
    Claim,
    Rules,
    combine,
    judge_above,
)
from prmscale.claims.contrast import Contrast
from prmscale.results import Results

NAME = "diminishing_returns"
SAYS = "Accuracy rises fast with the size of the reward model, then flattens."
NEEDS = (
    "The largest PRM must beat the smallest, and a doubling in the lower half of the ladder of "
    "sizes (from the smallest to the middle one, on the log scale) must gain more than a doubling "
    "in the upper half. Also measured: whether the two largest are as good as each other (the 90 % "
    "interval of their difference lies within the margin of math_to_code)."
)

GROWTH = "largest PRM − smallest PRM"
PLATEAU = "largest PRM − the next smaller (90 % interval)"
SLOWING = "gain of a doubling of the PRM's size, lower half of the sizes − upper half"


def judge(results: Results, rules: Rules) -> list[Claim]:
    """Does best-of-n at the largest budget grow with the PRM's size, and more slowly at the top?"""
    models = find_ladder(results.reward_models)
    sizes = sorted(models["base_parameters"].unique())
    if len(sizes) < 3:
        return [Contrast(NAME, "slowing", SLOWING).leave_open("three sizes")]
    logs = np.log2(np.asarray(sizes, dtype=float))
    middle = 1 + int(np.argmin(np.abs(logs[1:-1] - (logs[0] + logs[-1]) / 2)))
    places = [0, middle, len(sizes) - 1]
    names = [models.loc[models["base_parameters"] == size, "reward_model"] for size in sizes]
    found: list[Claim] = []
    for dataset, rows in iter_at_budget(keep_first_policy(results.search), rules):
        tables = [accuracy(rows, each) for each in names]
        total = estimate(subtract(tables[-1], tables[0]), rules)
        if total is None:
            continue
        chosen = [tables[i] for i in places]
        found += _judge_slowing(dataset, chosen, np.diff(logs[places]), total, rules)
        step = estimate(subtract(tables[-1], tables[-2]), rules, EQUIVALENCE_LEVEL)
        if step is not None:
            plateau = Contrast(NAME, "plateau", PLATEAU, dataset)
            found.append(plateau.judge_as_good(step, total, rules))
    return found or [Contrast(NAME, "slowing", SLOWING).leave_open()]


def checks(results: Results, rules: Rules) -> list[Check]:
    """Growth step by step along sizes and pre-training, flattening, and the three forms."""
    search = keep_first_policy(results.search)
    return growth.check_growth(search, results.reward_models, rules)


def _judge_slowing(
    dataset: str,
    tables: list[pd.DataFrame],
    doublings: np.ndarray,
    total: Interval,
    rules: Rules,
) -> list[Claim]:
    """Growth, the gain `total` from the smallest to the largest size, and its slowing.

    `tables` are the accuracies of the smallest, the middle and the largest size, and `doublings`
    those from one to the next.
    """
    small, mid, large = tables
    lower = growth.gain_per_doubling(small, mid, doublings[0])
    upper = growth.gain_per_doubling(mid, large, doublings[1])
    slowing = estimate(subtract(lower, upper), rules)
    if slowing is None:
        return []
    rises = judge_above(total, rules.minimum_effect)
    flattens = combine(rises, judge_above(slowing, smallest=rules.smallest_effects.get(NAME)))
    needed = power.estimate_need(slowing, rules.level)
    contrast = Contrast(NAME, "slowing", SLOWING, dataset)
    return [
        *Contrast(NAME, "growth", GROWTH, dataset).judge_gain(total, rules),
        contrast.judge(slowing, flattens, rules, needed),
    ]
