"""Keys whose values are names of other things in the study."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from prmscale.configuration.faults import Fault, Location, suggest
from prmscale.study import VALIDATION, Study


def _datasets(study: Study) -> list[str]:
    return [dataset.name for dataset in study.datasets]


def _corpora(study: Study) -> list[str]:
    return [corpus.name for corpus in study.corpora]


def _models(study: Study) -> list[str]:
    """Language models: the ladder, its checkpoints, and released policies."""
    pretraining = study.policies.pretraining
    ladder = [model.name for model in pretraining.ladder]
    checkpoints = [f"{name}@{p}" for name in ladder for p in pretraining.checkpoints]
    return [*ladder, *checkpoints, *(model.name for model in study.policies.released)]


def _training_sets(study: Study) -> list[str]:
    return [data.name for data in study.rewards.data]


def _wordings(study: Study) -> list[str]:
    return list(study.world.misreading_rates)


def _aggregations(study: Study) -> list[str]:
    return [VALIDATION, *study.search.aggregations]


REFERENCES: dict[str, Callable[[Study], list[str]]] = {
    "labels.policy": _models,
    "labels.consensus[]": _models,
    "rewards.data[].datasets[]": _datasets,
    "rewards.data[].policies[]": _models,
    "rewards.data[].corpora[]": _corpora,
    "rewards.data[].wordings[]": _wordings,
    "rewards.models[].base": _models,
    "rewards.models[].data": _training_sets,
    "search.evaluations[].policy": _models,
    "search.evaluations[].datasets[]": _datasets,
    "search.tree.reward_models[]": Study.reward_model_names,
    "search.likelihoods[]": _models,
    "analysis.patterns.reference": _models,
    "analysis.aggregation": _aggregations,
}


def check_references(study: Study) -> list[Fault]:
    """A fault for each name that refers to nothing in the study."""
    faults = []
    for key, list_names in REFERENCES.items():
        names = list_names(study)
        for where, value in _find_values(study, key):
            if value not in names:
                hint = f"{suggest(value, names)} Possible: {', '.join(names)}.".lstrip()
                faults.append(Fault(where, value, "refers to nothing in this study", hint))
    return faults


def _find_values(study: Study, key: str) -> Iterator[tuple[Location, Any]]:
    """Every value of a key such as rewards.data[].datasets[], with its location."""
    found: list[tuple[Location, Any]] = [((), study)]
    for part in key.split("."):
        name = part.removesuffix("[]")
        found = [((*where, name), getattr(block, name)) for where, block in found]
        if part.endswith("[]"):
            lists, found = found, []
            for where, values in lists:
                found += [((*where, i), value) for i, value in enumerate(values or [])]
    return ((where, value) for where, value in found if value is not None)
