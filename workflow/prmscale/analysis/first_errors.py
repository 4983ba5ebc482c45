"""First errors that reward models name: the table that figure 10 is drawn from, and its F1 with
intervals.

A reward model's threshold is chosen once, on solutions that nothing is reported on (labelled
validation solutions whose truth is known), and used on every data set, as ProcessBench does (arXiv
2412.06559).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from prmscale.analysis.estimates import SHARE, Array, statistic_interval
from prmscale.engines.scheduler import Scorer
from prmscale.labels.label import truths
from prmscale.rewards.first_error_f1 import best_threshold, first_error, harmonic
from prmscale.tasks.base import Problem, Task
from prmscale.tasks.benchmarks.process_bench import NO_ERROR, FirstError

BY = ["dataset", "reward_model"]
HALF = 0.5  # the threshold of scores that are probabilities
COUNTS = [
    "found",
    "erroneous",
    "passed",
    "right",
]  # F1 is the harmonic mean of found / erroneous and passed / right


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


def named(
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
            "named": first_error(scores, threshold),
        }
        for dataset, own in tests.items()
        for number, (each, scores) in enumerate(zip(own, _scores(scorer, own), strict=True))
    ]
    return pd.DataFrame(rows)


def _scores(scorer: Scorer, solutions: Sequence[FirstError]) -> list[np.ndarray]:
    return [
        scored.scores for scored in scorer.score([(each.problem, each.steps) for each in solutions])
    ]


def f1(table: pd.DataFrame, level: float) -> pd.DataFrame:
    """F1 of each reward model on each data set (columns of BY, mean, low, high, erroneous, correct,
    n, seeds).

    Each problem and training seed moves the two shares, and these F1. A data set without erroneous
    or without right solutions has no F1 and is left out.
    """
    hit = table["named"] == table["first_error"]
    wrong = table["first_error"] != NO_ERROR
    counts = pd.DataFrame(
        {"found": hit & wrong, "erroneous": wrong, "passed": hit & ~wrong, "right": ~wrong},
        dtype=float,
    )
    rows = []
    for keys, own in pd.concat([table[[*BY, "problem_id", "seed"]], counts], axis=1).groupby(
        BY, sort=True
    ):
        sums = own.groupby(["problem_id", "seed"])[COUNTS].sum().unstack("seed", fill_value=0.0)
        seeds = sums.shape[1] // len(COUNTS)
        values = sums.to_numpy().reshape(len(sums), len(COUNTS), seeds).transpose(0, 2, 1)
        erroneous, correct = _shares(values.mean(axis=(0, 1)))
        if np.isnan(erroneous) or np.isnan(correct):
            continue
        found = statistic_interval(values, _f1, level, within=SHARE)
        numbers = (
            found.mean,
            found.low,
            found.high,
            float(erroneous),
            float(correct),
            found.n,
            found.seeds,
        )
        rows.append((*keys, *numbers))
    return pd.DataFrame(
        rows, columns=[*BY, "mean", "low", "high", "erroneous", "correct", "n", "seeds"]
    )


def _f1(counts: Array) -> Array:
    """F1 of counts [..., COUNTS]."""
    return harmonic(*_shares(counts))


def _shares(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Accuracy on erroneous and on right solutions, of counts [..., COUNTS]; NaN where there are
    none.
    """
    found, erroneous, passed, right = np.moveaxis(np.asarray(counts), -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return found / erroneous, passed / right
