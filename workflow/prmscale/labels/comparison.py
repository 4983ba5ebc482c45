"""Methods of labelling, compared on the same problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from prmscale import tables
from prmscale.labels.consensus import consensus
from prmscale.labels.labeller import Labeller
from prmscale.labels.spending import charge_filter, charge_labels
from prmscale.tasks.base import Problem


def compare(
    labellers: Mapping[str, Sequence[Labeller]],
    problems: Sequence[Problem],
    solutions: pd.DataFrame,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The `labels` and `spending` of every method, given its labellers; `omega` labels solutions
    that it writes.
    """
    labels, spent = [], []
    for method, several in labellers.items():
        found, took = _label(method, several, problems, solutions)
        labels.append(found)
        spent.append(took)
    return tables.join(labels, "labels"), tables.join(spent, "spending")


def _label(
    method: str, labellers: Sequence[Labeller], problems: Sequence[Problem], solutions: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    if method == "omega":
        _, labels, spent = labellers[0].grow(problems, method)
        return labels, spent
    by_policy = [each.label(problems, solutions, method) for each in labellers]
    spent_each = [charge_labels(labels, solutions) for labels in by_policy]
    if method == "consensus":
        agreed = consensus(by_policy)
        return agreed, charge_filter(spent_each, agreed)
    return by_policy[0], spent_each[0]
