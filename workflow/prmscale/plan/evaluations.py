"""Evaluations by the names of their samples: which they share, mix, or compare."""

from __future__ import annotations

from typing import Any

from prmscale.study import Evaluation, Study


def name_evaluations(study: Study) -> dict[tuple[str, str], Evaluation]:
    """Every evaluation, by the names of its samples and of each of its data sets."""
    return {(study.name_samples(each), name): each for each, name in study.tests()}


def count_samples(study: Study) -> dict[tuple[str, str], int]:
    """Samples that are drawn of each test problem, by the names of the samples and of the data set
    that has the problems: evaluations that need them share them, so that it is the most that any
    needs, and fewer are their beginning.
    """
    counts: dict[tuple[str, str], int] = {}
    for evaluation, dataset in study.tests():
        parts = study.name_parts(evaluation)
        for turn, part in enumerate(parts):
            samples = part, study.original(dataset).name
            needed = -(-(evaluation.samples - turn) // len(parts))
            counts[samples] = max(needed, counts.get(samples, 0))
    return counts


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
