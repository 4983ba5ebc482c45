"""Consensus filter: keeps the solutions whose first error all labellers place at the same step.

Step 3 of ASLAF (arXiv 2506.00027).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import pandas as pd

from prmscale.tables import SOLUTION_KEY


def first_errors(labels: pd.DataFrame) -> pd.Series:
    """The first step labelled wrong of each solution; -1 where no step is."""
    wrong = labels["step"].where(labels["label"] == 0)
    by_solution = wrong.groupby([labels[key] for key in SOLUTION_KEY], sort=False)
    return by_solution.min().fillna(-1).astype(int)


def consensus(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The first labeller's rows of the solutions whose first error all labellers agree on.

    `tables` are labels of the same steps by different policies. Rollouts, successes and tokens are
    sums over the labellers, the value is pooled; names of policies and weights are joined by "+".
    """
    rows = tables[0].assign(method="consensus")
    for column in ("rollouts", "successes", "tokens_spent"):
        rows[column] = sum(table[column].to_numpy() for table in tables)
    for column in ("policy", "weights"):
        names = [table[column].to_numpy(object) for table in tables]
        rows[column] = reduce(lambda joined, more: joined + "+" + more, names)
    rolled_out = rows["rollouts"].where(rows["rollouts"] > 0)
    rows["value"] = (rows["successes"] / rolled_out).fillna(rows["label"])

    places = [first_errors(table) for table in tables]
    agreed = pd.concat([place.eq(places[0]) for place in places], axis=1).all(axis=1)
    kept = agreed[pd.MultiIndex.from_frame(rows[SOLUTION_KEY])].to_numpy()
    return rows[kept].reset_index(drop=True)
