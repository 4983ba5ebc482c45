"""The transfer matrix: reward models of one base and recipe, trained on math, code or both, tested
on each data set.

Each is compared with the one trained on the domain that it is tested on: two one-sided tests
(Schuirmann 1987), by the same 90 % interval and margin as the claim `math_to_code`, for every
policy and at the largest n.
"""

from __future__ import annotations

import pandas as pd

from prmscale.analysis.estimates import SHARE
from prmscale.analysis.models import find_by_training_domain
from prmscale.analysis.paired import accuracy, at_budget, interval
from prmscale.analysis.rows import subtract
from prmscale.analysis.verdicts import EQUIVALENCE_LEVEL, Rules, alike

COLUMNS = [
    "policy", "dataset", "domain", "budget", "trained_on", "accuracy", "low", "high", "n", "seeds",
    "difference", "difference_low", "difference_high", "verdict",
]  # fmt: skip


def matrix(search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """One row a policy, data set and training domain: accuracy with its interval, and its
    difference to the PRM trained on the data set's own domain with a 90 % interval and whether they
    are equivalent.

    The own domain's row has no difference.
    """
    models = find_by_training_domain(reward_models)
    found = []
    for policy, own in search.groupby("policy", sort=False):
        for dataset, rows in at_budget(own, rules):
            domain = str(rows["domain"].iloc[0])
            by_domain = {trained_on: accuracy(rows, names) for trained_on, names in models.items()}
            for trained_on, values in by_domain.items():
                known = interval(values, rules, within=SHARE) if len(values) else None
                if known is None:
                    continue
                row = {
                    "policy": policy, "dataset": dataset, "domain": domain, "budget": int(rows["budget"].max()),
                    "trained_on": trained_on, "accuracy": known.mean, "low": known.low, "high": known.high,
                    "n": known.n, "seeds": known.seeds,
                }  # fmt: skip
                difference = subtract(values, by_domain.get(domain, pd.DataFrame()))
                gap = (
                    interval(difference, rules, EQUIVALENCE_LEVEL) if trained_on != domain else None
                )
                if gap is not None:
                    row |= {
                        "difference": gap.mean, "difference_low": gap.low, "difference_high": gap.high,
                        "verdict": alike(gap, rules.equivalence_margin).verdict(rules.level),
                    }  # fmt: skip
                found.append(row)
    return pd.DataFrame(found, columns=COLUMNS)
