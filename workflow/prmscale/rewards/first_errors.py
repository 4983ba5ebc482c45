"""The first wrong step that a reward model predicts: the protocol of ProcessBench.

Zheng et al. 2024 (arXiv 2412.06559), section 4: the first step whose score is below a threshold is
the predicted first error; without such a step the prediction is that there is none. A first error
is a step's number from 0, or -1 where there is none. One threshold serves all data sets. It is
chosen on labelled validation solutions whose truth is known, which are in no reported result.
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


def find_known(
    task: Task, problems: Sequence[Problem], solutions: pd.DataFrame
) -> list[FirstError]:
    """The solutions of these problems whose first wrong step the task knows."""
    by_id = {problem.problem_id: problem for problem in problems}
    found = []
    for row in solutions[solutions["problem_id"].isin(by_id)].itertuples(index=False):
        problem, steps = by_id[row.problem_id], tuple(row.steps)
        place = find_first_error(task, problem, steps)
        if place is not None:
            found.append(FirstError(problem, steps, place))
    return found


def find_first_error(task: Task, problem: Problem, steps: Sequence[str]) -> int | None:
    """The first wrong step of a solution, or NO_ERROR; None where the task cannot know, or where
    there is no step.
    """
    right = truths(task, problem, steps)
    if not steps or None in right:
        return None
    return right.index(False) if False in right else NO_ERROR


def predict(
    scorer: Scorer, validation: Sequence[FirstError], tests: Mapping[str, Sequence[FirstError]]
) -> pd.DataFrame:
    """The first errors that a reward model predicts in the tests' solutions.

    The threshold is the best on `validation`. Where those solutions are all erroneous or all right,
    all thresholds are equally good, and it is 0.5.
    """
    places = [each.first_error for each in validation]
    mixed = len({place == NO_ERROR for place in places}) == 2
    threshold = best_threshold(_scores(scorer, validation), places) if mixed else HALF
    rows = []
    for dataset, solutions in tests.items():
        scores = _scores(scorer, solutions)
        for number, (each, of_steps) in enumerate(zip(solutions, scores, strict=True)):
            rows.append(
                {
                    "dataset": dataset,
                    "problem_id": each.problem.problem_id,
                    "solution_id": number,
                    "threshold": threshold,
                    "first_error": each.first_error,
                    "predicted": first_error(of_steps, threshold),
                }
            )
    return pd.DataFrame(rows)


def first_error(scores: np.ndarray, threshold: float) -> int:
    """The first step [steps] with a score below the threshold, or NO_ERROR."""
    below = np.flatnonzero(np.asarray(scores) < threshold)
    return int(below[0]) if len(below) else NO_ERROR


def best_threshold(scores: Sequence[np.ndarray], labels: Sequence[int]) -> float:
    """The threshold with the highest F1, the lowest of equals.

    The first error e of a solution is found at thresholds in (s_e, min of the scores before e]; a
    right solution passes at thresholds up to its lowest score. So F1 is constant between two
    neighbours of these bounds, and the middle of each such interval is tried.
    """
    wrong = _check_both(labels)
    # above all scores: a first error at step 0 has no upper bound
    highest = max(float(np.max(of_steps)) for of_steps in scores) + 1
    low, high, lowest = [], [], []
    for of_steps, label in zip(scores, labels, strict=True):
        if label == NO_ERROR:
            lowest.append(float(np.min(of_steps)))
        else:
            low.append(float(of_steps[label]))
            high.append(max(low[-1], float(np.min(of_steps[:label], initial=highest))))
    bounds = np.unique([*low, *high, *lowest])
    tried = np.concatenate([bounds[:1], (bounds[1:] + bounds[:-1]) / 2])
    found = _count_below(low, tried) - _count_below(high, tried)
    passed = len(lowest) - _count_below(lowest, tried)
    f1 = harmonic(found / wrong.sum(), passed / (~wrong).sum())
    return float(tried[int(np.argmax(f1))])


def _count_below(values: Sequence[float], thresholds: np.ndarray) -> np.ndarray:
    """How many of the values are below each threshold."""
    return np.searchsorted(np.sort(values), thresholds, "left")


def harmonic(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The harmonic means of shares: 0 where both are 0, NaN where one is NaN."""
    both = np.asarray(a + b)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(both > 0, 2 * a * b / both, np.where(np.isnan(both), np.nan, 0.0))


def _check_both(labels: Sequence[int]) -> np.ndarray:
    """Which solutions are erroneous; raises UserError where all or none are."""
    wrong = np.asarray(labels) != NO_ERROR
    if wrong.all() or not wrong.any():
        raise UserError(
            "first-error F1 needs both erroneous and right solutions: "
            f"of {len(wrong)} given, {int(wrong.sum())} are erroneous"
        )
    return wrong


def _scores(scorer: Scorer, solutions: Sequence[FirstError]) -> list[np.ndarray]:
    scored = scorer.score([(each.problem, each.steps) for each in solutions])
    return [each.scores for each in scored]
