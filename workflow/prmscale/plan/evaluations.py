"""Evaluations by the names of their samples: which they share, mix, or compare."""

from __future__ import annotations

from typing import Any

from prmscale.study import Evaluation, Study


def find_evaluation(study: Study, policy: str, dataset: str) -> Evaluation:
    """The evaluation of the samples of this name on a data set."""
    named = [(study.name_samples(e), name, e) for e, name in study.tests()]
    return next(e for samples, name, e in named if (samples, name) == (policy, dataset))


def count_samples(study: Study, policy: str, dataset: str) -> int:
    """Samples of this name that are drawn of each test problem: evaluations that need them share
    them, so that it is the most that any needs, and fewer are their beginning.
    """
    original, needed = study.original(dataset), []
    for evaluation, name in study.tests():
        turns = study.name_parts(evaluation)
        if study.original(name) == original and policy in turns:
            needed.append(-(-(evaluation.samples - turns.index(policy)) // len(turns)))
    return max(needed)


def list_mixtures(study: Study) -> list[tuple[Evaluation, str]]:
    """The evaluations of several policies, with each of their data sets."""
    return [test for test in study.tests() if test[0].mixed_with]


def list_temperatures(study: Study) -> list[dict[str, Any]]:
    """The evaluations of one policy that differ in temperature alone, if there are two or more on a
    data set: the name of their samples (`policy`) and the `temperature` of each.

    Those of the first such policy in the order of evaluations; none without any.
    """
    groups: dict[tuple[str, float], list[tuple[Evaluation, str]]] = {}
    usual = study.sampling
    for evaluation, dataset in study.tests():
        if not evaluation.mixed_with:
            key = (evaluation.policy, evaluation.adapt(usual).top_p)
            groups.setdefault(key, []).append((evaluation, dataset))
    for tests in groups.values():
        if len({dataset for _, dataset in tests}) < len(tests):
            found = {study.name_samples(each): each.adapt(usual).temperature for each, _ in tests}
            return [{"policy": name, "temperature": value} for name, value in found.items()]
    return []
