"""Which strategy wins at which budget and difficulty, and from which budget on a strategy leads
best-of-n.

Both take the rows of `strategies.compared`, and compare at tokens spent (`spending`): at the
budgets, in samples' worth, and at the most that a strategy spent. At one sample's worth nothing is
chosen, so it is left out. Differences are paired by problem and training seed, with the intervals
of `estimates`.

A winner is named where its lead over every other strategy is certain, at a level corrected for
their number. Elsewhere no one strategy wins: what is told is which are compatible with being the
best, those that the most accurate one does not certainly beat. The truly best one is among them in
97.5 % at least (level 95 %; Bonferroni over the strategies, each difference against one side): a
multiple comparison with the best (Hsu 1984, Annals of Statistics 12). That holds for each cell on
its own, not for all of a figure together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from prmscale.analysis import spending
from prmscale.analysis.estimates import Array, mean_interval
from prmscale.analysis.intervals import Interval
from prmscale.analysis.rows import subtract
from prmscale.analysis.spending import Curve
from prmscale.analysis.strategies import NAMES

BASELINE = "best_of_n"
EVERY = "all"  # difficulties together
GROUPS = 5  # of difficulties at most
TIE = 0.01  # of accuracy: a smaller lead beats nobody, however certain it is
FEWEST = 20  # problems: of fewer the interval is too narrow to make a lead certain
OVERTAKES, ALWAYS, NEVER, FALLS = "overtakes", "always ahead", "not ahead at last", "falls behind"
UNDECIDED = "undecided"  # which of these
CROSSOVER = [
    "dataset",
    "strategy",
    "outcome",
    "budget",
    "low",
    "high",
    "first",
    "last",
    "n",
    "seeds",
]
WINNER = [
    "dataset",
    "difficulty",
    "budget",
    "spent",
    "winner",
    "compatible",
    "leader",
    "mean",
    "against",
    "lead",
]
WINNER += ["low", "high", "n", "seeds"]
SIMPLEST_FIRST = (BASELINE, *(name for name in NAMES if name != BASELINE))


def overtaking(budgets: npt.ArrayLike, lead: npt.ArrayLike) -> float:
    """The budget from which on a lead (one value an increasing budget) stays above 0.

    0 where it is above 0 throughout, inf where it is not above 0 at the largest budget, NaN where a
    value is missing.
    """
    logs, values = np.log2(np.asarray(budgets, dtype=float)), np.asarray(lead, dtype=float)
    if np.isnan(values).any():
        return float("nan")
    behind = np.flatnonzero(values <= 0)
    if not len(behind):
        return 0.0
    last = behind[-1]
    if last == len(values) - 1:
        return float("inf")
    share = -values[last] / (values[last + 1] - values[last])
    return float(2 ** (logs[last] + share * (logs[last + 1] - logs[last])))


def crossovers(rows: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Each strategy's crossover with best-of-n, by data set, over what both spent (from `first` to
    `last`).

    `budget` is where the strategy starts to lead for good, in samples' worth spent. The interval
    holds every amount at which a lead of 0 is compatible with the data: below `low` the lead's own
    interval lies (in the end) below 0, from `high` on above it. For each number, 0 stands for
    "before the first" and inf for "after the last". `outcome`: overtakes, always ahead, not ahead
    at last, falls behind (the same, and certainly ahead before), or undecided, where the interval
    leaves nothing out or (of one problem) there is none.
    """
    found: list[tuple[object, ...]] = []
    for dataset, own in rows.groupby("dataset", sort=True):
        every = spending.curves(own)
        for name in (
            name for name in NAMES if name in every and name != BASELINE and BASELINE in every
        ):
            places = _places([every[name], every[BASELINE]], _budgets(own))
            differences = [subtract(every[name].at(x), every[BASELINE].at(x)) for x in places]
            if not differences:
                continue
            leads = [mean_interval(each, level) for each in differences]
            mean, low, high = (
                np.array([getattr(lead, part) for lead in leads])
                for part in ("mean", "low", "high")
            )
            # the most the lead may be crosses first
            crossing = [overtaking(places, part) for part in (mean, high, low)]
            counts = max(lead.n for lead in leads), max(lead.seeds for lead in leads)
            nothing_left_out = crossing[1:] == [0.0, float("inf")] or bool(np.isnan(crossing).any())
            outcome = UNDECIDED if nothing_left_out else _outcome(mean, low)
            found.append((dataset, name, outcome, *crossing, places[0], places[-1], *counts))
    return pd.DataFrame(found, columns=CROSSOVER)


def winners(rows: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Which strategies may be the best on each data set, difficulty (and all together), at each
    budget that was spent.

    `spent` is where they are compared (`spending.point`). `leader` is the most accurate (of equals
    best-of-n, then the first in the order of legends), and `lead` that over the next, `against`, at
    the corrected level. `compatible` are those that it does not certainly beat, itself included, in
    the order of legends (a lead of less than a point beats nobody); `winner` is empty unless it is
    the only one. Fewer than 20 problems make nothing certain.
    """
    found = []
    for dataset, own in rows.groupby("dataset", sort=True):
        labels = difficulty_labels(own.drop_duplicates("problem_id")["difficulty"])
        parts = [(EVERY, own)]
        if len(set(labels.values())) > 1:
            named = own["difficulty"].map(labels)
            parts += [
                (label, own[named == label])
                for label in dict.fromkeys(labels[d] for d in sorted(labels))
            ]
        for label, part in parts:
            for budget, spent, tables in _by_budget(part):
                place = {"dataset": dataset, "difficulty": label, "budget": budget, "spent": spent}
                found.append(place | _winner(tables, level))
    return pd.DataFrame(found, columns=WINNER)


def difficulty_labels(difficulties: pd.Series) -> dict[int, str]:
    """What to call each difficulty (one value a problem): itself, or a range of several where there
    are more than five.

    Ranges hold about equally many problems.
    """
    counts = difficulties.value_counts().sort_index()
    if len(counts) <= GROUPS:
        return {int(level): f"{level}" for level in counts.index}
    before = (
        counts.cumsum() - counts / 2
    ) / counts.sum()  # the share of problems up to the middle of each level
    group = (before * GROUPS).astype(int)
    ends = {g: (min(own.index), max(own.index)) for g, own in counts.groupby(group)}
    names = {g: f"{low}" if low == high else f"{low}–{high}" for g, (low, high) in ends.items()}
    return {int(level): names[g] for level, g in group.items()}


def _budgets(rows: pd.DataFrame) -> list[int]:
    """The budgets within which something is chosen, in order."""
    return sorted(int(budget) for budget in rows["budget"].unique() if budget > 1)


def _places(both: Sequence[Curve], budgets: Sequence[int]) -> list[float]:
    """What two strategies both spent: the budgets in their common range, and its end."""
    last = spending.common(both)
    places = [*(float(n) for n in budgets if n * (1 + spending.ROUNDING) < last), last]
    return [x for x in places if x > 1 and all(len(curve.at(x)) for curve in both)]


def _by_budget(rows: pd.DataFrame) -> Iterator[tuple[int, float, dict[str, pd.DataFrame]]]:
    """Budget, what is spent where strategies are compared, and the accuracies of each that was
    measured there.
    """
    every = {name: curve for name, curve in spending.curves(rows).items() if name in NAMES}
    for budget in _budgets(rows):
        spent = spending.point(every, budget)
        tables = {name: table for name, curve in every.items() if len(table := curve.at(spent))}
        if tables:
            yield budget, spent, tables


def _winner(tables: Mapping[str, pd.DataFrame], level: float) -> dict[str, object]:
    """The columns of `winners` from winner on."""
    means = {name: round(float(table.mean(axis=1).mean()), 12) for name, table in tables.items()}
    best, *others = sorted(means, key=lambda name: (-means[name], SIMPLEST_FIRST.index(name)))
    corrected = 1 - (1 - level) / max(len(others), 1)
    leads = {
        name: mean_interval(subtract(tables[best], tables[name]), corrected) for name in others
    }
    certain = (name for name, lead in leads.items() if lead.low > 0 and lead.n >= FEWEST)
    beaten = {name for name in certain if leads[name].mean >= TIE}
    compatible = [name for name in NAMES if name in tables and name not in beaten]
    nothing = Interval(
        float("nan"), float("nan"), float("nan"), len(tables[best]), tables[best].shape[1]
    )
    lead = leads[others[0]] if others else nothing
    return {
        "winner": best if beaten and len(compatible) == 1 else "",
        "compatible": " ".join(compatible),
        "leader": best,
        "mean": means[best],
        "against": others[0] if others else "",
        "lead": lead.mean,
        "low": lead.low,
        "high": lead.high,
        "n": lead.n,
        "seeds": lead.seeds,
    }


def _outcome(lead: Array, low: Array) -> str:
    """What becomes of a lead along the budgets, in words; `low` is the least that it may be."""
    if (lead > 0).all():
        return ALWAYS
    if lead[-1] > 0:
        return OVERTAKES
    return FALLS if (low > 0).any() else NEVER
