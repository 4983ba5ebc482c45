"""What claims and checks share: the rows they look at, accuracies by problem and seed, and paired
intervals.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd

from prmscale.analysis.estimates import DIFFERENCE, Array, Range, mean_interval
from prmscale.analysis.intervals import Interval
from prmscale.analysis.rows import average_per_problem, keep_controls, keep_final
from prmscale.analysis.verdicts import Check, Rules, above


def measured(search: pd.DataFrame, rules: Rules) -> Iterator[tuple[str, pd.DataFrame]]:
    """Each data set's rows that verdicts use, at every budget: fully trained PRMs by best-of-n, and
    controls.
    """
    rows = keep_final(search)
    scored = rows["strategy"] == "best_of_n"
    without = rows["reward_model"].eq("") | rows["strategy"].eq("base_likelihood")
    rows = rows[without | (scored & (rows["aggregation"] == rules.aggregation))]
    for dataset, own in rows.groupby("dataset", sort=True):
        yield str(dataset), own


def at_budget(
    search: pd.DataFrame, rules: Rules, budget: int | None = None
) -> Iterator[tuple[str, pd.DataFrame]]:
    """The same at one budget (the data set's largest), with one sample beside it."""
    for dataset, rows in measured(search, rules):
        at = rows["budget"].max() if budget is None else budget
        yield dataset, rows[(rows["budget"] == at) | (rows["strategy"] == "one_sample")]


def accuracy(rows: pd.DataFrame, reward_models: Iterable[str]) -> pd.DataFrame:
    """Best-of-n's accuracy by problem and seed of these reward models (averaged); empty where none
    was measured.
    """
    scored = rows[
        (rows["strategy"] == "best_of_n") & rows["reward_model"].isin(list(reward_models))
    ]
    return average_per_problem(scored) if len(scored) else pd.DataFrame()


def control(rows: pd.DataFrame, strategy: str) -> pd.DataFrame:
    """Accuracy by problem of a strategy without a reward model."""
    found = keep_controls(rows, [strategy])
    return average_per_problem(found) if len(found) else pd.DataFrame()


def interval(
    values: pd.DataFrame, rules: Rules, level: float | None = None, within: Range = DIFFERENCE
) -> Interval | None:
    """The interval of a `per_problem` table (a `SHARE`) or of a difference of two; None where
    nothing was measured.
    """
    known = values.dropna(how="all")
    return mean_interval(known, level or rules.level, within=within) if known.size else None


def stacked(tables: Sequence[pd.DataFrame]) -> Array:
    """Accuracies of the problems and seeds that all have (problems x seeds x points); seeds
    averaged if none shared.
    """
    problems = tables[0].dropna().index
    seeds = tables[0].columns
    for table in tables[1:]:
        problems, seeds = (
            problems.intersection(table.dropna().index),
            seeds.intersection(table.columns),
        )
    if not len(seeds):
        return np.stack(
            [table.loc[problems].mean(axis=1).to_numpy()[:, None] for table in tables], axis=-1
        )
    return np.stack([table.loc[problems, seeds].to_numpy() for table in tables], axis=-1)


def check(
    section: str,
    dataset: str,
    comparison: str,
    values: pd.DataFrame,
    rules: Rules,
    threshold: float | None = None,
) -> list[Check]:
    """The check that a difference is above a threshold (the rules' own); nothing where it was not
    measured.
    """
    found = interval(values, rules)
    if found is None:
        return []
    judged = above(found, rules.minimum_effect if threshold is None else threshold).verdict(
        rules.level
    )
    return [
        Check(
            section,
            dataset,
            comparison,
            found.mean,
            found.low,
            found.high,
            judged,
            found.n,
            found.seeds,
        )
    ]
