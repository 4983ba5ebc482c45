"""Consensus filter: keeps the solutions whose first error all labellers place at the same step.

Step 3 of ASLAF (arXiv 2506.00027).
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from prmscale.labels.stored import pool
from prmscale.tables import SOLUTION_KEY


def first_errors(labels: pd.DataFrame) -> pd.Series:
    """The first step labelled wrong of each solution; -1 where no step is."""
    wrong = labels["step"].where(labels["label"] == 0)
    by_solution = wrong.groupby([labels[key] for key in SOLUTION_KEY], sort=False)
    return by_solution.min().fillna(-1).astype(int)


def consensus(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The first labeller's rows of the solutions whose first error all labellers agree on.

    `tables` are labels of the same steps by different policies, pooled as in `stored.pool`; so is
    the value.
    """
    rows = pool(tables).assign(method="consensus")
    # a step without rollouts, or proven by another prefix alone, has its label as value
    measured = (rows["rollouts"] > 0) & ((rows["successes"] > 0) | (rows["label"] == 0))
    rows["value"] = (rows["successes"] / rows["rollouts"].where(measured)).fillna(rows["label"])

    places = [first_errors(table) for table in tables]
    agreed = pd.concat([place.eq(places[0]) for place in places], axis=1).all(axis=1)
    kept = agreed[pd.MultiIndex.from_frame(rows[SOLUTION_KEY])].to_numpy()
    return rows[kept].reset_index(drop=True)
