"""What labelling cost a problem, and how many of its solutions it labelled.

A labels table has the cost of the labelled steps alone. Labelling also spends on solutions that
stay without labels: rollouts of the empty prefix, first errors that are not located, solutions that
a filter drops. The spending table has all of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from prmscale.tables import SOLUTION_KEY

COUNTS = ["solutions", "labelled", "rollouts", "tokens"]


def row(
    problem_id: str, provenance: Mapping[str, object], counts: Sequence[int]
) -> dict[str, object]:
    """One problem's row: the method, K, and the COUNTS in their order."""
    labelling = {"method": provenance["method"], "k": provenance["k"]}
    return {"problem_id": problem_id, **labelling, **dict(zip(COUNTS, counts, strict=True))}


def charge_labels(labels: pd.DataFrame, solutions: pd.DataFrame) -> pd.DataFrame:
    """The spending of a method that labels every solution it is given, from its labels alone."""
    # the first row of a shared prefix carries its cost
    paid = labels["rollouts"].where(labels["tokens_spent"] > 0, 0)
    problems = labels.assign(paid=paid).groupby("problem_id", sort=False)
    given = solutions.groupby("problem_id", sort=False).size()
    counts = {
        "solutions": given,
        "labelled": problems["solution_id"].nunique(),
        "rollouts": problems["paid"].sum(),
        "tokens": problems["tokens_spent"].sum(),
    }
    spent = pd.DataFrame(counts).reindex(given.index).fillna(0).astype(int)
    method, k = labels[["method", "k"]].iloc[0] if len(labels) else ("", 0)
    return spent.rename_axis("problem_id").reset_index().assign(method=method, k=int(k))


def charge_alone(labels: pd.DataFrame, part: Any, solutions: pd.DataFrame) -> pd.DataFrame:
    """A part of the labels (a mask), charged as if the other solutions had none.

    The first row of the part that has a prefix carries the prefix's cost, even if a solution
    outside the part paid for it.
    """
    steps = solutions.set_index(SOLUTION_KEY)["steps"]
    rows = labels[[*SOLUTION_KEY, "step"]].itertuples(index=False, name=None)
    prefixes = [(name, *steps[name, number][: step + 1]) for name, number, step in rows]
    prefix = pd.Series(pd.factorize(pd.Series(prefixes, dtype=object))[0], index=labels.index)
    costs = labels["tokens_spent"].groupby(prefix).transform("max")
    chosen = labels[part]
    return chosen.assign(tokens_spent=costs[part].where(~prefix[part].duplicated(), 0))


def charge_filter(spent: Sequence[pd.DataFrame], kept: pd.DataFrame, method: str) -> pd.DataFrame:
    """The spending of a reading: the sum of its labellers' spending, for the labels it keeps."""
    by_problem = [table.set_index("problem_id") for table in spent]
    rows = by_problem[0].copy()
    for column in ("rollouts", "tokens"):
        rows[column] = sum(table[column].reindex(rows.index) for table in by_problem)
    labelled = kept[SOLUTION_KEY].drop_duplicates().groupby("problem_id").size()
    rows["labelled"] = labelled.reindex(rows.index).fillna(0).astype(int)
    return rows.assign(method=method).reset_index()
