"""Which strategy wins at which budget and difficulty, and from which budget on a strategy leads
best-of-n.

Both functions take the rows of `strategies.select_compared` and compare at tokens spent
(`spending`): at the budgets, in samples' worth, and at the most that a strategy spent. Budget 1 is
left out, because nothing is chosen there. Differences are paired by problem and training seed, with
the intervals of `estimates`.

A winner is named where its lead over every other strategy is certain, at a level corrected for
their number. Elsewhere no strategy wins, and the strategies compatible with being the best are
listed: those that the most accurate strategy does not certainly beat. The truly best strategy is
among them in at least 97.5 % of studies (level 95 %; Bonferroni over the strategies, each
difference one-sided): a multiple comparison with the best (Hsu 1984, Annals of Statistics 12). This
holds for each cell, not for all cells of a figure together.
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
TIE = 0.01  # of accuracy: a smaller lead beats no strategy, however certain it is
FEWEST = 20  # problems: with fewer the interval is too narrow, and no lead is certain
OVERTAKES, ALWAYS, NEVER, FALLS = "overtakes", "always ahead", "not ahead at last", "falls behind"
UNDECIDED = "undecided"  # which of these
CROSSOVER = [
    "dataset", "strategy", "outcome", "budget", "low", "high", "first", "last", "n", "seeds",
]  # fmt: skip
WINNER = [
    "dataset", "difficulty", "budget", "spent", "winner", "compatible", "leader", "mean", "against",
    "lead", "low", "high", "n", "seeds",
]  # fmt: skip
SIMPLEST_FIRST = (BASELINE, *(name for name in NAMES if name != BASELINE))


def find_overtaking(budgets: npt.ArrayLike, lead: npt.ArrayLike) -> float:
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
    `last`); columns `CROSSOVER`.

    `budget` is where the strategy starts to lead for good, in samples' worth spent. Its interval
    holds every amount at which a lead of 0 is compatible with the data: below `low` the lead's
    interval lies (in the end) below 0, from `high` on above it. In each number, 0 stands for
    "before the first" and inf for "after the last". `outcome`: overtakes, always ahead, not ahead
    at last, falls behind (not ahead at last, and certainly ahead before), or undecided, where the
    interval excludes nothing or (with one problem) there is none.
    """
    found: list[tuple[object, ...]] = []
    for dataset, same in rows.groupby("dataset", sort=True):
        curves = spending.curves(same)
        if BASELINE not in curves:
            continue
        budgets = _list_budgets(same)
        for name in NAMES:
            if name in curves and name != BASELINE:
                row = _find_crossover(curves[name], curves[BASELINE], budgets, level)
                if row:
                    found.append((dataset, name, *row))
    return pd.DataFrame(found, columns=CROSSOVER)


def _find_crossover(
    curve: Curve, baseline: Curve, budgets: Sequence[int], level: float
) -> tuple[object, ...]:
    """The columns of `crossovers` from outcome on; empty where the curves have no common amount."""
    places = _list_places((curve, baseline), budgets)
    if not places:
        return ()
    leads = [mean_interval(subtract(curve.at(x), baseline.at(x)), level) for x in places]
    mean = np.array([lead.mean for lead in leads])
    low = np.array([lead.low for lead in leads])
    high = np.array([lead.high for lead in leads])
    # the upper end of the lead's interval crosses 0 first
    crossing = [find_overtaking(places, part) for part in (mean, high, low)]
    excludes_nothing = crossing[1:] == [0.0, float("inf")] or bool(np.isnan(crossing).any())
    outcome = UNDECIDED if excludes_nothing else _name_outcome(mean, low)
    counts = max(lead.n for lead in leads), max(lead.seeds for lead in leads)
    return (outcome, *crossing, places[0], places[-1], *counts)


def winners(rows: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Which strategies may be the best on each data set and difficulty (and on all together), at
    each budget; columns `WINNER`.

    `spent` is the amount at which they are compared (`spending.point`). `leader` is the most
    accurate (of equals best-of-n, then the first in the order of legends); `lead` is its lead over
    the next, `against`, at the corrected level. `compatible` lists the strategies that the leader
    does not certainly beat, itself included, in the order of legends (a lead of less than a point
    beats no strategy); `winner` is empty unless the leader alone is compatible. With fewer than 20
    problems nothing is certain.
    """
    found = []
    for dataset, same in rows.groupby("dataset", sort=True):
        for label, part in _split_by_difficulty(same):
            for budget, spent, tables in _iter_budgets(part):
                place = {"dataset": dataset, "difficulty": label, "budget": budget, "spent": spent}
                found.append(place | _find_winner(tables, level))
    return pd.DataFrame(found, columns=WINNER)


def _split_by_difficulty(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The label and rows of all difficulties together, then of each where there are several."""
    labels = difficulty_labels(rows.drop_duplicates("problem_id")["difficulty"])
    parts = [(EVERY, rows)]
    if len(set(labels.values())) > 1:
        by_row = rows["difficulty"].map(labels)
        ordered = dict.fromkeys(labels[difficulty] for difficulty in sorted(labels))
        parts += [(label, rows[by_row == label]) for label in ordered]
    return parts


def difficulty_labels(difficulties: pd.Series) -> dict[int, str]:
    """The label of each difficulty (one value a problem): itself, or a range where there are more
    than five.

    Ranges hold about equally many problems.
    """
    counts = difficulties.value_counts().sort_index()
    if len(counts) <= GROUPS:
        return {int(level): f"{level}" for level in counts.index}
    # the share of problems up to the middle of each level
    before = (counts.cumsum() - counts / 2) / counts.sum()
    group = (before * GROUPS).astype(int)
    names = {}
    for number, levels in counts.groupby(group):
        low, high = min(levels.index), max(levels.index)
        names[number] = f"{low}" if low == high else f"{low}–{high}"
    return {int(level): names[number] for level, number in group.items()}


def _list_budgets(rows: pd.DataFrame) -> list[int]:
    """The budgets within which something is chosen, in order."""
    return sorted(int(budget) for budget in rows["budget"].unique() if budget > 1)


def _list_places(both: tuple[Curve, Curve], budgets: Sequence[int]) -> list[float]:
    """The amounts at which two strategies are compared: the budgets in their common range, and its
    end.
    """
    last = spending.common_amount(both)
    places = [*(float(n) for n in budgets if n * (1 + spending.ROUNDING) < last), last]
    first, second = both
    return [x for x in places if x > 1 and len(first.at(x)) and len(second.at(x))]


def _iter_budgets(rows: pd.DataFrame) -> Iterator[tuple[int, float, dict[str, pd.DataFrame]]]:
    """Budget, the amount at which strategies are compared, and the accuracies of each that was
    measured there.
    """
    curves = {name: curve for name, curve in spending.curves(rows).items() if name in NAMES}
    for budget in _list_budgets(rows):
        spent = spending.point(curves, budget)
        tables = {name: table for name, curve in curves.items() if len(table := curve.at(spent))}
        if tables:
            yield budget, spent, tables


def _find_winner(tables: Mapping[str, pd.DataFrame], level: float) -> dict[str, object]:
    """The columns of `winners` from winner on."""
    means = {name: round(float(table.mean(axis=1).mean()), 12) for name, table in tables.items()}
    best, *others = sorted(means, key=lambda name: (-means[name], SIMPLEST_FIRST.index(name)))
    corrected = 1 - (1 - level) / max(len(others), 1)
    leads = {
        name: mean_interval(subtract(tables[best], tables[name]), corrected) for name in others
    }
    beaten = {name for name, lead in leads.items() if _is_certain(lead)}
    compatible = [name for name in NAMES if name in tables and name not in beaten]
    unknown = (float("nan"),) * 3
    lead = Interval(*unknown, *tables[best].shape)
    if others:
        lead = leads[others[0]]
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


def _is_certain(lead: Interval) -> bool:
    """Whether a lead beats another strategy."""
    return lead.low > 0 and lead.n >= FEWEST and lead.mean >= TIE


def _name_outcome(lead: Array, low: Array) -> str:
    """What becomes of a lead along the budgets, in words; `low` is the least that it may be."""
    if (lead > 0).all():
        return ALWAYS
    if lead[-1] > 0:
        return OVERTAKES
    return FALLS if (low > 0).any() else NEVER
