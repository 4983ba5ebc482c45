"""From a solution's aggregated score to the probability that the solution is correct.

Fitted on validation solutions, for each reward model and aggregation: Platt scaling or isotonic
regression (compared for classifiers by Guo et al. 2017, arXiv 1706.04599).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import expit, logit

from prmscale.engines.aggregation import AGGREGATIONS, Calibration
from prmscale.engines.scheduler import Scorer
from prmscale.errors import UserError
from prmscale.tasks.base import Prefix, Problem

SURE = 1e-6  # scores closer to 0 or 1 than this count as if they were this far


class Outcome(NamedTuple):
    """A whole solution, and whether it is correct."""

    problem: Problem
    steps: Prefix
    correct: bool


def calibrate(
    scorer: Scorer, outcomes: Sequence[Outcome], method: str, aggregations: Sequence[str]
) -> dict[str, Calibration]:
    """The calibration of each aggregation of a reward model's scores, by `fit`.

    Solutions without a step are left out; raises UserError where no other is left.
    """
    whole = [each for each in outcomes if each.steps]
    if not whole:
        raise UserError(
            f"search.calibration = {method}: no validation solution to fit it on. Raise "
            "`validation` of a data set of the first of search.evaluations"
        )
    scored = scorer.score([(each.problem, each.steps) for each in whole])
    correct = np.array([each.correct for each in whole])
    found = {}
    for name in aggregations:
        scores = np.array([AGGREGATIONS[name](each.scores) for each in scored])
        found[name] = fit(method, name, scores, correct)
    return found


def fit(method: str, aggregation: str, scores: np.ndarray, correct: np.ndarray) -> Calibration:
    """The map from a score to P(correct), fitted to `scores` and `correct` [solutions].

    platt: P = sigmoid(a x + b), with x the logit of the score (of a sum, which is no share, the sum
    itself) and Platt's targets, (R + 1) / (R + 2) for R right and 1 / (W + 2) for W wrong
    solutions, so that the fit is finite. isotonic: the best map that never falls (the mean of equal
    scores; flat beyond the extremes). A solution without a step (score -inf) has P = 0.
    """
    platt = method == "platt"
    fitted = _fit_platt(aggregation, scores, correct) if platt else _fit_isotonic(scores, correct)
    return lambda score: fitted(score) if np.isfinite(score) else 0.0


def _fit_platt(aggregation: str, scores: np.ndarray, correct: np.ndarray) -> Calibration:
    def scale(values: np.ndarray) -> np.ndarray:
        x = values if aggregation == "sum" else logit(np.clip(values, SURE, 1 - SURE))
        return np.asarray(x).reshape(-1, 1)

    from sklearn.linear_model import LogisticRegression  # slow, and few jobs fit anything

    right = int(correct.sum())
    wrong = len(correct) - right
    targets = np.where(correct, (right + 1) / (right + 2), 1 / (wrong + 2))
    # every solution once as right and once as wrong, with the weights of its target
    twice, labels = np.tile(scores, 2), np.repeat([True, False], len(scores))
    model = LogisticRegression(C=np.inf, max_iter=1000)
    model.fit(scale(twice), labels, sample_weight=np.concatenate([targets, 1 - targets]))
    slope, offset = float(model.coef_[0, 0]), float(model.intercept_[0])
    return lambda score: float(expit(slope * scale(np.array([score]))[0, 0] + offset))


def _fit_isotonic(scores: np.ndarray, correct: np.ndarray) -> Calibration:
    from sklearn.isotonic import IsotonicRegression  # slow, and few jobs fit anything

    model = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
    model.fit(scores, correct.astype(float))
    # as model.predict, which takes far longer for a single score
    knots, chances = model.X_thresholds_, model.y_thresholds_
    return lambda score: float(np.interp(score, knots, chances))
