"""What claims and checks share: the rows they use, accuracies by problem and seed, and paired
intervals.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd

from prmscale.analysis.estimates import DIFFERENCE, Array, Range, mean_interval
from prmscale.analysis.intervals import Interval
from prmscale.analysis.rows import average_per_problem, keep_controls, keep_final
from prmscale.analysis.verdicts import Check, Rules, judge_above


def iter_datasets(search: pd.DataFrame, rules: Rules) -> Iterator[tuple[str, pd.DataFrame]]:
    """Each data set and its rows that verdicts use, at every budget: fully trained PRMs by
    best-of-n, and controls.
    """
    rows = keep_final(search)
    control = rows["reward_model"].eq("") | rows["strategy"].eq("base_likelihood")
    scored = (rows["strategy"] == "best_of_n") & (rows["aggregation"] == rules.aggregation)
    for dataset, group in rows[control | scored].groupby("dataset", sort=True):
        yield str(dataset), group


def iter_at_budget(
    search: pd.DataFrame, rules: Rules, budget: int | None = None
) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows of `iter_datasets` at one budget (None: the data set's largest), with one sample
    beside them.
    """
    for dataset, rows in iter_datasets(search, rules):
        at = rows["budget"].max() if budget is None else budget
        yield dataset, rows[(rows["budget"] == at) | (rows["strategy"] == "one_sample")]


def accuracy(rows: pd.DataFrame, reward_models: Iterable[str]) -> pd.DataFrame:
    """Accuracy of best-of-n by problem (rows) and training seed (columns), averaged over these
    reward models; empty where none was measured.
    """
    chosen = rows["reward_model"].isin(list(reward_models))
    scored = rows[(rows["strategy"] == "best_of_n") & chosen]
    return average_per_problem(scored) if len(scored) else pd.DataFrame()


def accuracy_of_control(rows: pd.DataFrame, strategy: str) -> pd.DataFrame:
    """Accuracy by problem of a strategy without a reward model; empty where it was not measured."""
    found = keep_controls(rows, [strategy])
    return average_per_problem(found) if len(found) else pd.DataFrame()


def estimate(
    values: pd.DataFrame, rules: Rules, level: float | None = None, within: Range = DIFFERENCE
) -> Interval | None:
    """The mean of a table by problem and seed, with its interval; None where nothing was measured.

    `within` is the range of the values: `SHARE` for accuracies.
    """
    known = values.dropna(how="all")
    return mean_interval(known, level or rules.level, within=within) if known.size else None


def stack(tables: Sequence[pd.DataFrame]) -> Array:
    """Tables by problem and seed as one array (problems x seeds x tables).

    Only problems and seeds that all tables have are kept; without a common seed, the mean over
    seeds.
    """
    problems = tables[0].dropna().index
    seeds = tables[0].columns
    for table in tables[1:]:
        problems = problems.intersection(table.dropna().index)
        seeds = seeds.intersection(table.columns)
    if len(seeds):
        parts = [table.loc[problems, seeds].to_numpy() for table in tables]
    else:
        parts = [table.loc[problems].mean(axis=1).to_numpy()[:, None] for table in tables]
    return np.stack(parts, axis=-1)


def check(
    section: str,
    dataset: str,
    comparison: str,
    values: pd.DataFrame,
    rules: Rules,
    threshold: float | None = None,
) -> list[Check]:
    """The check that a difference is above a threshold (None: `rules.minimum_effect`); empty where
    it was not measured.
    """
    found = estimate(values, rules)
    if found is None:
        return []
    least = rules.minimum_effect if threshold is None else threshold
    verdict = judge_above(found, least).verdict(rules.level)
    numbers = (found.mean, found.low, found.high)
    return [Check(section, dataset, comparison, *numbers, verdict, found.n, found.seeds)]
