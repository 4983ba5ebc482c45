"""What search strategies spent, and how accurate each was at what it spent.

A budget is what may be spent; what was spent is counted. The unit is samples' worth: the mean
tokens that a strategy generated on a data set, over the mean tokens of one sample of the same
problems, so that best-of-n spends n. Between a strategy's measured budgets the accuracies of each
problem and training seed are interpolated along log2 of what was spent; beyond the most that it
spent (and below the least) it has no accuracy. A strategy that leaves more than 5 % of a budget
unspent is named. A problem without an answer within a budget counts as wrong, and none is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from prmscale.analysis.estimates import Array
from prmscale.analysis.rows import average_per_problem

UNSPENT = 0.05  # of a budget: a strategy that leaves more is named
ROUNDING = (
    0.01  # so near to its ends a curve still has its end's value: the table holds whole tokens
)
WHOLE = ("one_sample", "best_of_n", "majority")  # a budget of n is n samples
KEYS = ["dataset", "strategy", "budget"]
SPENT = [*KEYS, "spent", "share", "unanswered"]


@dataclass(frozen=True)
class Curve:
    """A strategy's accuracies by problem and seed (`average_per_problem`) at each budget, and
    what it `spent`.
    """

    spent: Array  # samples' worth, from the least to the most
    tables: tuple[pd.DataFrame, ...]

    def at(self, worth: float) -> pd.DataFrame:
        """The accuracies at so many samples' worth; empty where the strategy was not measured."""
        if not self.spent[0] / (1 + ROUNDING) <= worth <= self.spent[-1] * (1 + ROUNDING):
            return pd.DataFrame()
        above = int(np.searchsorted(self.spent, worth, side="right"))
        if above in (0, len(self.spent)):
            return self.tables[max(above - 1, 0)]
        less, more, here = np.log2([self.spent[above - 1], self.spent[above], worth])
        share = (here - less) / (more - less)
        return self.tables[above - 1] * (1 - share) + self.tables[above] * share


def spent(rows: pd.DataFrame) -> pd.DataFrame:
    """What each strategy spent of each budget, by data set (columns SPENT): in samples' worth, as a
    share of the budget, and at which share of the problems it had no answer.

    What was spent is NaN on a data set without one sample, best-of-n and majority: nothing says
    what a sample takes.
    """
    if rows.empty:
        return pd.DataFrame(columns=SPENT)
    samples = {dataset: _sample_tokens(own) for dataset, own in rows.groupby("dataset", sort=True)}
    sample = pd.concat(samples, names=["dataset", "problem_id"]).rename("sample")
    mine = rows.groupby([*KEYS, "problem_id"])["policy_tokens"].mean().reset_index()
    means = (
        mine.merge(sample, "left", on=["dataset", "problem_id"])
        .groupby(KEYS)[["policy_tokens", "sample"]]
        .mean()
    )
    table = pd.DataFrame({"spent": means["policy_tokens"] / means["sample"]}).reset_index()
    without = rows["finish_reason"].eq("budget").groupby([rows[key] for key in KEYS]).mean()
    return table.assign(share=table["spent"] / table["budget"], unanswered=without.to_numpy())[
        SPENT
    ]


def unspent(rows: pd.DataFrame) -> pd.DataFrame:
    """The strategies that left more than 5 % of a budget unspent: dataset, strategy, budget, share
    that was spent.
    """
    table = spent(rows)
    return table.loc[table["share"] < 1 - UNSPENT, [*KEYS, "share"]].reset_index(drop=True)


def curves(rows: pd.DataFrame) -> dict[str, Curve]:
    """Each strategy's curve on the rows of one data set (or of some of its problems); none where
    what a sample takes is not known.
    """
    table = spent(rows).dropna(subset="spent").sort_values(["spent", "budget"])
    accuracies = {
        key: average_per_problem(own) for key, own in rows.groupby(["strategy", "budget"])
    }
    return {
        str(name): Curve(
            own["spent"].to_numpy(), tuple(accuracies[name, budget] for budget in own["budget"])
        )
        for name, own in table.groupby("strategy")
    }


def common(every: Iterable[Curve]) -> float:
    """The largest amount that all of them spent, in samples' worth; 0 of none."""
    return float(min((curve.spent[-1] for curve in every), default=0.0))


def point(every: Mapping[str, Curve], budget: float) -> float:
    """The samples' worth at which strategies are compared within a budget: the budget.

    Where some end up to 5 % short of it, it is the least that these spent, so that they take part.
    """
    ends = (float(curve.spent[-1]) for curve in every.values())
    return min([float(budget), *(end for end in ends if (1 - UNSPENT) * budget <= end)])


def _sample_tokens(rows: pd.DataFrame) -> pd.Series:
    """Mean tokens of a sample by problem: of one sample, else what best-of-n or majority spent on
    each of theirs; NaN without any of them.
    """
    for name in WHOLE:
        own = rows[rows["strategy"] == name]
        if len(own):
            least = own[own["budget"] == own["budget"].min()]
            return (least["policy_tokens"] / least["budget"]).groupby(least["problem_id"]).mean()
    return pd.Series(np.nan, index=rows["problem_id"].unique())
