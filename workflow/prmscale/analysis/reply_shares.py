"""How answers were found in the solutions of each policy, and how many solutions were cut before
they had one.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

BY = ["policy", "dataset", "purpose"]
CUT = "cut"
# share of cut solutions above which accuracies say more of the token limit than of the policy
MANY = 0.05


def shares(solutions: Mapping[tuple[str, str, str], pd.DataFrame]) -> pd.DataFrame:
    """By policy, data set and purpose, how many solutions each rule found the answer of, and their
    share.

    The columns are those of BY, `found_by`, `solutions` and `share`; there is always a row for
    those that were cut.
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
