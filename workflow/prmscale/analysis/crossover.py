"""Which strategy wins at which budget and difficulty, and from which budget on a strategy leads best-of-n.

Both take the rows of `strategies.compared`. Differences are paired by problem and training seed, with the intervals
of `bootstrap`; between measured budgets accuracy is interpolated along log2 of the budget.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from prmscale.analysis import selection
from prmscale.analysis.bootstrap import Interval, mean_interval
from prmscale.analysis.strategies import NAMES

BASELINE = "best_of_n"
EVERY = "all"  # difficulties together
GROUPS = 5  # of difficulties at most
FEWEST = 20  # problems: of fewer the bootstrap interval is too narrow to make a lead certain
OVERTAKES, ALWAYS, NEVER, FALLS = "overtakes", "always ahead", "never ahead", "falls behind"
CROSSOVER = ["dataset", "strategy", "outcome", "budget", "low", "high", "first", "last", "n", "seeds"]
WINNER = ["dataset", "difficulty", "budget", "strategy", "tied", "mean", "against", "lead", "low", "high", "certain"]
WINNER += ["n", "seeds"]
SIMPLEST_FIRST = (BASELINE, *(name for name in NAMES if name != BASELINE))


def overtaking(budgets: npt.ArrayLike, lead: npt.ArrayLike) -> float:
    """The budget from which on a lead (one value an increasing budget) stays above 0.

    0 where it is above 0 throughout, inf where it is not above 0 at the largest budget, NaN where a value is missing.
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


def crossovers(rows: pd.DataFrame, level: float = 0.95, draws: int = 2000, seed: int = 0) -> pd.DataFrame:
    """Each strategy's crossover with best-of-n, by data set, over their common budgets (`first` to `last`).

    `budget` is where the strategy starts to lead for good. The interval holds every budget at which a lead of 0 is
    compatible with the data: below `low` the lead's own interval lies (in the end) below 0, from `high` on above it.
    For each number, 0 stands for "before the first budget" and inf for "after the last". `outcome`: overtakes, always
    ahead, never ahead, or falls behind (ahead somewhere, but not at the last).
    """
    found: list[dict[str, object]] = []
    for dataset, own in rows.groupby("dataset", sort=True):
        tables = _tables(own)
        for name in NAMES:
            budgets = [n for n in sorted({b for _, b in tables}) if {(name, n), (BASELINE, n)} <= tables.keys()]
            if name == BASELINE or not budgets:
                continue
            differences = [selection.minus(tables[name, n], tables[BASELINE, n]) for n in budgets]
            leads = [mean_interval(each, level, draws, seed) for each in differences]
            mean, low, high = (np.array([getattr(lead, part) for lead in leads]) for part in ("mean", "low", "high"))
            found.append(
                {
                    "dataset": dataset,
                    "strategy": name,
                    "outcome": _outcome(mean),
                    "budget": overtaking(budgets, mean),
                    "low": overtaking(budgets, high),  # the most the lead may be crosses first
                    "high": overtaking(budgets, low),
                    "first": budgets[0],
                    "last": budgets[-1],
                    "n": max(lead.n for lead in leads),
                    "seeds": max(lead.seeds for lead in leads),
                }
            )
    return pd.DataFrame(found, columns=CROSSOVER)


def winners(rows: pd.DataFrame, level: float = 0.95, draws: int = 2000, seed: int = 0) -> pd.DataFrame:
    """The most accurate strategy of each data set, difficulty (and of all together) and budget.

    Of equals best-of-n, then the first in the order of legends; `tied` says that all are equal. Its `lead` is that
    over best-of-n (`against`), of best-of-n itself that over the next. `certain`: the lead's interval lies above 0 at
    a level corrected for the choice of the best of several (Bonferroni), since the best of many leads by luck too, and
    it rests on 20 problems or more.
    """
    found = []
    for dataset, own in rows.groupby("dataset", sort=True):
        labels = difficulty_labels(own.drop_duplicates("problem_id")["difficulty"])
        parts = [(EVERY, own)]
        if len(set(labels.values())) > 1:
            named = own["difficulty"].map(labels)
            parts += [(label, own[named == label]) for label in dict.fromkeys(labels[d] for d in sorted(labels))]
        for label, part in parts:
            for budget, tables in _by_budget(part):
                place = {"dataset": dataset, "difficulty": label, "budget": budget}
                found.append(place | _winner(tables, level, draws, seed))
    return pd.DataFrame(found, columns=WINNER)


def difficulty_labels(difficulties: pd.Series) -> dict[int, str]:
    """What to call each difficulty (one value a problem): itself, or a range of several where there are more than five.

    Ranges hold about equally many problems.
    """
    counts = difficulties.value_counts().sort_index()
    if len(counts) <= GROUPS:
        return {int(level): f"{level}" for level in counts.index}
    before = (counts.cumsum() - counts / 2) / counts.sum()  # the share of problems up to the middle of each level
    group = (before * GROUPS).astype(int)
    ends = {g: (min(own.index), max(own.index)) for g, own in counts.groupby(group)}
    names = {g: f"{low}" if low == high else f"{low}–{high}" for g, (low, high) in ends.items()}
    return {int(level): names[g] for level, g in group.items()}


def _tables(rows: pd.DataFrame) -> dict[tuple[str, int], pd.DataFrame]:
    """Accuracy by problem and seed of each strategy that is compared, at each budget."""
    known = rows[rows["strategy"].isin(list(NAMES))]
    return {
        (str(name), int(str(n))): selection.per_problem(own) for (name, n), own in known.groupby(["strategy", "budget"])
    }


def _by_budget(rows: pd.DataFrame) -> Iterator[tuple[int, dict[str, pd.DataFrame]]]:
    """Budget, and each strategy's accuracies at it."""
    tables = _tables(rows)
    for budget in sorted({b for _, b in tables}):
        yield budget, {name: table for (name, b), table in tables.items() if b == budget}


def _winner(tables: dict[str, pd.DataFrame], level: float, draws: int, seed: int) -> dict[str, object]:
    """The columns of `winners` from strategy on."""
    means = {name: round(float(table.mean(axis=1).mean()), 12) for name, table in tables.items()}
    ranked = sorted(means, key=lambda name: (-means[name], SIMPLEST_FIRST.index(name)))
    best, others = ranked[0], ranked[1:]
    against = BASELINE if BASELINE in others else next(iter(others), "")
    lead = Interval(float("nan"), float("nan"), float("nan"), len(tables[best]), tables[best].shape[1])
    if against:
        corrected = 1 - (1 - level) / len(others)
        lead = mean_interval(selection.minus(tables[best], tables[against]), corrected, draws, seed)
    return {
        "strategy": best,
        "tied": len(others) > 0 and len(set(means.values())) == 1,
        "mean": means[best],
        "against": against,
        "lead": lead.mean,
        "low": lead.low,
        "high": lead.high,
        "certain": lead.low > 0 and lead.n >= FEWEST,
        "n": lead.n,
        "seeds": lead.seeds,
    }


def _outcome(lead: npt.NDArray[np.float64]) -> str:
    """What becomes of a lead along the budgets, in words."""
    if (lead > 0).all():
        return ALWAYS
    if lead[-1] > 0:
        return OVERTAKES
    return FALLS if (lead > 0).any() else NEVER
