"""Checks of labels, training sets and reward models: values that are valid alone and impossible
together.
"""

from __future__ import annotations

from collections.abc import Iterator

from prmscale.configuration.faults import Fault, Location
from prmscale.configuration.search_checks import Check, find_dataset
from prmscale.study import (
    GENERATED,
    Dataset,
    ReleasedRewardModel,
    RewardModel,
    Rewards,
    Study,
    TrainingSet,
)


def _check_compared(study: Study, where: Location, methods: list[str]) -> Iterator[Fault]:
    """The methods that are compared have their labellers."""
    for method in methods:
        yield from _check_labellers(study, where, method)


def _check_labellers(
    study: Study, where: Location, method: str, data: TrainingSet | None = None
) -> Iterator[Fault]:
    """A consensus has at least two labellers, and the prover of an advantage is no writer."""
    if method == "consensus" and len(study.labels.consensus) < 2:
        labellers = len(study.labels.consensus)
        message = f"labels.consensus must name at least two policies; it names {labellers}"
        yield Fault(where, method, message)
    if method == "advantage":
        settings = study.labels.advantage
        writers = study.writers(data) if data else [study.labels.policy]
        if settings.best_of == 1 and settings.prover in writers:
            message = f"labels.advantage.prover: {settings.prover} would judge its own solutions"
            yield Fault(where, method, message, "Name another, or raise labels.advantage.best_of.")


def _check_training_set(study: Study, where: Location, data: TrainingSet) -> Iterator[Fault]:
    """The sources of a training set have train problems, and the labels and wordings needed."""
    if data.datasets:
        yield from _check_labellers(study, (*where, "labels"), data.labels, data)
    for name in data.datasets:
        dataset = find_dataset(study, name)
        if dataset:
            yield from _check_source(where, data, dataset)
    if data.wordings:
        yield from (_lacks_wordings(where, name) for name in data.corpora)


def _check_source(where: Location, data: TrainingSet, dataset: Dataset) -> Iterator[Fault]:
    if not dataset.train:
        message = "this data set has no train problems"
        yield Fault(where, dataset.name, message, "Raise its `train`.")
    if dataset.source in GENERATED:
        return
    if data.labels == "oracle":
        yield Fault(
            (*where, "labels"),
            "oracle",
            f"the truth of steps is not known for {dataset.name}",
            "Possible: monte_carlo.",
        )
    if data.wordings:
        yield _lacks_wordings(where, dataset.name)


def _lacks_wordings(where: Location, name: str) -> Fault:
    message = "only generated data sets have wordings that can be misread"
    return Fault((*where, "wordings"), name, message)


def _check_amounts(study: Study, where: Location, data: TrainingSet) -> Iterator[Fault]:
    """Each data set of a training set has as many solutions as its part of the set."""
    writers = study.writers(data)
    if data.labels == "omega" or any(study.recorded_policy(name) for name in writers):
        return  # trees and files have as many solutions as they have
    of_problem = study.labels.solutions * len(writers)
    if data.per_problem and data.per_problem > of_problem:
        message = f"labels.solutions has the policies write {of_problem} solutions of a problem"
        hint = "Lower it, or raise labels.solutions."
        yield Fault((*where, "per_problem"), data.per_problem, message, hint)
    elif data.solutions and data.datasets:
        of_problem = data.per_problem or of_problem
        part = data.solutions // (len(data.datasets) + len(data.corpora))
        datasets = [find_dataset(study, name) for name in data.datasets]
        known = [each for each in datasets if each and each.train]
        smallest = min(known, key=lambda dataset: dataset.train, default=None)
        if smallest and part > smallest.train * of_problem:
            message = (
                f"the set needs {part} solutions of each of its sources, and {smallest.name} has "
                f"{smallest.train} train problems with {of_problem} each"
            )
            hint = "Lower it, or raise labels.solutions or the data set's `train`."
            yield Fault((*where, "solutions"), data.solutions, message, hint)


def _check_roles(study: Study, where: Location, rewards: Rewards) -> Iterator[Fault]:
    """One reward model at most stands for PRM-Math, and one for PRM-Code."""
    places = [(*where, "models", i, "role") for i in range(len(rewards.models))]
    places += [(*where, "released", i, "role") for i in range(len(rewards.released))]
    having: dict[str, str] = {}
    models: list[RewardModel | ReleasedRewardModel] = [*rewards.models, *rewards.released]
    for place, model in zip(places, models, strict=True):
        if model.role and having.setdefault(model.role, model.name) != model.name:
            message = f"{having[model.role]} has this role, and only one model can"
            yield Fault(place, model.role, message, "Leave it out here.")


TRAINING_CHECKS: list[tuple[str, Check]] = [
    ("labels.compare.methods", _check_compared),
    ("rewards", _check_roles),
    ("rewards.data[]", _check_training_set),
    ("rewards.data[]", _check_amounts),
]
