"""Keys whose values are names of other things in the study."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prmscale.configuration.faults import Fault, find_values, suggest
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


def _policies(study: Study) -> list[str]:
    """Language models, and policies whose solutions are in files."""
    return [*_models(study), *(policy.name for policy in study.policies.recorded)]


def _training_sets(study: Study) -> list[str]:
    return [data.name for data in study.rewards.data]


def _wordings(study: Study) -> list[str]:
    return list(study.world.misreading_rates)


def _aggregations(study: Study) -> list[str]:
    return [VALIDATION, *study.search.aggregations]


REFERENCES: dict[str, Callable[[Study], list[str]]] = {
    "datasets[].solutions_of": _datasets,
    "labels.policy": _models,
    "labels.consensus[]": _models,
    "labels.advantage.prover": _models,
    "rewards.data[].datasets[]": _datasets,
    "rewards.data[].policies[]": _models,
    "rewards.data[].corpora[]": _corpora,
    "rewards.data[].wordings[]": _wordings,
    "rewards.models[].base": _models,
    "rewards.models[].data": _training_sets,
    "rewards.verifiers[].base": _models,
    "search.evaluations[].policy": _policies,
    "search.evaluations[].mixed_with[]": _policies,
    "search.evaluations[].datasets[]": _datasets,
    "search.evaluations[].reward_models[]": Study.reward_model_names,
    "search.tree.reward_models[]": Study.reward_model_names,
    "search.likelihoods[]": _models,
    "analysis.patterns.reference": _models,
    "analysis.aggregation": _aggregations,
}


def check_references(config: Mapping[str, Any], study: Study) -> Iterator[Fault]:
    """A fault for each name in the configuration that refers to nothing in the study.

    Of a faulty configuration `study` is the known part. References are not judged if the names that
    they could have are not all known.
    """
    for key, list_names in REFERENCES.items():
        try:
            names = list_names(study)
        except AttributeError:
            continue
        for where, value in find_values(config, key):
            if isinstance(value, str) and value not in names:
                hint = f"{suggest(value, names)} {_list(names)}".lstrip()
                yield Fault(where, value, "refers to nothing in this study", hint)


def _list(names: list[str]) -> str:
    if not names:
        return "There are none."
    more = ", ..." if len(names) > 12 else ""
    return f"Possible: {', '.join(names[:12])}{more}."
