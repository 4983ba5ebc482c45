"""What labelling a problem took, and how many of its solutions have labels for it.

Labels tell what was spent on them. What was spent on solutions that end without labels, and on
problems of which none has any, counts as well: rollouts of a problem itself, first errors that are
not located, solutions a filter drops.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from prmscale.tables import SOLUTION_KEY

COUNTS = ["solutions", "labelled", "rollouts", "tokens"]


def row(
    problem_id: str, provenance: Mapping[str, object], counts: Sequence[int]
) -> dict[str, object]:
    """One problem's row: which method with which K, and its COUNTS."""
    return {"problem_id": problem_id, "method": provenance["method"], "k": provenance["k"]} | dict(
        zip(COUNTS, counts, strict=True)
    )


def of_labels(labels: pd.DataFrame, solutions: pd.DataFrame) -> pd.DataFrame:
    """The spending of labels that hold all of it: those of a method that labels every solution it
    is given.
    """
    # a prefix that solutions share is paid for on one row
    drawn = labels["rollouts"].where(labels["tokens_spent"] > 0, 0)
    problems = labels.assign(drawn=drawn).groupby("problem_id", sort=False)
    given = solutions.groupby("problem_id", sort=False).size()
    found = pd.DataFrame(
        {
            "solutions": given,
            "labelled": problems["solution_id"].nunique(),
            "rollouts": problems["drawn"].sum(),
            "tokens": problems["tokens_spent"].sum(),
        }
    )
    found = found.reindex(given.index).fillna(0).astype(int).rename_axis("problem_id").reset_index()
    method, k = labels[["method", "k"]].iloc[0] if len(labels) else ("", 0)
    return found.assign(method=method, k=int(k))


def of_filter(spent: Sequence[pd.DataFrame], kept: pd.DataFrame) -> pd.DataFrame:
    """The spending of a filter: that of all whose labels it compares, and the solutions that it
    keeps.
    """
    first = spent[0].set_index("problem_id")
    for column in ("rollouts", "tokens"):
        first[column] = sum(
            each.set_index("problem_id")[column].reindex(first.index) for each in spent
        )
    labelled = kept[SOLUTION_KEY].drop_duplicates().groupby("problem_id").size()
    first["labelled"] = labelled.reindex(first.index).fillna(0).astype(int)
    return first.assign(method="consensus").reset_index()
