"""What search strategies spent, and how accurate each was at what it spent.

A budget is what a strategy may spend; what it spent is counted in samples' worth: the mean tokens
that it generated on a data set, over the mean tokens of one sample of the same problems, so that
best-of-n spends n. Between a strategy's budgets the accuracies of each problem and training seed
are interpolated along log2 of what was spent; above the most that it spent, and below the least, it
has no accuracy. A strategy that leaves more than 5 % of a budget unspent is named. A problem
without an answer within a budget counts as wrong, and no problem is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from prmscale.analysis.estimates import Array
from prmscale.analysis.rows import average_per_problem

UNSPENT = 0.05  # share of a budget: a strategy that leaves more is named
# a curve keeps its end's value this far beyond its ends, because the table holds whole tokens
ROUNDING = 0.01
WHOLE = ("one_sample", "best_of_n", "majority")  # a budget of n is n samples
KEYS = ["dataset", "strategy", "budget"]
SPENT = [*KEYS, "spent", "share", "unanswered"]


@dataclass(frozen=True)
class Curve:
    """What a strategy spent, and its accuracies by problem and seed there
    (`rows.average_per_problem`).
    """

    spent: Array  # samples' worth, from the least to the most
    tables: tuple[pd.DataFrame, ...]

    def at(self, worth: float) -> pd.DataFrame:
        """The accuracies at this amount (samples' worth); empty outside what was measured."""
        if not self.spent[0] / (1 + ROUNDING) <= worth <= self.spent[-1] * (1 + ROUNDING):
            return pd.DataFrame()
        above = int(np.searchsorted(self.spent, worth, side="right"))
        if above in (0, len(self.spent)):
            return self.tables[max(above - 1, 0)]
        less, more, here = np.log2([self.spent[above - 1], self.spent[above], worth])
        share = (here - less) / (more - less)
        return self.tables[above - 1] * (1 - share) + self.tables[above] * share


def measure_spending(rows: pd.DataFrame) -> pd.DataFrame:
    """What each strategy spent of each budget, by data set (columns `SPENT`): `spent` in samples'
    worth, `share` of the budget, and `unanswered`, the share of problems without an answer.

    `spent` is NaN on a data set without one sample, best-of-n and majority, where the tokens of a
    sample are not known.
    """
    if rows.empty:
        return pd.DataFrame(columns=SPENT)
    by_dataset = rows.groupby("dataset", sort=True)
    samples = {dataset: _count_sample_tokens(group) for dataset, group in by_dataset}
    sample = pd.concat(samples, names=["dataset", "problem_id"]).rename("sample")
    used = rows.groupby([*KEYS, "problem_id"])["policy_tokens"].mean().reset_index()
    both = used.merge(sample, "left", on=["dataset", "problem_id"])
    means = both.groupby(KEYS)[["policy_tokens", "sample"]].mean()
    table = pd.DataFrame({"spent": means["policy_tokens"] / means["sample"]}).reset_index()
    without = rows["finish_reason"].eq("budget").groupby([rows[key] for key in KEYS]).mean()
    share = table["spent"] / table["budget"]
    return table.assign(share=share, unanswered=without.to_numpy())[SPENT]


def find_unspent(rows: pd.DataFrame) -> pd.DataFrame:
    """The strategies that left more than 5 % of a budget unspent: columns dataset, strategy,
    budget, share (of the budget that was spent).
    """
    table = measure_spending(rows)
    return table.loc[table["share"] < 1 - UNSPENT, [*KEYS, "share"]].reset_index(drop=True)


def curves(rows: pd.DataFrame) -> dict[str, Curve]:
    """Each strategy's curve on the rows of one data set (or of some of its problems); empty where
    the tokens of a sample are not known.
    """
    table = measure_spending(rows).dropna(subset="spent").sort_values(["spent", "budget"])
    by_budget = rows.groupby(["strategy", "budget"])
    accuracies = {key: average_per_problem(group) for key, group in by_budget}
    found = {}
    for name, group in table.groupby("strategy"):
        tables = tuple(accuracies[name, budget] for budget in group["budget"])
        found[str(name)] = Curve(group["spent"].to_numpy(), tables)
    return found


def common_amount(every: Iterable[Curve]) -> float:
    """The largest amount that all strategies spent, in samples' worth; 0 without any."""
    return float(min((curve.spent[-1] for curve in every), default=0.0))


def point(every: Mapping[str, Curve], budget: float) -> float:
    """The amount (samples' worth) at which strategies are compared within a budget: the budget, or
    where some end up to 5 % short of it, the least that these spent, so that they take part.
    """
    ends = (float(curve.spent[-1]) for curve in every.values())
    return min([float(budget), *(end for end in ends if (1 - UNSPENT) * budget <= end)])


def _count_sample_tokens(rows: pd.DataFrame) -> pd.Series:
    """Mean tokens of a sample by problem, from one sample, else best-of-n, else majority; NaN
    without any of them.
    """
    for name in WHOLE:
        sampled = rows[rows["strategy"] == name]
        if len(sampled):
            least = sampled[sampled["budget"] == sampled["budget"].min()]
            return (least["policy_tokens"] / least["budget"]).groupby(least["problem_id"]).mean()
    return pd.Series(np.nan, index=rows["problem_id"].unique())
