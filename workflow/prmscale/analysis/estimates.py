"""Means, paired differences and other statistics over problems and training seeds, with intervals.

The design is crossed: every training seed meets the same problems. Analysis of variance (Searle,
Casella and McCulloch 1992, Variance Components, chapter 4) gives the variance of a mean over n
problems and S seeds, p / n + s / S + i / (n S), with the variances p of problems, s of seeds and i
of their interaction: p / n comes from the problems' means, s / S + i / (n S) from the seeds' means.
`intervals` computes an interval and a p-value from the two. One seed tells nothing about other
seeds, so its interval covers the problems alone. Where cells are missing, the seeds' effects are
those of the additive model by least squares (Henderson's method 3, chapter 5 there). Strata (data
sets) have fixed numbers of problems: their variances add up.

Problems that are nearly all equal tell little about unseen problems. Therefore two imaginary
problems, one above and one below the mean, are added to the variance, at the distance of the
problems that move it (Agresti and Min 2005, Statistics in Medicine 24, 729, for matched pairs). If
all problems are equal the distance is 1, so that the interval of n problems reaches 2.8 / n, close
to the rule of three. If many problems differ the addition is negligible; if few differ, the result
agrees with the sign test.

A nonlinear statistic is replaced by a plane through its values one standard error to both sides of
the measured means, along the principal axes of their covariance. This is the delta method, with
slopes at the scale of the errors.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from prmscale.analysis.intervals import NOTHING, Interval, Part
from prmscale.errors import UserError

Array = npt.NDArray[np.float64]
Range = tuple[float, float]
Errors = tuple[float | None, float | None, float | None]  # of problems, seeds and their interaction

SHARE: Range = (0.0, 1.0)
DIFFERENCE: Range = (-1.0, 1.0)
UNBOUNDED: Range = (-np.inf, np.inf)
IMAGINARY = 2  # problems added to the measured ones
ROUNDING = 1e-9  # differences below this share of the largest value are none


def mean_interval(
    values: npt.ArrayLike, level: float = 0.95, *, within: Range = DIFFERENCE
) -> Interval:
    """The mean of one value a problem, or of one a problem and training seed, with its interval.

    `values` is [problems] or [problems, seeds]; missing values are left out. One problem has no
    interval (low and high are NaN). The interval is clipped to `within` if all values are inside.
    """
    table = _table(values)
    table = table[~np.isnan(table).all(axis=1)]
    if not table.size:
        raise UserError("nothing to average: no problem has a value")
    return _interval(table, np.zeros(len(table)), level, within)


def paired_difference(a: npt.ArrayLike, b: npt.ArrayLike, level: float = 0.95) -> Interval:
    """The mean of a - b, problem by problem; a problem missing in either is left out.

    The problems are in the same order. Either may be [problems, seeds]: seeds are paired, and a
    single column is compared with every seed.
    """
    first, second = _table(a), _table(b)
    if len(first) != len(second) or (
        1 not in (first.shape[1], second.shape[1]) and first.shape != second.shape
    ):
        raise ValueError(
            f"values must be of the same problems (and seeds), not of shapes {np.shape(a)} and "
            f"{np.shape(b)}"
        )
    return mean_interval(first - second, level)


def statistic_interval(
    values: npt.ArrayLike,
    statistic: Callable[[Array], Array],
    level: float = 0.95,
    *,
    within: Range = UNBOUNDED,
) -> Interval:
    """A statistic of the groups' means of `values` [problems, seeds, groups], with its interval.

    No value may be missing. `statistic` maps means [rows, groups] to one number a row; it may be
    nonlinear. With one problem (a measure without problems) the interval covers the seeds. A
    statistic that does not vary has no interval (low and high are NaN), unless `within` is a
    bounded range, such as that of a share: without a range, unseen problems have no scale.
    """
    table = np.asarray(values, dtype=float)
    means = table.mean(axis=(0, 1))
    moves = (table - means) @ _slopes(table, statistic)
    # rounding alone must not decide whether a statistic varies: it differs between processors
    moves[np.abs(moves) <= ROUNDING * np.abs(table).max()] = 0.0
    influence = _interval(moves, np.zeros(len(table)), level, UNBOUNDED, alone=True)
    found = float(statistic(means[None])[0])
    if within == UNBOUNDED and not moves.any():
        influence = replace(influence, parts=())
    return replace(influence, mean=found, within=within).at(level)


def curve(
    table: pd.DataFrame,
    by: Sequence[str],
    value: str = "correct",
    *,
    level: float = 0.95,
    within: Range = SHARE,
) -> pd.DataFrame:
    """Mean, interval and number of problems and seeds of each group, as by `intervals_of`.

    Columns of the result: `by`, mean, low, high, n, seeds.
    """
    found = intervals_of(table, by, value, level, within)
    names = pd.DataFrame(list(found), columns=pd.Index(list(by)))
    columns = ["mean", "low", "high", "n", "seeds"]
    return pd.concat(
        [names, pd.DataFrame([vars(each) for each in found.values()])[columns]], axis=1
    )


def intervals_of(
    table: pd.DataFrame,
    by: Sequence[str],
    value: str = "correct",
    level: float = 0.95,
    within: Range = SHARE,
) -> dict[tuple[Hashable, ...], Interval]:
    """The interval of each group of rows with the same values in the columns `by`, in their order.

    The column `replicate` numbers the training seeds; a table without it has one seed. Rows of one
    problem and seed within a group are averaged first. If the table has a column `dataset`, each
    data set is a stratum, whose number of problems is fixed. An interval is clipped to `within` if
    all values are inside.
    """
    missing = [column for column in [*by, value, "problem_id"] if column not in table]
    if missing:
        raise UserError(
            f"no column {missing[0]!r} to average over; the table has {list(table.columns)}"
        )
    if table.empty:
        raise UserError(f"nothing to average: no row is left to group by {', '.join(by)}")
    if table[list(by)].isna().to_numpy().any():
        raise UserError(f"missing values in the columns to group by ({', '.join(by)})")
    means = _average_cells(table, list(by), value)
    found = {}
    levels = list(range(len(by)))
    for key, group in means.groupby(level=levels, sort=True):
        wide = group.droplevel(levels).unstack("training seed")
        strata = wide.index.get_level_values("stratum").to_numpy()
        names = key if isinstance(key, tuple) else (key,)
        found[names] = _interval(wide.to_numpy(), strata, level, within)
    return found


def _average_cells(table: pd.DataFrame, by: list[str], value: str) -> pd.Series:
    """The mean of each group, stratum, problem and training seed that has a value."""
    stratum = table["dataset"] if "dataset" in table else pd.Series("", index=table.index)
    trained = table["replicate"] if "replicate" in table else pd.Series(1, index=table.index)
    keys = [table[column] for column in by]
    keys += [
        stratum.rename("stratum"),
        table["problem_id"].rename("problem"),
        trained.rename("training seed"),
    ]
    return table[value].astype(float).groupby(keys).mean()


def _table(values: npt.ArrayLike) -> Array:
    """Values [problems, seeds]; one value a problem becomes one column."""
    table = np.asarray(values, dtype=float)
    if table.ndim not in (1, 2):
        raise ValueError(
            "there must be one value a problem, or one a problem and seed, not the shape "
            f"{table.shape}"
        )
    return table[:, None] if table.ndim == 1 else table


def _interval(
    values: Array, strata: npt.NDArray[np.generic], level: float, within: Range, alone: bool = False
) -> Interval:
    """The interval of the mean of `values` [problems, seeds]; `strata` has each problem's stratum.

    If `alone`, one problem has an interval over its seeds.
    """
    measured = ~np.isnan(values)
    has_value = measured.any(axis=1)
    table, strata = values[has_value][:, measured.any(axis=0)], strata[has_value]
    n, trained = len(table), max(table.shape[1], 1)
    mean = float(_mean(table, 1).mean()) if n else float("nan")
    if n < 2 and not (alone and trained > 1):
        return Interval(mean, float("nan"), float("nan"), n, trained)
    by_problem, by_seed, both, ranks = _variances(table, strata)
    parts = [Part(by_problem, max(n - len(np.unique(strata)), 1))] if n > 1 else []
    least = replace(parts[0], variance=by_problem + both) if parts and ranks else NOTHING
    errors: Errors = (float(np.sqrt(by_problem)) if n > 1 else None, None, None)
    if ranks:
        parts.append(Part(by_seed, ranks))
        errors = (errors[0], float(np.sqrt(max(by_seed - both, 0.0))), float(np.sqrt(both)))
    inside = within[0] <= float(np.nanmin(table)) and float(np.nanmax(table)) <= within[1]
    ends = (float("nan"), float("nan"), n, trained if ranks else 1)
    return Interval(mean, *ends, *errors, tuple(parts), within if inside else UNBOUNDED, least).at(
        level
    )


def _variances(table: Array, strata: npt.NDArray[np.generic]) -> tuple[float, float, float, int]:
    """The parts of the variance of the mean: by problems, by seeds with the interaction, by the
    interaction alone; and the seeds' degrees of freedom, 0 if they are confounded with problems.
    """
    known = ~np.isnan(table)
    cells, n = int(known.sum()), len(table)
    weights = known / known.sum(axis=1, keepdims=True)  # a cell's weight in the mean, times n
    shifts, explained, ranks = _seed_shifts(table, known, weights)
    rows = _mean(table - shifts, 1)
    interaction, left = 0.0, cells - n - ranks
    if ranks and left > 0:
        interaction = float(np.nansum((table - shifts - rows[:, None]) ** 2)) / left
    both = interaction * float((weights**2).sum()) / n**2
    by_problem = max(_problem_variance(rows, strata) - both, 0.0) if n > 1 else 0.0
    if not ranks:
        return by_problem, 0.0, 0.0, 0
    if n == 1:
        return 0.0, explained / ranks / cells, 0.0, ranks
    # proportional to the seeds' mean square; with the interaction subtracted it would often be 0
    of_seeds = float((weights.sum(axis=0) ** 2).sum()) / (cells - n)
    of_cells = float((weights**2).sum())
    by_seed = explained / ranks * max(of_seeds, of_cells) / n**2
    return by_problem, by_seed, both, ranks


def _seed_shifts(
    table: Array, known: npt.NDArray[np.bool_], weights: Array
) -> tuple[Array, float, int]:
    """How far each seed is above the mean, by least squares; the sum of squares that the shifts
    explain; and their degrees of freedom.
    """
    if table.shape[1] == 1:
        return np.zeros(1), 0.0, 0
    if len(table) == 1:
        shifts = table[0] - table[0].mean()
        return shifts, float((shifts**2).sum()), table.shape[1] - 1
    above = np.where(known, table - _mean(table, 1)[:, None], 0.0).sum(axis=0)
    equations = np.diag(known.sum(axis=0)) - known.T @ weights
    # one singular value is always 0
    shifts = np.linalg.pinv(equations, rcond=ROUNDING, hermitian=True) @ above
    rank = int(np.linalg.matrix_rank(equations, ROUNDING * known.sum(), hermitian=True))
    return shifts, float(shifts @ above), rank


def _problem_variance(means: Array, strata: npt.NDArray[np.generic]) -> float:
    """The variance of the mean of these problems' means, with the imaginary problems."""
    _, places, counts = np.unique(strata, return_inverse=True, return_counts=True)
    centres, sizes = (np.bincount(places, means) / counts)[places], counts[places]
    # the only problem of a stratum tells no variance: it is compared with all problems
    apart = means - np.where(sizes > 1, centres, means.mean())
    scale = np.where(sizes > 1, sizes / np.maximum(sizes - 1, 1), 1.0)
    squares = float((apart**2 * scale).sum())
    return (squares + IMAGINARY * _unit(apart)) / len(means) ** 2


def _unit(apart: Array) -> float:
    """The mean squared distance of the problems, weighted by it; 1 where all are equal."""
    squares = apart**2
    total = float(squares.sum())
    return float((squares**2).sum()) / total if total > 1e-20 else 1.0


def _slopes(table: Array, statistic: Callable[[Array], Array]) -> Array:
    """A statistic's slopes at the groups' means, from one standard error below to one above."""
    n, trained, _ = table.shape
    means = table.mean(axis=(0, 1))
    rows, columns = table.mean(axis=1) - means, table.mean(axis=0) - means
    covariance = rows.T @ rows / n**2 + columns.T @ columns / trained / max(trained - 1, 1)
    squares, axes = np.linalg.eigh(covariance)
    steps = axes * np.sqrt(np.maximum(squares, 0.0))
    steps = steps[:, squares > 1e-12 * squares.max()] if squares.max() > 0 else steps[:, :0]
    above = np.asarray(statistic(means + steps.T), dtype=float)
    below = np.asarray(statistic(means - steps.T), dtype=float)
    return steps @ ((above - below) / 2 / (steps**2).sum(axis=0))


def _mean(values: Array, axis: int) -> Array:
    """The mean of the known values along the axis, where at least one is known."""
    known = ~np.isnan(values)
    return np.asarray(np.where(known, values, 0.0).sum(axis=axis) / known.sum(axis=axis))
