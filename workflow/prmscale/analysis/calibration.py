"""How far the scores of steps are from probabilities: is a share s right of those with score s?

What a score is compared with is `right`: the truth of the step (in solutions of test problems), or
the share of right rollouts from it (in labelled solutions of validation problems). Every number is
a mean over problems of means over their steps, so intervals are those of `estimates`.

The signed gap, score − right, is a mean like others. The expected calibration error (Guo et al.
2017, arXiv 1706.04599) is the mean size of the gap by ranges of the score. Ranges hold equally many
steps (deciles of each training's scores): scores crowd near 0 and 1, and ranges of equal width
would be empty between. The plain error, which gives each range the sign of the gap measured in it,
is too large on average, because the size of noise is positive. Here the problems come in a random
order, and each is given the signs that the problems before it gave the ranges (after a first part
that gives signs alone). Then no noise is counted twice: scores that are probabilities have an error
of 0 on average, and others at most their true one, because a sign may be wrong. So the true error
lies between the two expectations, and an interval reaches from the lower end of the one to the
upper end of the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from prmscale.analysis.estimates import DIFFERENCE, SHARE, UNBOUNDED, Array, curve, mean_interval
from prmscale.analysis.intervals import Interval
from prmscale.seeds import generator

TRUTH, ROLLOUTS = "truth", "rollouts"
SOURCES = {TRUTH: ("test", "truth"), ROLLOUTS: ("validation", "value")}  # the split, the column
BY = ["dataset", "policy", "against", "reward_model"]
RANGES = 10
FIRST = 0.2  # share of the problems that give signs alone
ERROR, PLAIN, GAP = "calibration_error", "plain_error", "overconfidence"
MEASURES = {GAP: "gap", "brier": "square", "score": "score", "right": "right"}
EVERY = "all"
QUARTERS = ("first quarter", "second quarter", "third quarter", "last quarter")
COLUMNS = [*BY, "measure", "position", "mean", "low", "high", "n", "seeds"]


class Bounds(NamedTuple):
    """A calibration error from below (signs from earlier problems) and from above (signs from all
    problems), each of the mean training.
    """

    least: Interval
    most: Interval

    @property
    def interval(self) -> Interval:
        """The estimate from below, whose interval reaches up to the upper end of the other."""
        return replace(self.least, high=max(self.least.high, self.most.high), n=self.most.n)


def compare(steps: pd.DataFrame) -> pd.DataFrame:
    """The scores of the table `reliability` beside what they are compared with, one row a step.

    Columns: those of BY, problem_id, replicate, score, right, gap (score − right), its square, and
    position: the quarter of the solution in which the middle of the step lies. Solutions of known
    truth are compared with the truth, steps with rollouts (also) with their value.
    """
    parts = []
    for against, (split, column) in SOURCES.items():
        rows = steps[(steps["split"] == split) & steps[column].notna()]
        gap = (rows["score"] - rows[column]).astype(float)
        quarter = (rows["step"] + 0.5) / rows["steps"] * len(QUARTERS)
        named = rows[["dataset", "policy", "reward_model", "problem_id", "replicate", "score"]]
        parts.append(
            named.assign(
                against=against,
                right=rows[column].astype(float),
                gap=gap,
                square=gap**2,
                position=[QUARTERS[int(number)] for number in quarter],
            )
        )
    return pd.concat(parts, ignore_index=True)


def keep_policy(steps: pd.DataFrame, search: pd.DataFrame) -> pd.DataFrame:
    """The rows of the table `reliability` about a policy's solutions: those of test problems by the
    policy of `search`, published ones, and those of validation problems, whoever wrote them.
    """
    names = [*search["policy"].unique(), ""]
    return steps[steps["policy"].isin(names) | (steps["split"] != "test")]


def measure(compared: pd.DataFrame, level: float) -> pd.DataFrame:
    """The calibration of every reward model: the table with COLUMNS.

    Measures: `calibration_error` (from below, its upper end from above), `plain_error` (from
    above), `overconfidence` (the mean gap, also by `position`), `brier` (the mean squared gap),
    `score` and `right` (their means).
    """
    if compared.empty:
        return pd.DataFrame(columns=COLUMNS)
    parts = []
    for name, column in MEASURES.items():
        found = curve(
            compared, BY, column, level=level, within=DIFFERENCE if name == GAP else SHARE
        )
        parts.append(found.assign(measure=name, position=EVERY))
    parts.append(by_quarter(compared, level).assign(measure=GAP))
    errors = []
    for keys, rows in compared.groupby(BY, sort=True):
        error = calibration_error(rows, level)
        for name, found in ((ERROR, error.interval), (PLAIN, error.most)):
            numbers = (found.mean, found.low, found.high, found.n, found.seeds)
            errors.append((*keys, name, EVERY, *numbers))
    parts.append(pd.DataFrame(errors, columns=COLUMNS))
    return pd.concat(parts, ignore_index=True)[COLUMNS].sort_values(
        [*BY, "measure"], kind="stable", ignore_index=True
    )


def by_quarter(compared: pd.DataFrame, level: float) -> pd.DataFrame:
    """The mean gap by the quarter of the solution: columns BY, position, mean, low, high, n,
    seeds.
    """
    return curve(compared, [*BY, "position"], "gap", level=level, within=DIFFERENCE)


def reliability(compared: pd.DataFrame, level: float) -> pd.DataFrame:
    """The share of right steps by the range of their score, and the mean score there: columns BY,
    range, mean, low, high, n, seeds, score.
    """
    trained = compared.groupby([*BY, "replicate"])["score"]
    rows = compared.assign(range=trained.transform(ranges))
    by = [*BY, "range"]
    score = rows.groupby(by)["score"].mean().reset_index()
    return curve(rows, by, "right", level=level).merge(score, on=by)


def calibration_error(rows: pd.DataFrame, level: float) -> Bounds:
    """The calibration error of the rows of `compare` about one reward model on one data set."""
    problems = rows["problem_id"].unique()
    places = generator("calibration").permutation(len(problems))
    order = dict(zip(sorted(problems), places, strict=True))
    least, most = {}, {}
    for replicate, of_one in rows.groupby("replicate"):
        names, gaps = _sum_gaps(of_one, order)
        before = np.cumsum(gaps, axis=0) - gaps
        signed = pd.Series((gaps * np.sign(before)).sum(axis=1), names)
        least[replicate] = signed.iloc[int(FIRST * len(signed)) :]
        most[replicate] = pd.Series(gaps @ np.sign(gaps.sum(axis=0)), names)
    tables = (pd.DataFrame(least), pd.DataFrame(most))
    return Bounds(*(mean_interval(table, level, within=UNBOUNDED) for table in tables))


def _sum_gaps(rows: pd.DataFrame, order: Mapping[str, int]) -> tuple[list[str], Array]:
    """The problems in this order, and what each adds to the mean gap in each range of scores
    [problems, ranges].
    """
    names = sorted(rows["problem_id"].unique(), key=order.__getitem__)
    codes = pd.Index(names).get_indexer(rows["problem_id"])
    shares = rows["gap"].to_numpy() / np.bincount(codes)[codes]
    gaps = np.zeros((len(names), RANGES))
    np.add.at(gaps, (codes, ranges(rows["score"])), shares)
    return names, gaps


def ranges(scores: pd.Series) -> npt.NDArray[np.int_]:
    """The number of each score's range, from 0; equal scores share a range."""
    edges = np.quantile(scores, np.arange(1, RANGES) / RANGES)
    return np.searchsorted(edges, scores, side="left")
