"""The transfer matrix: reward models of one base and recipe, trained on math, code or both, tested
on each data set.

Each is compared with the one that was trained on the domain of the data set: two one-sided tests
(Schuirmann 1987) with the 90 % interval and the margin of the claim `math_to_code`, for every
policy, at the largest n.
"""

from __future__ import annotations

import pandas as pd

from prmscale.analysis.estimates import SHARE
from prmscale.analysis.models import find_by_training_domain
from prmscale.analysis.paired import accuracy, estimate, iter_at_budget
from prmscale.analysis.rows import subtract
from prmscale.analysis.verdicts import EQUIVALENCE_LEVEL, Rules, judge_equivalence

COLUMNS = [
    "policy", "dataset", "domain", "budget", "trained_on", "accuracy", "low", "high", "n", "seeds",
    "difference", "difference_low", "difference_high", "verdict",
]  # fmt: skip


def measure_matrix(search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """One row a policy, data set and training domain (columns `COLUMNS`): accuracy with its
    interval, and the difference to the PRM trained on the domain of the data set, with a 90 %
    interval and whether the two are equivalent.

    The row of that PRM has no difference.
    """
    models = find_by_training_domain(reward_models)
    found = []
    for policy, selected in search.groupby("policy", sort=False):
        for dataset, rows in iter_at_budget(selected, rules):
            domain = str(rows["domain"].iloc[0])
            place = {
                "policy": policy,
                "dataset": dataset,
                "domain": domain,
                "budget": int(rows["budget"].max()),
            }
            tables = {trained_on: accuracy(rows, names) for trained_on, names in models.items()}
            home = tables.get(domain, pd.DataFrame())
            for trained_on, table in tables.items():
                difference = subtract(table, home) if trained_on != domain else pd.DataFrame()
                numbers = _measure(table, difference, rules)
                if numbers:
                    found.append({**place, "trained_on": trained_on, **numbers})
    return pd.DataFrame(found, columns=COLUMNS)


def _measure(
    table: pd.DataFrame, difference: pd.DataFrame, rules: Rules
) -> dict[str, float | int | str]:
    """The row's numbers; empty where the PRM was not measured."""
    known = estimate(table, rules, within=SHARE)
    if known is None:
        return {}
    row: dict[str, float | int | str] = {
        "accuracy": known.mean,
        "low": known.low,
        "high": known.high,
        "n": known.n,
        "seeds": known.seeds,
    }
    gap = estimate(difference, rules, EQUIVALENCE_LEVEL)
    if gap is not None:
        row |= {
            "difference": gap.mean,
            "difference_low": gap.low,
            "difference_high": gap.high,
            "verdict": judge_equivalence(gap, rules.margin).verdict(rules.level),
        }
    return row
