"""Checks of the search: values that are valid alone and impossible together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from prmscale.configuration.faults import Fault, Location, find_repeated
from prmscale.study import Dataset, Evaluation, Study, TreeSearch

Check = Callable[[Study, Location, Any], Iterator[Fault]]


def _check_evaluations(
    study: Study, where: Location, evaluations: list[Evaluation]
) -> Iterator[Fault]:
    """No policy is evaluated on a data set twice with the same sampling; the first evaluation is of
    one policy, and all reward models choose among its samples.
    """
    names = [study.name_samples(evaluation) for evaluation in evaluations]
    if evaluations and evaluations[0].mixed_with:
        message = "searches step by step, figures and claims are about the policy evaluated first"
        hint = "Mix policies in another evaluation."
        yield Fault((*where, 0, "mixed_with"), evaluations[0].mixed_with, message, hint)
    for i, evaluation in enumerate(evaluations):
        if names[i] == names[0] and evaluation.reward_models is not None:
            message = (
                "figures and claims compare all reward models on the first policy's solutions; "
                "name some of them for another policy alone"
            )
            yield Fault((*where, i, "reward_models"), evaluation.reward_models, message)
    tests = [
        ((*where, i, "datasets", k), f"{names[i]} on {name}")
        for i, evaluation in enumerate(evaluations)
        for k, name in enumerate(evaluation.datasets)
    ]
    yield from find_repeated(tests, "this is evaluated twice")


def _check_tests(study: Study, where: Location, evaluation: Evaluation) -> Iterator[Fault]:
    """The data sets of an evaluation have test problems, and policies are mixed with others."""
    if evaluation.policy in evaluation.mixed_with:
        message = "this policy is mixed with itself"
        yield Fault((*where, "mixed_with"), evaluation.mixed_with, message, "Leave it out here.")
    for i, name in enumerate(evaluation.datasets):
        dataset = find_dataset(study, name)
        if dataset and not dataset.test:
            message = "this data set has no test problems"
            yield Fault((*where, "datasets", i), name, message, "Raise its `test`.")
        if dataset and dataset.solutions_of not in (None, *evaluation.datasets):
            message = f"this data set has the solutions of {dataset.solutions_of}, which is missing"
            yield Fault((*where, "datasets", i), name, message, "Evaluate the policy on both.")


def _check_budgets(study: Study, where: Location, budgets: list[int]) -> Iterator[Fault]:
    """Budgets increase from 1, and some evaluation has samples for the largest."""
    if budgets != sorted(set(budgets)) or budgets[:1] != [1]:
        yield Fault(where, budgets, "budgets must be increasing numbers from 1")
        return
    samples = max([each.samples for each in study.search.evaluations], default=0)
    if samples and budgets[-1] > samples:
        remedy = "end the budgets there, or raise the samples"
        yield Fault(where, budgets, f"no evaluation has more than {samples} samples; {remedy}")


def _check_tree(study: Study, where: Location, tree: TreeSearch) -> Iterator[Fault]:
    """Particle filtering needs scores that are chances."""
    if "particle_filtering" in tree.strategies and "sum" in tree.aggregations:
        at = (*where, "aggregations", tree.aggregations.index("sum"))
        message = "particle_filtering weighs by the odds of scores, and a sum may be above 1"
        yield Fault(at, "sum", message, "Leave out one of them.")


def _check_recorded(
    study: Study, where: Location, evaluations: list[Evaluation]
) -> Iterator[Fault]:
    """Nothing asks more of a recorded policy than its solutions."""
    for i, each in enumerate(evaluations):
        names = [name for name in each.policies if study.recorded_policy(name)]
        for key in ("temperature", "top_p") if names else ():
            if getattr(each, key) is not None:
                message = f"{names[0]} has recorded solutions alone, which are not sampled again"
                yield Fault((*where, i, key), getattr(each, key), message, "Leave it out.")
    first = next((evaluation.policy for evaluation in evaluations), "")
    if not study.recorded_policy(first):
        return
    lacks = f"{first} has recorded solutions alone"
    if study.search.tree.reward_models:
        message = f"{lacks}, and search step by step needs a policy that writes"
        yield Fault((*where, 0, "policy"), first, message, "Write search.tree.reward_models: [].")
    if study.models_by_role() and not study.analysis.patterns.reference:
        message = f"{lacks}, and no activations that patterns could be compared by"
        hint = "Name a language model in analysis.patterns.reference."
        yield Fault((*where, 0, "policy"), first, message, hint)


def _check_calibration(study: Study, where: Location, method: str) -> Iterator[Fault]:
    """Scores are calibrated on solutions of validation problems: there are some."""
    names = [name for first in study.search.evaluations[:1] for name in first.datasets]
    datasets = [find_dataset(study, name) for name in names]
    known = [dataset for dataset in datasets if dataset]
    if method != "none" and known and not any(dataset.validation for dataset in known):
        message = (
            "scores are calibrated on validation solutions, and no data set of the first of "
            "search.evaluations has validation problems"
        )
        yield Fault(where, method, message, "Raise the `validation` of one.")


def _check_votes(study: Study, where: Location, strategies: list[str]) -> Iterator[Fault]:
    """Only calibrated scores are votes of calibrated_majority."""
    if "calibrated_majority" in strategies and study.search.calibration == "none":
        place = (*where, strategies.index("calibrated_majority"))
        message = "this strategy votes with calibrated scores, and search.calibration is none"
        yield Fault(place, "calibrated_majority", message, "Set it to platt or isotonic.")


def find_dataset(study: Study, name: str) -> Dataset | None:
    """The data set of this name; None if there are none or several."""
    found = [dataset for dataset in study.datasets if dataset.name == name]
    return found[0] if len(found) == 1 else None


SEARCH_CHECKS: list[tuple[str, Check]] = [
    ("search.evaluations", _check_evaluations),
    ("search.evaluations[]", _check_tests),
    ("search.evaluations", _check_recorded),
    ("search.budgets", _check_budgets),
    ("search.calibration", _check_calibration),
    ("search.strategies", _check_votes),
    ("search.tree", _check_tree),
]
