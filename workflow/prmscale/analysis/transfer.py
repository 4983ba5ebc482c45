"""Transfer: reward models of one base and recipe, trained on math, code or both, tested on each
data set at the largest n.

Each is compared with the one that was trained on the domain of the data set. The matrix tests
whether the two are equivalent: two one-sided tests (Schuirmann 1987) with the 90 % interval and the
margin of the claim `math_to_code`, for every policy. By share, the same accuracies are a curve over
the share of a problem's misreadings that the other domain has, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from prmscale.analysis.estimates import SHARE
from prmscale.analysis.intervals import Interval
from prmscale.analysis.models import find_by_training_domain
from prmscale.analysis.paired import accuracy, estimate, iter_at_budget
from prmscale.analysis.rows import subtract
from prmscale.analysis.verdicts import EQUIVALENCE_LEVEL, Rules, judge_equivalence
from prmscale.tasks.base import Problem
from prmscale.tasks.world.specifications import find_misreadable

PLACE = ["policy", "dataset", "domain", "budget", "trained_on"]
NUMBERS = ["accuracy", "low", "high", "n", "seeds"]
DIFFERENCE = ["difference", "difference_low", "difference_high"]
COLUMNS = [*PLACE, *NUMBERS, *DIFFERENCE, "verdict"]
COLUMNS_BY_SHARE = [*PLACE, "share", *NUMBERS, *DIFFERENCE]
MOST_SHARES = 5  # above this number, all shares between 0 and 1 are one group

Tables = Mapping[str, pd.DataFrame]  # by training domain: accuracy by problem and training seed
Row = dict[str, float | int | str]


def measure_matrix(search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """One row a policy, data set and training domain (columns `COLUMNS`): accuracy with its
    interval, and the difference to the PRM trained on the domain of the data set, with a 90 %
    interval and whether the two are equivalent.

    The row of that PRM has no difference.
    """
    found = []
    for place, tables in _iter_tables(search, reward_models, rules):
        for trained_on, table in tables.items():
            difference = _subtract_home(tables, trained_on, str(place["domain"]))
            gap = estimate(difference, rules, EQUIVALENCE_LEVEL)
            numbers = _measure(table, gap, rules)
            if numbers and gap is not None:
                numbers["verdict"] = judge_equivalence(gap, rules.margin).verdict(rules.level)
            if numbers:
                found.append({**place, "trained_on": trained_on, **numbers})
    return pd.DataFrame(found, columns=COLUMNS)


def measure_by_share(
    search: pd.DataFrame, reward_models: pd.DataFrame, shares: pd.Series, rules: Rules
) -> pd.DataFrame:
    """One row a policy, data set, training domain and group of problems with the same share of
    common misreadings (columns `COLUMNS_BY_SHARE`): accuracy, and the difference to the PRM trained
    on the domain of the data set, both with intervals at `rules.level`.

    `shares` is the result of `find_shares`; a data set without shares has no rows.
    """
    groups = group_shares(shares[shares.index.isin(search["problem_id"])])
    found = []
    for place, tables in _iter_tables(search, reward_models, rules):
        for share, members in groups.groupby(groups):
            chosen = {key: each[each.index.isin(members.index)] for key, each in tables.items()}
            for trained_on, table in chosen.items():
                difference = _subtract_home(chosen, trained_on, str(place["domain"]))
                numbers = _measure(table, estimate(difference, rules), rules)
                if numbers:
                    found.append({**place, "trained_on": trained_on, "share": share, **numbers})
    return pd.DataFrame(found, columns=COLUMNS_BY_SHARE)


def find_shares(problems: Sequence[Problem]) -> pd.Series:
    """For each problem_id, the share of the problem's misreadable wordings that problems of the
    other domain use, too.

    A problem has no share without misreadable wordings, or where no problem of the other domain is
    given that has some.
    """
    misreadable = {problem.problem_id: find_misreadable(problem) for problem in problems}
    used: dict[str, set[str]] = {"math": set(), "code": set()}
    for problem in problems:
        used[problem.domain] |= misreadable[problem.problem_id]
    shares = {}
    for problem in problems:
        wordings = misreadable[problem.problem_id]
        others = used["code" if problem.domain == "math" else "math"]
        if wordings and others:
            shares[problem.problem_id] = len(wordings & others) / len(wordings)
    return pd.Series(shares, dtype=float)


def group_shares(shares: pd.Series) -> pd.Series:
    """The share of each problem's group: of at most `MOST_SHARES` different shares its own; of
    more, 0, 1, or the mean of all shares between.
    """
    if shares.nunique() <= MOST_SHARES:
        return shares
    between = (shares > 0) & (shares < 1)
    return shares.mask(between, shares[between].mean())


def _iter_tables(
    search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules
) -> Iterator[tuple[Row, Tables]]:
    """The place of each policy and data set, and the accuracies there by training domain."""
    models = find_by_training_domain(reward_models)
    for policy, selected in search.groupby("policy", sort=False):
        for dataset, rows in iter_at_budget(selected, rules):
            place: Row = {
                "policy": str(policy),
                "dataset": dataset,
                "domain": str(rows["domain"].iloc[0]),
                "budget": int(rows["budget"].max()),
            }
            yield place, {key: accuracy(rows, names) for key, names in models.items()}


def _subtract_home(tables: Tables, trained_on: str, domain: str) -> pd.DataFrame:
    """What a PRM is better by than the PRM of the data set's domain; empty for the latter."""
    if trained_on == domain:
        return pd.DataFrame()
    return subtract(tables[trained_on], tables.get(domain, pd.DataFrame()))


def _measure(table: pd.DataFrame, gap: Interval | None, rules: Rules) -> Row:
    """The row's accuracy, and difference if any; empty where the PRM was not measured."""
    known = estimate(table, rules, within=SHARE)
    if known is None:
        return {}
    numbers = (known.mean, known.low, known.high, known.n, known.seeds)
    row: Row = dict(zip(NUMBERS, numbers, strict=True))
    if gap is not None:
        row |= zip(DIFFERENCE, (gap.mean, gap.low, gap.high), strict=True)
    return row
