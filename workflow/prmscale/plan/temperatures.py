"""The evaluations that the figure `temperature` compares."""

from __future__ import annotations

from typing import Any

from prmscale.study import Evaluation, Study


def list_temperatures(study: Study) -> list[dict[str, Any]]:
    """The evaluations of one policy that differ in temperature alone, if there are two or more on a
    data set: the name of their samples (`policy`) and the `temperature` of each.

    Those of the first such policy in the order of evaluations; none without any.
    """
    groups: dict[tuple[str, float], list[tuple[Evaluation, str]]] = {}
    usual = study.policies.sampling
    for evaluation, dataset in study.tests():
        if not evaluation.mixed_with:
            key = (evaluation.policy, evaluation.adapt(usual).top_p)
            groups.setdefault(key, []).append((evaluation, dataset))
    for tests in groups.values():
        if len({dataset for _, dataset in tests}) < len(tests):
            found = {study.name_samples(each): each.adapt(usual).temperature for each, _ in tests}
            return [{"policy": name, "temperature": value} for name, value in found.items()]
    return []
