"""Consensus filter (step 3 of ASLAF, arXiv 2506.00027): only solutions whose first error all
labellers place alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import pandas as pd

from prmscale.tables import SOLUTION_KEY


def first_errors(labels: pd.DataFrame) -> pd.Series:
    """The first step labelled wrong of each solution, -1 where none is."""
    wrong = labels["step"].where(labels["label"] == 0)
    return (
        wrong.groupby([labels[key] for key in SOLUTION_KEY], sort=False)
        .min()
        .fillna(-1)
        .astype(int)
    )


def consensus(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The first labeller's rows of the solutions that all of them agree on.

    `tables` are labels of the same steps by different policies. Rollouts, successes and tokens are
    those of all, the value is pooled; policies and weights are joined by a plus.
    """
    first = tables[0].assign(method="consensus")
    places = [first_errors(table) for table in tables]
    agreed = pd.concat([place.eq(places[0]) for place in places], axis=1).all(axis=1)
    for column in ("rollouts", "successes", "tokens_spent"):
        first[column] = sum(table[column].to_numpy() for table in tables)
    for column in ("policy", "weights"):
        first[column] = reduce(
            lambda one, other: one + "+" + other,
            [table[column].to_numpy(object) for table in tables],
        )
    first["value"] = (first["successes"] / first["rollouts"].where(first["rollouts"] > 0)).fillna(
        first["label"]
    )
    return first[agreed[pd.MultiIndex.from_frame(first[SOLUTION_KEY])].to_numpy()].reset_index(
        drop=True
    )
