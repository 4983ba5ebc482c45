"""Paired bootstrap over problems: what a mean accuracy, or a difference of two, could be on other problems.

Problems are resampled, never single draws of one, and everything measured on the same problems is resampled together,
so that curves and differences are paired. Resamples depend on the seed and the data set alone: two calls on the same
problems see the same ones. An interval here says nothing about other training seeds or other policies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from prmscale.engines import seeds
from prmscale.errors import UserError

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A mean over `n` problems and the interval it is known to."""

    mean: float
    low: float
    high: float
    n: int


def mean_interval(values: npt.ArrayLike, level: float = 0.95, draws: int = 2000, seed: int = 0) -> Interval:
    """The mean of one value a problem, missing values left out, with its bootstrap interval.

    One value has no interval (low and high are NaN). Values that are all alike have one of width zero: the bootstrap
    cannot imagine a problem unlike those it has seen.
    """
    column = np.asarray(values, dtype=float)
    if column.ndim != 1:
        raise ValueError(f"one value a problem is wanted, not an array of shape {column.shape}")
    column = column[~np.isnan(column)]
    if not len(column):
        raise UserError("nothing to average: no problem has a value")
    return _intervals(column[:, None], [_resamples(len(column), draws, seed, "")], level)[0]


def paired_difference(
    a: npt.ArrayLike, b: npt.ArrayLike, level: float = 0.95, draws: int = 2000, seed: int = 0
) -> Interval:
    """The mean of a - b, problem by problem in the same order; a problem missing in one of them is left out."""
    first, second = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if first.shape != second.shape:
        raise ValueError(f"values of the same problems are wanted, not of shapes {first.shape} and {second.shape}")
    return mean_interval(first - second, level, draws, seed)


def curve(
    table: pd.DataFrame,
    by: Sequence[str],
    value: str = "correct",
    *,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Mean, interval and number of problems of each group, with the same resampled problems in every group.

    Columns of the result: `by`, mean, low, high, n. Rows of one problem within a group (seeds) are averaged first.
    Where the table has a column `dataset`, each data set is resampled on its own: its number of problems stays.
    """
    missing = [column for column in [*by, value, "problem_id"] if column not in table]
    if missing:
        raise UserError(f"no column {missing[0]!r} to average over; the table has {list(table.columns)}")
    if table.empty:
        raise UserError(f"nothing to average: no row is left to group by {', '.join(by)}")
    if table[list(by)].isna().to_numpy().any():
        raise UserError(f"missing values in the columns to group by ({', '.join(by)})")
    wide = _problems_by_group(table, list(by), value)
    strata = wide.index.get_level_values(0)
    counts = [_resamples(int((strata == s).sum()), draws, seed, str(s)) for s in strata.unique()]
    found = _intervals(wide.to_numpy(), counts, level)
    keys = wide.columns.to_frame(index=False)
    keys.columns = pd.Index(list(by))
    return pd.concat([keys, pd.DataFrame([vars(each) for each in found])], axis=1)


def _problems_by_group(table: pd.DataFrame, by: list[str], value: str) -> pd.DataFrame:
    """One row a problem (stratum, problem_id), sorted; one column a group."""
    stratum = table["dataset"] if "dataset" in table else pd.Series("", index=table.index)
    keys = [stratum.rename("stratum"), table["problem_id"].rename("problem"), *(table[column] for column in by)]
    means = table[value].astype(float).groupby(keys).mean()
    return means.unstack(list(range(2, 2 + len(by)))).sort_index().sort_index(axis=1)


def _resamples(n: int, draws: int, seed: int, stratum: str) -> Array:
    """How often each of n problems is drawn in each of `draws` resamples."""
    generator = seeds.generator(seed, "bootstrap", stratum)
    return generator.multinomial(n, np.full(n, 1 / n), size=draws).astype(float)


def _intervals(values: Array, counts: Sequence[Array], level: float) -> list[Interval]:
    """The interval of each column of values (problems x groups); `counts` hold the strata in the rows' order."""
    known = ~np.isnan(values)
    filled = np.where(known, values, 0.0)
    cuts = np.cumsum([each.shape[1] for each in counts])[:-1]
    sums = sum(c @ part for c, part in zip(counts, np.split(filled, cuts), strict=True))
    weights = sum(c @ part for c, part in zip(counts, np.split(known.astype(float), cuts), strict=True))
    with np.errstate(invalid="ignore"):  # a resample may miss every problem of a sparse group
        means = np.asarray(sums) / np.asarray(weights)
    found = []
    for group, n in enumerate(known.sum(axis=0)):
        if n < 2:
            mean = float(filled[:, group].sum()) if n else float("nan")
            found.append(Interval(mean, float("nan"), float("nan"), int(n)))
            continue
        low, high = np.nanquantile(means[:, group], _tails(level, int(n)))
        found.append(Interval(float(filled[:, group].sum() / n), float(low), float(high), int(n)))
    return found


def _tails(level: float, n: int) -> tuple[float, float]:
    """The percentiles that cover `level`: the bootstrap's spread is too small by sqrt((n - 1) / n) and it ignores that
    the spread itself is estimated, so few problems call for wider tails (Hesterberg 2015, arXiv 1411.5279).
    """
    tail = float(stats.norm.cdf(np.sqrt(n / (n - 1)) * stats.t.ppf((1 - level) / 2, n - 1)))
    return tail, 1 - tail
