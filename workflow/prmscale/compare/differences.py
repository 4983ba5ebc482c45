"""The numbers that two studies both measured, and their differences, with intervals.

Where both studies have the same problems, a difference is paired: it is the mean over problems of
one study's value less the other's, and training r of a reward model meets training r of the other.
Else the two means are independent and their variances add up. Either way only trainings with
numbers that both studies have count, so that the difference is that of the two values beside it.

Headlines are the accuracies and the cost at the largest budget that both searched, and the quality
of reward models over all positions of a step. Their p-values are corrected for their number in
each part (Holm); everything else is also measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd

from prmscale import stages
from prmscale.analysis import calibration
from prmscale.analysis.estimates import (
    DIFFERENCE,
    SHARE,
    UNBOUNDED,
    Array,
    Range,
    mean_interval,
    statistic_interval,
)
from prmscale.analysis.first_errors import BY as OF_ERRORS
from prmscale.analysis.first_errors import COUNTS, count_cells, f1_of_counts, to_array
from prmscale.analysis.intervals import Interval, subtract_independent
from prmscale.analysis.rows import average_per_problem, keep_scored, subtract
from prmscale.analysis.verdicts import holm
from prmscale.compare.studies import Finished, find_common, has_same_samples
from prmscale.search import TREE_STRATEGIES

ACCURACY, QUALITY, COST, TIME = "accuracy", "reward models", "cost", "time"
SAME_SAMPLES, SAME_PROBLEMS, OTHER_PROBLEMS = "same samples", "same problems", "other problems"
HIGHER, LOWER, UNCERTAIN, EQUAL = "higher", "lower", "not told apart", "equal in every problem"
KEYS = ["dataset", "domain", "policy", "strategy", "reward_model", "aggregation", "budget"]
OWN = "the study's own"


class Found(NamedTuple):
    """The numbers of the reference and of the other study, and other − reference; `equal` if both
    have the same values problem by problem.
    """

    reference: Interval
    other: Interval
    difference: Interval
    equal: bool = False


class Measure(NamedTuple):
    """A column of a table that is averaged over problems."""

    part: str
    name: str
    column: str
    within: Range


SEARCHED = (
    Measure(ACCURACY, "accuracy", "correct", SHARE),
    Measure(COST, "policy tokens per problem", "policy_tokens", UNBOUNDED),
    Measure(COST, "reward-model tokens per problem", "reward_tokens", UNBOUNDED),
    Measure(COST, "FLOPs per problem", "flops", UNBOUNDED),
)
CALIBRATED = (
    Measure(QUALITY, "Brier score", "square", SHARE),
    Measure(QUALITY, "over-confidence", "gap", DIFFERENCE),
)


@dataclass(frozen=True)
class Row:
    """A number of the reference and of another study; their difference is other − reference.

    `headline` rows have a p-value corrected for their number in the part. `n` and `seeds` are those
    of the difference.
    """

    study: str
    reference: str
    part: str
    measure: str
    dataset: str = ""
    domain: str = ""
    policy: str = ""
    strategy: str = ""
    reward_model: str = ""
    aggregation: str = ""
    budget: int | None = None
    reference_value: float = float("nan")
    reference_low: float = float("nan")
    reference_high: float = float("nan")
    value: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    difference: float = float("nan")
    difference_low: float = float("nan")
    difference_high: float = float("nan")
    p: float = float("nan")
    p_corrected: float = float("nan")
    headline: bool = False
    pairing: str = ""
    n: int | None = None
    seeds: int | None = None
    verdict: str = ""


class Pair:
    """Two studies, what they share, and at which level they are compared."""

    def __init__(self, reference: Finished, other: Finished) -> None:
        self.reference, self.other = reference, other
        self.level = reference.study.analysis.level
        self._common: dict[str, set[str]] = {}

    def common(self, dataset: str) -> set[str]:
        """The problems of a data set that both have."""
        if dataset not in self._common:
            self._common[dataset] = find_common(self.reference, self.other, dataset)
        return self._common[dataset]

    def pairing(self, dataset: str, policy: str) -> str:
        """What of a policy's solutions of a data set is the same in both."""
        if not self.common(dataset):
            return OTHER_PROBLEMS
        same = has_same_samples(self.reference, self.other, policy, dataset)
        return SAME_SAMPLES if same else SAME_PROBLEMS

    def row(self, part: str, measure: str, **keys: object) -> Row:
        """A row about these two."""
        return Row(self.other.name, self.reference.name, part, measure, **keys)  # type: ignore[arg-type]


def compare_numbers(reference: Finished, other: Finished) -> pd.DataFrame:
    """Every number that both studies have, as the columns of `Row`."""
    pair = Pair(reference, other)
    rows = [
        *compare_searches(pair),
        *compare_calibration(pair),
        *compare_first_errors(pair),
        *compare_times(pair),
    ]
    return pd.DataFrame(judge(rows, pair.level), columns=list(Row.__dataclass_fields__))


def subtract_means(
    a: pd.DataFrame, b: pd.DataFrame, common: set[str], level: float, within: Range
) -> Found:
    """The means of two tables by problem and training seed, and b − a; paired on the `common`
    problems, or of independent problems where there are none.
    """
    (a, b), paired = _keep_shared(a, b, common)
    sides = [mean_interval(table, level, within=within) for table in (a, b)]
    if paired:
        span = DIFFERENCE if np.isfinite(within).all() else UNBOUNDED
        return Found(
            sides[0], sides[1], mean_interval(subtract(b, a), level, within=span), a.equals(b)
        )
    return Found(sides[0], sides[1], subtract_independent(sides[1], sides[0], level))


def _keep_shared(
    a: pd.DataFrame, b: pd.DataFrame, common: set[str]
) -> tuple[tuple[pd.DataFrame, pd.DataFrame], bool]:
    """The tables with the trainings that both have, and if any problem is common, with these alone;
    whether any is.
    """
    if a.shape[1] > 1 and b.shape[1] > 1:
        shared = a.columns.intersection(b.columns)
        a, b = a[shared], b[shared]
    both = a.index.intersection(b.index)
    both = both[both.isin(common)]
    return ((a.loc[both], b.loc[both]), True) if len(both) else ((a, b), False)


def compare_searches(pair: Pair) -> Iterator[Row]:
    """Accuracy and cost of every strategy at every budget that both studies searched."""
    groups = [_group_searches(study) for study in (pair.reference, pair.other)]
    keys = [key for key in groups[0] if key in groups[1]]
    largest: dict[tuple[str, str], int] = {}
    for key in keys:
        dataset, _, policy, *_, budget = key
        largest[dataset, policy] = max(budget, largest.get((dataset, policy), 0))
    for key in keys:
        named = dict(zip(KEYS, key, strict=True))
        dataset, policy = named["dataset"], named["policy"]
        at_most = named["budget"] == largest[dataset, policy]
        for measure in SEARCHED:
            a, b = (average_per_problem(group[key], measure.column) for group in groups)
            if a.isna().all(axis=None) or b.isna().all(axis=None):
                continue
            found = subtract_means(a, b, pair.common(dataset), pair.level, measure.within)
            headline = at_most or named["strategy"] == "one_sample"
            row = pair.row(measure.part, measure.name, **named, headline=headline)
            yield _fill(row, found, pair.pairing(dataset, policy))


def _group_searches(study: Finished) -> dict[tuple, pd.DataFrame]:
    """The search rows by KEYS. Where a reward model chooses among samples by the study's own
    aggregation, that is called OWN, whichever it is.
    """
    own = study.results.aggregation
    rows = study.search
    chosen = rows.index.isin(keep_scored(rows).index) & ~rows["strategy"].isin(TREE_STRATEGIES)
    by_own = chosen & (rows["aggregation"] == own)
    rows = rows.assign(aggregation=rows["aggregation"].mask(by_own, OWN))
    return {key: group for key, group in rows.groupby(KEYS, sort=True)}  # type: ignore[misc]


def compare_calibration(pair: Pair) -> Iterator[Row]:
    """The Brier score and over-confidence of the scores of steps; the calibration error, of which
    only bounds are known, without a difference.
    """
    compared = [calibration.compare(study.results.reliability) for study in _both(pair)]
    for measure in CALIBRATED:
        tabulate = partial(average_per_problem, value=measure.column)
        for key, a, b in _match(compared, calibration.BY, tabulate):
            dataset, policy, against, reward_model = key
            found = subtract_means(a, b, pair.common(dataset), pair.level, measure.within)
            row = pair.row(
                QUALITY, f"{measure.name}, against {against}", dataset=dataset, policy=policy,
                reward_model=reward_model, headline=True,
            )  # fmt: skip
            yield _fill(row, found, pair.pairing(dataset, policy))
    yield from _list_errors(pair)


def _list_errors(pair: Pair) -> Iterator[Row]:
    """The calibration errors of the studies' tables, side by side."""
    tables = []
    for study in _both(pair):
        table = study.read_table("calibration")
        tables.append(table[table["measure"] == calibration.ERROR])
    columns = [*calibration.BY, "mean", "low", "high"]
    merged = tables[0][columns].merge(tables[1][columns], on=calibration.BY)
    for row in merged.itertuples():
        yield pair.row(
            QUALITY, f"calibration error, against {row.against}", dataset=row.dataset,
            policy=row.policy, reward_model=row.reward_model,
            reference_value=row.mean_x, reference_low=row.low_x, reference_high=row.high_x,
            value=row.mean_y, low=row.low_y, high=row.high_y,
        )  # fmt: skip


def compare_first_errors(pair: Pair) -> Iterator[Row]:
    """F1 of the first errors that reward models predict."""
    tables = [study.results.first_errors for study in _both(pair)]
    for (dataset, reward_model), a, b in _match(tables, OF_ERRORS, count_cells):
        (a, b), paired = _keep_shared_cells(a, b, pair.common(dataset))
        arrays = to_array(a), to_array(b)
        sides = [
            statistic_interval(each, f1_of_counts, pair.level, within=SHARE) for each in arrays
        ]
        if np.isnan([side.mean for side in sides]).any():
            continue
        if paired:
            both = np.concatenate(arrays, axis=-1)
            difference = statistic_interval(both, _subtract_f1, pair.level, within=DIFFERENCE)
        else:
            difference = subtract_independent(sides[1], sides[0], pair.level)
        row = pair.row(
            QUALITY, "F1 of first errors", dataset=dataset, reward_model=reward_model, headline=True
        )
        pairing = pair.pairing(dataset, pair.reference.plan.first_policy)
        yield _fill(row, Found(sides[0], sides[1], difference, paired and a.equals(b)), pairing)


def _keep_shared_cells(
    a: pd.DataFrame, b: pd.DataFrame, common: set[str]
) -> tuple[tuple[pd.DataFrame, pd.DataFrame], bool]:
    """As `_keep_shared`, of tables of `count_cells`; a side with one training is repeated if the
    problems are the same.
    """
    seeds = [set(table.columns.get_level_values(1)) for table in (a, b)]
    common_seeds = seeds[0] & seeds[1]
    fewest = min(map(len, seeds))
    both = a.index.intersection(b.index)
    both = both[both.isin(common)]
    kept = []
    for table, names in zip((a, b), seeds, strict=True):
        shared = names if fewest == 1 else common_seeds
        table = table.loc[both] if len(both) else table
        kept.append(table.loc[:, table.columns.get_level_values(1).isin(shared)])
    if len(both) and kept[0].shape != kept[1].shape:
        most = max(table.shape[1] for table in kept)
        kept = [_repeat(table, most // table.shape[1]) for table in kept]
    return (kept[0], kept[1]), bool(len(both))


def _repeat(cells: pd.DataFrame, times: int) -> pd.DataFrame:
    """Each count of the only training as often as the other side has trainings."""
    return cells.iloc[:, np.repeat(np.arange(cells.shape[1]), times)]


def _subtract_f1(counts: Array) -> Array:
    """F1 of the later COUNTS less that of the earlier [..., 2 COUNTS]."""
    half = len(COUNTS)
    return f1_of_counts(counts[..., half:]) - f1_of_counts(counts[..., :half])


def compare_times(pair: Pair) -> Iterator[Row]:
    """The seconds of the jobs of each rule that both ran, by their benchmarks."""
    both = [
        stages.table(study.plan.paths.result("")).set_index("stage")["seconds"]
        for study in _both(pair)
    ]
    for rule in sorted(both[0].index.intersection(both[1].index)):
        values = {"reference_value": float(both[0][rule]), "value": float(both[1][rule])}
        yield pair.row(TIME, f"seconds of {rule}", **values)


def _both(pair: Pair) -> tuple[Finished, Finished]:
    return pair.reference, pair.other


def _match(
    tables: Sequence[pd.DataFrame],
    by: list[str],
    tabulate: Callable[[pd.DataFrame], pd.DataFrame],
) -> Iterator[tuple[tuple[str, ...], pd.DataFrame, pd.DataFrame]]:
    """The groups that both tables have, tabulated."""
    # a table without rows may lack the columns to group by
    first, second = (dict(list(table.groupby(by))) if len(table) else {} for table in tables)
    for key in first:
        if key in second:
            yield key, tabulate(first[key]), tabulate(second[key])  # type: ignore[misc]


def _fill(row: Row, found: Found, pairing: str) -> Row:
    a, b, difference, equal = found
    return replace(
        row,
        reference_value=a.mean,
        reference_low=a.low,
        reference_high=a.high,
        value=b.mean,
        low=b.low,
        high=b.high,
        difference=difference.mean,
        difference_low=difference.low,
        difference_high=difference.high,
        p=difference.p(),
        pairing=pairing,
        n=difference.n,
        seeds=difference.seeds,
        verdict=EQUAL if equal else "",
    )


def judge(rows: Sequence[Row], level: float) -> list[Row]:
    """The rows with their verdicts: of headlines by p-values corrected for their number in the
    part, of others by their own. A row without a difference has none.
    """
    found = list(rows)
    places: dict[str, list[int]] = {}
    for i, row in enumerate(found):
        if row.headline:
            places.setdefault(row.part, []).append(i)
    for of_part in places.values():
        corrected = holm([found[i].p for i in of_part])
        for i, p in zip(of_part, corrected, strict=True):
            found[i] = replace(found[i], p_corrected=p)
    return [_judge_row(row, level) for row in found]


def _judge_row(row: Row, level: float) -> Row:
    if row.verdict or np.isnan(row.difference):
        return row
    p = row.p_corrected if row.headline else row.p
    if not p < 1 - level:
        return replace(row, verdict=UNCERTAIN)
    return replace(row, verdict=HIGHER if row.difference > 0 else LOWER)
