"""Labels that allow for what their labeller cannot do: SCAN (arXiv 2509.16548).

A labeller that often fails calls right steps wrong, and one that corrects itself calls wrong steps
right, above all just before the first error that it finds. So problems are left out where the
share of right solutions, SC, is low; all steps of right solutions are right, without a rollout; and
in a wrong solution the steps up to `tolerance` before the first error (the first step with the
value 0) have the soft value min(1, value / SC). Earlier steps have the value 1. SCAN drops the
steps after the first error: here they are wrong, and `supervise: first_error` leaves them out.
"""

from __future__ import annotations

import pandas as pd

from prmscale.labels.spending import charge_alone, charge_filter, charge_labels
from prmscale.labels.stored import by_solution
from prmscale.study import Denoised
from prmscale.tables import SOLUTION_KEY


def denoised(
    labels: pd.DataFrame, solutions: pd.DataFrame, settings: Denoised
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The labels of the solutions that are kept, and their spending.

    `labels` are Monte-Carlo labels of these solutions. Only rollouts from wrong solutions of the
    problems kept are charged. A wrong solution without a step of value 0 is left out.
    """
    shares = solutions.groupby("problem_id")["correct"].mean()
    labels = labels.assign(confidence=labels["problem_id"].map(shares))
    labels = labels[labels["confidence"] >= settings.confidence]
    outcomes = solutions.set_index(SOLUTION_KEY)["correct"]
    right = outcomes.reindex(pd.MultiIndex.from_frame(labels[SOLUTION_KEY])).to_numpy(bool)
    rolled_out = charge_alone(labels, ~right, solutions)
    decision = f"SCAN: SC >= {settings.confidence:g}, {settings.tolerance} soft steps"
    known = labels[right].assign(rollouts=0, successes=0, tokens_spent=0, value=1.0, label=1)
    rows = pd.concat([known, _soften(rolled_out, settings.tolerance)]).sort_index()
    rows = rows.drop(columns="confidence").assign(method="denoised", decision=decision)
    rows = rows.reset_index(drop=True)
    return rows, charge_filter([charge_labels(rolled_out, solutions)], rows, "denoised")


def _soften(labels: pd.DataFrame, tolerance: int) -> pd.DataFrame:
    """The labels of wrong solutions by their distance from the first error."""
    errors = labels["step"].where(labels["value"] == 0)
    distance = by_solution(errors, labels).transform("min") - labels["step"]
    soft = (labels["value"] / labels["confidence"]).clip(upper=1)
    value = soft.where(distance <= tolerance, 1.0).where(distance > 0, 0.0)
    rows = labels.assign(value=value, label=(distance > 0).astype(int))
    return rows[distance.notna()]
