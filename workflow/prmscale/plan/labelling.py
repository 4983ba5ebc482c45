"""Which labels are made by rollouts, and which of them a reading reads."""

from __future__ import annotations

from typing import NamedTuple

from prmscale.plan.plan import Plan
from prmscale.study import READS


class LabelJob(NamedTuple):
    """Labels of a policy's solutions of a data set by a method with a labeller's rollouts."""

    labeller: str
    policy: str
    dataset: str
    method: str


def list_label_jobs(plan: Plan) -> list[LabelJob]:
    """Every labelling of stored solutions by rollouts, each once: one that labels by itself may
    also be what a reading reads.
    """
    found = []
    for policy, dataset, method in plan.study.all_label_tables():
        if method in READS:
            found += list_read(plan, policy, dataset, method)
        elif method not in ("omega", "oracle"):
            found.append(LabelJob(policy, policy, dataset, method))
    return list(dict.fromkeys(found))


def list_read(plan: Plan, policy: str, dataset: str, method: str) -> list[LabelJob]:
    """What a reading reads: the labels of each of its labellers, in their order."""
    labellers = plan.labellers(policy, method)
    return [LabelJob(name, policy, dataset, READS[method]) for name in labellers]
