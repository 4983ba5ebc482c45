"""How well step scores find a solution's first wrong step: the protocol of ProcessBench.

Zheng et al. 2024 (arXiv 2412.06559), section 4: the first step whose score is below a threshold is
said to be the first wrong one, and none where no score is. A first error is given as the step's
number from 0, -1 where there is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from prmscale.errors import UserError
from prmscale.tasks.benchmarks.process_bench import NO_ERROR


class FirstErrorF1(NamedTuple):
    """Share of erroneous solutions whose first wrong step is named, of right ones that pass; their
    harmonic mean.
    """

    erroneous: float
    correct: float
    f1: float


def first_error(scores: np.ndarray, threshold: float) -> int:
    """The first step [steps] with a score below the threshold, or NO_ERROR."""
    below = np.flatnonzero(np.asarray(scores) < threshold)
    return int(below[0]) if len(below) else NO_ERROR


def first_error_f1(
    scores: Sequence[np.ndarray], labels: Sequence[int], threshold: float
) -> FirstErrorF1:
    """F1 of the first errors that step scores ([steps] a solution) name against the true ones.

    Raises UserError where there are no erroneous solutions or no right ones: one of the two shares
    has no value then.
    """
    wrong = _erroneous(labels)
    named = np.array(
        [first_error(own, threshold) == label for own, label in zip(scores, labels, strict=True)]
    )
    erroneous, correct = named[wrong].mean(), named[~wrong].mean()
    return FirstErrorF1(float(erroneous), float(correct), float(harmonic(erroneous, correct)))


def best_threshold(scores: Sequence[np.ndarray], labels: Sequence[int]) -> float:
    """The threshold with the highest F1, the lowest of equals: to be chosen on solutions that
    nothing is reported on.

    The first error e of a solution is named by the thresholds in (s_e, min of the scores before e],
    a right solution passes at those up to its lowest score. So F1 is constant between two of these
    bounds, and one threshold in the middle of each such interval is tried.
    """
    wrong = _erroneous(labels)
    highest = (
        max(float(np.max(own)) for own in scores) + 1
    )  # more than any score: no bound from above
    low, high, lowest = [], [], []
    for own, label in zip(scores, labels, strict=True):
        if label == NO_ERROR:
            lowest.append(float(np.min(own)))
        else:
            low.append(float(own[label]))
            high.append(max(low[-1], float(np.min(own[:label], initial=highest))))
    bounds = np.unique([*low, *high, *lowest])
    tried = np.concatenate([bounds[:1], (bounds[1:] + bounds[:-1]) / 2])
    # in (low, high]: as many as have begun before a threshold less as many as have ended
    erroneous = np.searchsorted(np.sort(low), tried, "left") - np.searchsorted(
        np.sort(high), tried, "left"
    )
    passed = len(lowest) - np.searchsorted(np.sort(lowest), tried, "left")
    found = harmonic(erroneous / wrong.sum(), passed / (~wrong).sum())
    return float(tried[int(np.argmax(found))])


def harmonic(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The harmonic means of shares: 0 where both are, NaN where one is not known."""
    both = np.asarray(a + b)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(both > 0, 2 * a * b / both, np.where(np.isnan(both), np.nan, 0.0))


def _erroneous(labels: Sequence[int]) -> np.ndarray:
    wrong = np.asarray(labels) != NO_ERROR
    if wrong.all() or not wrong.any():
        raise UserError(
            "first-error F1 wants both erroneous and right solutions: "
            f"of {len(wrong)} given, {int(wrong.sum())} are erroneous"
        )
    return wrong
