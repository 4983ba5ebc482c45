"""Transfer: reward models of one base and recipe, trained on math, code or both, tested on each
data set at the largest n.

Each is compared with the one that was trained on the domain of the data set. The matrix tests
whether the two are equivalent: two one-sided tests (Schuirmann 1987) with the 90 % interval and the
margin of the claim `math_to_code`, for every policy. By share, the same accuracies are a curve over
the share of a problem's misreadings that the other domain has, too, among problems with equally
many misreadings: problems with more are harder, and three misreadings are never shared by halves.
"""

from __future__ import annotations

from collections import defaultdict
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
COLUMNS_BY_SHARE = [*PLACE, "misreadable", "share", *NUMBERS, *DIFFERENCE]

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
    search: pd.DataFrame, reward_models: pd.DataFrame, shares: pd.DataFrame, rules: Rules
) -> pd.DataFrame:
    """One row a policy, data set, training domain and share of common misreadings (columns
    `COLUMNS_BY_SHARE`): accuracy, and the difference to the PRM trained on the domain of the data
    set, both with intervals at `rules.level`.

    `shares` is the result of `find_shares`. The problems are those with the number of misreadable
    wordings that has the most shares. A data set without shares has no rows.
    """
    chosen = _keep_one_number(shares[shares.index.isin(search["problem_id"])])
    found = []
    for place, tables in _iter_tables(search, reward_models, rules):
        for (number, share), members in chosen.groupby(["misreadable", "share"]):
            kept = {key: each[each.index.isin(members.index)] for key, each in tables.items()}
            for trained_on, table in kept.items():
                difference = _subtract_home(kept, trained_on, str(place["domain"]))
                numbers = _measure(table, estimate(difference, rules), rules)
                if numbers:
                    group = {"trained_on": trained_on, "misreadable": number, "share": share}
                    found.append({**place, **group, **numbers})
    return pd.DataFrame(found, columns=COLUMNS_BY_SHARE)


def find_shares(problems: Sequence[Problem]) -> pd.DataFrame:
    """For each problem_id, how many wordings of the problem are `misreadable`, and the `share` of
    them that problems of the other domain use, too.

    A problem has no row without misreadable wordings, or where no problem of the other domain is
    given that has some.
    """
    misreadable = {problem.problem_id: find_misreadable(problem) for problem in problems}
    used: defaultdict[str, set[str]] = defaultdict(set)
    for problem in problems:
        used[problem.domain] |= misreadable[problem.problem_id]
    rows = {}
    for problem in problems:
        wordings = misreadable[problem.problem_id]
        others = used["code" if problem.domain == "math" else "math"]
        if wordings and others:
            rows[problem.problem_id] = (len(wordings), len(wordings & others) / len(wordings))
    return pd.DataFrame.from_dict(rows, orient="index", columns=["misreadable", "share"])


def _keep_one_number(shares: pd.DataFrame) -> pd.DataFrame:
    """The rows with one number of misreadable wordings: the number with the most shares, of equals
    the most frequent, of equals the smallest.
    """
    numbers = shares.groupby("misreadable")["share"].agg(["nunique", "size"])
    if numbers.empty:
        return shares
    best = numbers.sort_values(["nunique", "size"], ascending=False, kind="stable").index[0]
    return shares[shares["misreadable"] == best]


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
