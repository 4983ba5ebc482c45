"""How answers were found in each policy's solutions, and how many solutions were cut."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

BY = ["policy", "dataset", "purpose"]
CUT = "cut"
# above this share of cut solutions, accuracies measure the token limit more than the policy
MANY = 0.05


def shares(solutions: Mapping[tuple[str, str, str], pd.DataFrame]) -> pd.DataFrame:
    """In how many solutions each rule found the answer, by policy, data set and purpose.

    Columns: those of BY, `found_by` (the rule), `solutions` and `share`. There is always a row for
    cut solutions.
    """
    rows = []
    for key, table in solutions.items():
        counts = table["found_by"].value_counts()
        counts = counts.reindex(sorted({*counts.index, CUT}), fill_value=0)
        rows += [(*key, rule, int(n), float(n / len(table))) for rule, n in counts.items()]
    return pd.DataFrame(rows, columns=[*BY, "found_by", "solutions", "share"])


def cut(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of `shares` that count cut solutions."""
    return table[table["found_by"] == CUT]
