"""What readings do with the labels that labellers have stored."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import pandas as pd

from prmscale.tables import SOLUTION_KEY


def pool(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The first labeller's rows, with what all labellers spent.

    `tables` are labels of the same steps, in the same order, by different policies. Rollouts,
    successes and tokens are sums; names of policies and weights are joined by "+".
    """
    rows = tables[0].copy()
    for column in ("rollouts", "successes", "tokens_spent"):
        rows[column] = sum(table[column].to_numpy() for table in tables)
    for column in ("policy", "weights"):
        names = [table[column].to_numpy(object) for table in tables]
        rows[column] = reduce(lambda joined, more: joined + "+" + more, names)
    return rows


def by_solution(values: pd.Series, labels: pd.DataFrame) -> pd.core.groupby.SeriesGroupBy:
    """These values, one a row of `labels`, grouped by solution."""
    return values.groupby([labels[key] for key in SOLUTION_KEY], sort=False)


def value_before(labels: pd.DataFrame) -> pd.Series:
    """The value before each step: that after the step before it.

    Before the first step it is the mean of the values after the first steps of the problem's
    solutions, which the policy has drawn: an estimate of its chance from the bare problem.
    """
    values, first = labels["value"], labels["step"] == 0
    starts = values.where(first).groupby(labels["problem_id"]).transform("mean")
    return by_solution(values, labels).shift().where(~first, starts)
