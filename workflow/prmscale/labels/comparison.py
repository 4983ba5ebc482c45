"""Methods of labelling, compared on the same problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from prmscale import tables
from prmscale.labels.labeller import Labeller
from prmscale.labels.readings import Settings, read
from prmscale.labels.spending import charge_labels
from prmscale.tasks.base import Problem


def compare(
    labellers: Mapping[str, Sequence[Labeller]],
    problems: Sequence[Problem],
    solutions: pd.DataFrame,
    readings: Mapping[str, Settings],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The `labels` and `spending` of every method, given its labellers, and the settings of those
    that are `readings`; `omega` labels solutions that it writes.
    """
    labels, spent = [], []
    for method, several in labellers.items():
        if method == "omega":
            _, found, took = several[0].grow(problems, method)
        else:
            by_policy = [each.label(problems, solutions, method) for each in several]
            spent_each = [charge_labels(table, solutions) for table in by_policy]
            found, took = by_policy[0], spent_each[0]
            if method in readings:
                found, took = read(method, by_policy, spent_each, solutions, readings[method])
        labels.append(found)
        spent.append(took)
    return tables.join(labels, "labels"), tables.join(spent, "spending")
