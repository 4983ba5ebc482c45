"""Means, paired differences and other statistics of problems and training seeds, with one kind of
interval for all.

What is measured is a crossed design: every training seed meets the same problems. Its analysis of
variance (Searle, Casella and McCulloch 1992, Variance Components, chapter 4) tells the variance of
a mean over n problems and S seeds, p / n + s / S + i / (n S), with the variances p of problems, s
of seeds and i of their interaction: p / n comes from the problems' means, s / S + i / (n S) from
the seeds' means, and `intervals` makes of the two an interval and a p-value. One seed says nothing
about others: its interval covers the problems alone. Where cells are missing, the seeds' effects
are those of the additive model by least squares (Henderson's method 3, chapter 5 there). Strata
(data sets) keep their numbers of problems: their variances add up.

Problems that are nearly all alike say little about those not seen. Two imaginary problems, one
above and one below the mean, are therefore added to the variance, as far out as those that move it
(Agresti and Min 2005, Statistics in Medicine 24, 729, for matched pairs); as far as 1 where all are
alike, so that n equal problems are known to 2.8 / n, about as the rule of three has it. Where many
differ this is nothing; where few do, it decides as the sign test does.

Statistics that are not linear are replaced by the plane through their values one standard error to
both sides of what was measured, along the principal axes of the means' covariance: the delta
method, with slopes at the scale that counts.
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
IMAGINARY = 2  # problems beside those measured


def mean_interval(
    values: npt.ArrayLike, level: float = 0.95, *, within: Range = DIFFERENCE
) -> Interval:
    """The mean of one value a problem, or of a row of values (one a training seed), with its
    interval.

    Missing values are left out. One problem has no interval (low and high are NaN). The interval
    ends at the ends of `within` where the values do.
    """
    table = _table(values)
    table = table[~np.isnan(table).all(axis=1)]
    if not table.size:
        raise UserError("nothing to average: no problem has a value")
    return _interval(table, np.zeros(len(table)), level, within)


def paired_difference(a: npt.ArrayLike, b: npt.ArrayLike, level: float = 0.95) -> Interval:
    """The mean of a - b, problem by problem in the same order; a problem missing in one of them is
    left out.

    Either may have one column a training seed: seeds are paired, and one with a single column
    stands against each.
    """
    first, second = _table(a), _table(b)
    if len(first) != len(second) or (
        1 not in (first.shape[1], second.shape[1]) and first.shape != second.shape
    ):
        raise ValueError(
            f"values of the same problems (and seeds) are wanted, not of shapes {np.shape(a)} and "
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
    """A statistic of the means of the groups of complete `values` (problems x seeds x groups), with
    its interval.

    `statistic` takes rows of means (one column a group) and gives one number a row; it need not be
    linear. One problem (a measure that has none) leaves the seeds. A statistic that nothing moves
    has no interval (low and high are NaN), unless it is of a known range, such as a share: that of
    others has no scale by which problems not seen could count.
    """
    table = np.asarray(values, dtype=float)
    means = table.mean(axis=(0, 1))
    moves = (table - means) @ _slopes(table, statistic)
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
) -> pd.DataFrame:
    """Mean, interval and number of problems and seeds of each group.

    Columns of the result: `by`, mean, low, high, n, seeds, as of `intervals_of`.
    """
    found = intervals_of(table, by, value, level)
    names = pd.DataFrame(list(found), columns=pd.Index(list(by)))
    columns = ["mean", "low", "high", "n", "seeds"]
    return pd.concat(
        [names, pd.DataFrame([vars(each) for each in found.values()])[columns]], axis=1
    )


def intervals_of(
    table: pd.DataFrame, by: Sequence[str], value: str = "correct", level: float = 0.95
) -> dict[tuple[Hashable, ...], Interval]:
    """The interval of each group of rows with the same values in the columns `by`, in their order.

    The table's column `seed` names the training seed (one where there is none); rows of one problem
    and seed within a group are averaged first. Where the table has a column `dataset`, each data
    set is a stratum: its number of problems stays. Values between 0 and 1 are taken for shares.
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
    means = _by_cell(table, list(by), value)
    found = {}
    for key, own in means.groupby(level=list(range(len(by))), sort=True):
        wide = own.droplevel(list(range(len(by)))).unstack("training seed")
        strata = wide.index.get_level_values("stratum").to_numpy()
        found[key if isinstance(key, tuple) else (key,)] = _interval(
            wide.to_numpy(), strata, level, SHARE
        )
    return found


def _by_cell(table: pd.DataFrame, by: list[str], value: str) -> pd.Series:
    """The known means of each group, stratum, problem and training seed."""
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
    """Problems x seeds, of one value a problem too."""
    table = np.asarray(values, dtype=float)
    if table.ndim not in (1, 2):
        raise ValueError(
            "one value a problem, or one a problem and seed, is wanted, not the shape "
            f"{table.shape}"
        )
    return table[:, None] if table.ndim == 1 else table


def _interval(
    values: Array, strata: npt.NDArray[np.generic], level: float, within: Range, alone: bool = False
) -> Interval:
    """The interval of the mean of (problems x seeds), one stratum a problem; of one problem `alone`
    by its seeds.
    """
    measured = ~np.isnan(values)
    table, strata = (
        values[measured.any(axis=1)][:, measured.any(axis=0)],
        strata[measured.any(axis=1)],
    )
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
    """What the variance of the mean owes to problems, to seeds with the interaction, and to the
    interaction alone; and the degrees of freedom of the seeds' (0 where they cannot be told from
    problems).
    """
    known = ~np.isnan(table)
    cells, n = int(known.sum()), len(table)
    weights = known / known.sum(axis=1, keepdims=True)  # of a cell in the mean, times n
    shifts, explained, ranks = _seed_shifts(table, known, weights)
    rows = _mean(table - shifts, 1)
    interaction, left = 0.0, cells - n - ranks
    if ranks and left > 0:
        interaction = float(np.nansum((table - shifts - rows[:, None]) ** 2)) / left
    both = interaction * float((weights**2).sum()) / n**2
    by_problem = max(_of_problems(rows, strata) - both, 0.0) if n > 1 else 0.0
    if not ranks:
        return by_problem, 0.0, 0.0, 0
    if n == 1:
        return 0.0, explained / ranks / cells, 0.0, ranks
    # in proportion to the seeds' mean square alone: less a variance known better, it would be none
    # too often
    of_seeds, of_cells = (
        float((weights.sum(axis=0) ** 2).sum()) / (cells - n),
        float((weights**2).sum()),
    )
    by_seed = explained / ranks * max(of_seeds, of_cells) / n**2
    return by_problem, by_seed, both, ranks


def _seed_shifts(
    table: Array, known: npt.NDArray[np.bool_], weights: Array
) -> tuple[Array, float, int]:
    """By how much each seed is above the mean of all, over the same problems, by least squares; the
    sum of squares that this explains; and how many of them are free.
    """
    if table.shape[1] == 1:
        return np.zeros(1), 0.0, 0
    if len(table) == 1:
        shifts = table[0] - table[0].mean()
        return shifts, float((shifts**2).sum()), table.shape[1] - 1
    above = np.where(known, table - _mean(table, 1)[:, None], 0.0).sum(axis=0)
    equations = np.diag(known.sum(axis=0)) - known.T @ weights
    # of the greatest singular value: there is always one of zero, and it must not be taken for
    # another
    least = 1e-9
    shifts = np.linalg.pinv(equations, rcond=least, hermitian=True) @ above
    return (
        shifts,
        float(shifts @ above),
        int(np.linalg.matrix_rank(equations, least * known.sum(), hermitian=True)),
    )


def _of_problems(means: Array, strata: npt.NDArray[np.generic]) -> float:
    """The variance of the mean of these problems' means, with what problems not seen may be like."""
    _, places, counts = np.unique(strata, return_inverse=True, return_counts=True)
    centres, sizes = (np.bincount(places, means) / counts)[places], counts[places]
    # the only problem of a stratum tells no variance: it is held against all
    apart = means - np.where(sizes > 1, centres, means.mean())
    squares = float((apart**2 * np.where(sizes > 1, sizes / np.maximum(sizes - 1, 1), 1.0)).sum())
    return (squares + IMAGINARY * _unit(apart)) / len(means) ** 2


def _unit(apart: Array) -> float:
    """The squared distance from the mean of those problems that move it."""
    squares = apart**2
    total = float(squares.sum())
    return float((squares**2).sum()) / total if total > 1e-20 else 1.0


def _slopes(table: Array, statistic: Callable[[Array], Array]) -> Array:
    """The slopes of a statistic at the groups' means, between one standard error below and above."""
    n, trained, _ = table.shape
    means = table.mean(axis=(0, 1))
    rows, columns = table.mean(axis=1) - means, table.mean(axis=0) - means
    covariance = rows.T @ rows / n**2 + columns.T @ columns / trained / max(trained - 1, 1)
    squares, axes = np.linalg.eigh(covariance)
    steps = axes * np.sqrt(np.maximum(squares, 0.0))
    steps = steps[:, squares > 1e-12 * squares.max()] if squares.max() > 0 else steps[:, :0]
    above, below = (np.asarray(statistic(means + side * steps.T), dtype=float) for side in (1, -1))
    return steps @ ((above - below) / 2 / (steps**2).sum(axis=0))


def _mean(values: Array, axis: int) -> Array:
    """The mean of the known values, of which there is one or more along the axis."""
    known = ~np.isnan(values)
    return np.asarray(np.where(known, values, 0.0).sum(axis=axis) / known.sum(axis=axis))
