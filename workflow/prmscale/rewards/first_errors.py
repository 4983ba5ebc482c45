"""The first wrong step that a reward model names: the protocol of ProcessBench.

Zheng et al. 2024 (arXiv 2412.06559), section 4: the first step whose score is below a threshold is
named as the first wrong one, and none where no score is. A first error is given as the step's
number from 0, -1 where there is none. The threshold is chosen once, on solutions that nothing is
reported on (labelled validation solutions whose truth is known), and used on every data set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from prmscale.engines.scheduler import Scorer
from prmscale.errors import UserError
from prmscale.labels.table import truths
from prmscale.tasks.base import Problem, Task
from prmscale.tasks.benchmarks.process_bench import NO_ERROR, FirstError

HALF = 0.5  # the threshold of scores that are probabilities


def known(task: Task, problems: Sequence[Problem], solutions: pd.DataFrame) -> list[FirstError]:
    """The solutions of these problems with their first wrong step; none where the task does not
    know it.
    """
    by_id = {problem.problem_id: problem for problem in problems}
    found = []
    for row in solutions[solutions["problem_id"].isin(by_id)].itertuples(index=False):
        steps = tuple(row.steps)
        right = truths(task, by_id[row.problem_id], steps)
        if steps and None not in right:
            place = right.index(False) if False in right else NO_ERROR
            found.append(FirstError(by_id[row.problem_id], steps, place))
    return found


def predict(
    scorer: Scorer, validation: Sequence[FirstError], tests: Mapping[str, Sequence[FirstError]]
) -> pd.DataFrame:
    """The first errors that a reward model names in the tests' solutions, at the threshold best on
    `validation`.

    Where the validation solutions are all erroneous, or all right, none is better than another: a
    half is taken.
    """
    places = [each.first_error for each in validation]
    mixed = len({place == NO_ERROR for place in places}) == 2
    threshold = best_threshold(_scores(scorer, validation), places) if mixed else HALF
    rows = [
        {
            "dataset": dataset,
            "problem_id": each.problem.problem_id,
            "solution_id": number,
            "threshold": threshold,
            "first_error": each.first_error,
            "predicted": first_error(scores, threshold),
        }
        for dataset, own in tests.items()
        for number, (each, scores) in enumerate(zip(own, _scores(scorer, own), strict=True))
    ]
    return pd.DataFrame(rows)


def first_error(scores: np.ndarray, threshold: float) -> int:
    """The first step [steps] with a score below the threshold, or NO_ERROR."""
    below = np.flatnonzero(np.asarray(scores) < threshold)
    return int(below[0]) if len(below) else NO_ERROR


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


def _scores(scorer: Scorer, solutions: Sequence[FirstError]) -> list[np.ndarray]:
    return [
        scored.scores for scored in scorer.score([(each.problem, each.steps) for each in solutions])
    ]
