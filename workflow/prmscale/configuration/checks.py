"""Values that are valid alone and impossible together, or impossible on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from huggingface_hub import try_to_load_from_cache
from huggingface_hub.errors import HFValidationError

from prmscale.configuration.faults import Fault, Location, find_repeated, find_values
from prmscale.configuration.search_checks import SEARCH_CHECKS, Check, find_dataset
from prmscale.configuration.style_checks import STYLE_CHECKS
from prmscale.configuration.training_checks import TRAINING_CHECKS
from prmscale.engines import memory
from prmscale.study import (
    PACKAGE,
    Corpus,
    Dataset,
    Labels,
    ProcessBench,
    RecordedPolicy,
    ReleasedModel,
    ReleasedPolicy,
    ReleasedRewardModel,
    Study,
    TreeSearch,
)

# keys whose values are the names of one kind of thing
_NAMES = {
    "study": ["study"],
    "policies": [
        "policies.pretraining.ladder[].name",
        "policies.released[].name",
        "policies.recorded[].name",
    ],
    "datasets": ["datasets[].name"],
    "corpora": ["datasets[].name", "corpora[].name"],
    "training sets": ["rewards.data[].name"],
    "reward models": [
        "rewards.models[].name",
        "rewards.released[].name",
        "rewards.verifiers[].name",
    ],
    "subsets": ["search.first_errors.process_bench[].subset"],
}

# names of our own beside those of policies, data sets and reward models
_RESERVED = {
    "policies": {"tokenizer"},
    "datasets": {"corpus"},
    "reward models": {"without", "likelihood", "trees"},
}

_LONGEST_NAME = 64  # a file's name has up to three names and at most 255 bytes

NO_NAME = "neither a folder here nor a name as the hub's are, OWNER/NAME"

# lists in which a value has no second meaning
_SETS = [
    "plugins",
    "labels.consensus",
    "labels.compare.methods",
    "datasets[].subjects",
    "rewards.data[].datasets",
    "rewards.data[].corpora",
    "rewards.data[].wordings",
    "search.strategies",
    "search.aggregations",
    "search.evaluations[].reward_models",
    "search.evaluations[].mixed_with",
    "search.likelihoods",
    "search.tree.reward_models",
    "search.tree.strategies",
    "search.tree.aggregations",
    "analysis.figures",
]


def check_names(config: Mapping[str, Any]) -> Iterator[Fault]:
    """No two things of a kind have the same name, and no list names a thing twice."""
    reported: set[Location] = set()
    for kind, keys in _NAMES.items():
        named = [each for key in keys for each in find_values(config, key)]
        for fault in _check_names_of_a_kind(named, _RESERVED.get(kind, set())):
            if fault.where not in reported:
                yield fault
            reported.add(fault.where)
    for key in _SETS:
        for where, values in find_values(config, key):
            if isinstance(values, list):
                items = [((*where, i), value) for i, value in enumerate(values)]
                yield from find_repeated(items, "this is named twice")


def _check_names_of_a_kind(
    named: list[tuple[Location, Any]], reserved: set[str]
) -> Iterator[Fault]:
    yield from find_repeated(named, "this name is used twice")
    for where, name in named:
        if isinstance(name, str):
            yield from _check_name(where, name, reserved)
    yield from _find_alike(named)


def _check_name(where: Location, name: str, reserved: set[str]) -> Iterator[Fault]:
    """A name is none of ours, and short enough for files that are named by several."""
    if name.lower() in reserved:
        message = "this name is kept for a folder or file of the results"
        yield Fault(where, name, message, "Choose another.")
    if len(name) > _LONGEST_NAME:
        message = f"a name must have at most {_LONGEST_NAME} characters; this has {len(name)}"
        yield Fault(where, name, message, "Files of the results are named by it.")


def _find_alike(named: list[tuple[Location, Any]]) -> Iterator[Fault]:
    """A fault for each name that differs from an earlier one in case alone."""
    first: dict[str, str] = {}
    for where, name in named:
        if isinstance(name, str) and first.setdefault(name.lower(), name) != name:
            message = (
                f"this name differs from {first[name.lower()]!r} in upper and lower case alone"
            )
            yield Fault(where, name, message, "Some file systems cannot tell them apart.")


def check_values(study: Study, is_partial: bool) -> Iterator[Fault]:
    """The faults that the checks of all keys find.

    Of a partial study, a check ends where it reads a value that is not known.
    """
    for key, check in CHECKS:
        for where, value in find_values(study, key):
            try:
                yield from check(study, where, value)
            except AttributeError:
                if not is_partial:
                    raise


def _check_size(study: Study, where: Location, model: ReleasedPolicy) -> Iterator[Fault]:
    """The `config` of a released policy determines its size."""
    if model.config is not None and not _has_size(model.config):
        yield Fault(
            (*where, "config"),
            model.config,
            "config must have the keys of config.json that tell a model's size",
            "Required: model_type, and as numbers above 0 num_hidden_layers, hidden_size, "
            "num_attention_heads, intermediate_size, vocab_size.",
        )


def _has_size(config: dict[str, Any]) -> bool:
    try:
        return "model_type" in config and memory.size(config) is not None
    except (ArithmeticError, TypeError, ValueError):
        return False


def _check_problems(study: Study, where: Location, dataset: Dataset) -> Iterator[Fault]:
    """The local file of a data set, or of one of its splits, exists."""
    if dataset.path is not None:
        paths = [
            dataset.path.replace("{split}", split) for split in ("train", "validation", "test")
        ]
        if not any(map(_is_file, paths)):
            yield _lacks_file(where, dataset.path)


def _check_split(study: Study, where: Location, dataset: Dataset) -> Iterator[Fault]:
    """A data set with the solutions of another has the other's keys, and steps of its own."""
    original = find_dataset(study, dataset.solutions_of) if dataset.solutions_of else None
    if original is None:
        return
    if original.solutions_of:
        message = f"{original.name} has no solutions of its own"
        hint = f"Name {original.solutions_of}."
        yield Fault((*where, "solutions_of"), original.name, message, hint)
    for key in sorted(Dataset.model_fields.keys() - {"name", "steps", "solutions_of"}):
        value, theirs = getattr(dataset, key), getattr(original, key)
        if value != theirs:
            yield Fault((*where, key), value, f"{original.name} has {theirs!r} here", "Copy it.")
    if dataset.steps in (None, original.step_rule()):
        message = f"say how its solutions are split, unlike those of {original.name}"
        yield Fault((*where, "steps"), dataset.steps, message)
    elif (original.step_rule(), dataset.steps) == ("line", "blank_line"):
        message = f"the steps of {original.name} are lines, which leave no blank line to split at"
        yield Fault((*where, "steps"), dataset.steps, message)


def _check_corpus(study: Study, where: Location, corpus: Corpus) -> Iterator[Fault]:
    """The local file of a corpus exists; solutions have a path."""
    if corpus.path is None and corpus.source == "solutions":
        yield Fault(where, corpus.name, "a corpus of solutions must have a path")
    if corpus.path is not None and not _is_file(corpus.path):
        yield _lacks_file(where, corpus.path)


def _check_solutions(study: Study, where: Location, policy: RecordedPolicy) -> Iterator[Fault]:
    """The file of a recorded policy's solutions exists."""
    if not _is_file(policy.path):
        yield _lacks_file(where, policy.path)


def _check_process_bench(study: Study, where: Location, bench: ProcessBench) -> Iterator[Fault]:
    """The local file of a subset of ProcessBench exists."""
    if bench.path is not None and not _is_file(bench.path.replace("{split}", bench.subset)):
        yield _lacks_file(where, bench.path)


def _check_model(study: Study, where: Location, model: ReleasedModel) -> Iterator[Fault]:
    """A local folder of a model exists, or the name can be the hub's. Whether the hub has it, or a
    package is installed, is looked up before a run's first job.
    """
    if _is_folder(model.model) or _is_packaged(model):
        return
    if is_local(model.model):
        yield Fault((*where, "model"), model.model, "no such folder")
        return
    try:
        try_to_load_from_cache(model.model, "config.json")
    except HFValidationError:
        yield Fault((*where, "model"), model.model, NO_NAME)


def _check_gguf(study: Study, where: Location, policy: ReleasedPolicy) -> Iterator[Fault]:
    """The GGUF file in a local folder exists."""
    folder, file = policy.model, policy.gguf_file
    if file and _is_folder(folder) and not _is_file(os.path.join(folder, file)):
        yield Fault((*where, "gguf_file"), file, f"no such file in {folder}")


def _check_parts(study: Study, where: Location, model: ReleasedRewardModel) -> Iterator[Fault]:
    """The local folders of a model's reference and tokenizer exist."""
    for key in ("reference", "tokenizer"):
        folder = getattr(model, key)
        if folder is not None and is_local(folder) and not _is_folder(folder):
            yield Fault((*where, key), folder, "no such folder")


def _check_packages(study: Study, where: Location, folder: str) -> Iterator[Fault]:
    """The folder of installed packages exists."""
    if not _is_folder(folder):
        yield Fault(where, folder, "no such folder")


def _lacks_file(where: Location, path: str) -> Fault:
    hint = "Only {split} is replaced." if "{" in path.replace("{split}", "") else ""
    return Fault((*where, "path"), path, "no such file", hint)


def _is_file(path: str) -> bool:
    # unlike pathlib, os.path also answers for names that no file can have
    return os.path.isfile(os.path.expanduser(path))


def is_local(model: str) -> bool:
    """Whether a model is a folder's name and not a hub's."""
    return model.startswith((".", "/", "~"))


def _is_packaged(model: ReleasedModel) -> bool:
    """Whether a model is a GGUF file in an installed Python package."""
    is_file = isinstance(model, ReleasedPolicy) and model.gguf_file is not None
    return is_file and model.model.startswith(PACKAGE)


def _is_folder(path: str) -> bool:
    return os.path.isdir(os.path.expanduser(path))


def _check_jobs(study: Study, where: Location, block: Labels | TreeSearch) -> Iterator[Fault]:
    """Each of the jobs that share a table has a shard to make."""
    if block.jobs > block.shards:
        message = f"there are {block.shards} shards, and a job makes at least one"
        yield Fault((*where, "jobs"), block.jobs, message, "Set `shards` to as many.")


CHECKS: list[tuple[str, Check]] = [
    *SEARCH_CHECKS,
    *TRAINING_CHECKS,
    *STYLE_CHECKS,
    ("labels", _check_jobs),
    ("search.tree", _check_jobs),
    ("policies.recorded[]", _check_solutions),
    ("datasets[]", _check_problems),
    ("datasets[]", _check_split),
    ("corpora[]", _check_corpus),
    ("search.first_errors.process_bench[]", _check_process_bench),
    ("code_execution.packages", _check_packages),
    ("policies.released[]", _check_model),
    ("rewards.released[]", _check_model),
    ("rewards.released[]", _check_parts),
    ("policies.released[]", _check_size),
    ("policies.released[]", _check_gguf),
]
