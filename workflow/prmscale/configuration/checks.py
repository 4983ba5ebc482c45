"""Values that are valid alone and impossible together, or impossible on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from prmscale.configuration.faults import Fault, Location
from prmscale.engines import memory
from prmscale.study import GENERATED, Dataset, Study, TrainingSet


def _find_repeated(names: list[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if names.count(name) > 1]


# names of our own beside those of policies, data sets and reward models
RESERVED: dict[Location, set[str]] = {
    ("policies",): {"tokenizer"},
    ("datasets",): {"corpus"},
    ("rewards", "models"): {"without", "likelihood", "trees"},
}


def check_names(study: Study) -> Iterator[Fault]:
    """No two things of a kind have the same name."""
    datasets = [d.name for d in study.datasets]
    corpora = [c.name for c in study.corpora]
    ladder = [m.name for m in study.policies.pretraining.ladder]
    released = [m.name for m in study.policies.released]
    kinds: list[tuple[Location, list[str]]] = [
        (("datasets",), datasets),
        (("corpora",), [*dict.fromkeys(datasets), *corpora]),
        (("policies",), ladder + released),
        (("rewards", "data"), [d.name for d in study.rewards.data]),
        (("rewards", "models"), study.reward_model_names()),
    ]
    for where, names in kinds:
        for name in _find_repeated(names):
            yield Fault(where, name, "this name is used twice")
    for where, names in (
        (("policies",), ladder + released),
        (("datasets",), datasets),
        (("rewards", "models"), study.reward_model_names()),
    ):
        for name in RESERVED[where] & set(names):
            yield Fault(where, name, "this name is kept for a folder or file of the results")


def check_evaluations(study: Study) -> Iterator[Fault]:
    """No policy is evaluated on a data set twice."""
    tests = [f"{e.policy} on {name}" for e, name in study.tests()]
    for test in _find_repeated(tests):
        yield Fault(("search", "evaluations"), test, "this is evaluated twice")


def check_budgets(study: Study) -> Iterator[Fault]:
    """Budgets increase from 1, and some evaluation has samples for the largest."""
    where, budgets = ("search", "budgets"), study.search.budgets
    samples = max([e.samples for e in study.search.evaluations], default=0)
    if budgets != sorted(set(budgets)) or budgets[:1] != [1]:
        yield Fault(where, budgets, "budgets must be increasing numbers from 1")
    elif samples and budgets[-1] > samples:
        remedy = "end the budgets there, or raise the samples"
        yield Fault(where, budgets, f"no evaluation has more than {samples} samples; {remedy}")


def check_consensus(study: Study) -> Iterator[Fault]:
    """Whoever uses consensus labels names at least two labellers."""
    labellers = len(set(study.labels.consensus))
    if labellers >= 2:
        return
    users: list[Location] = [
        ("rewards", "data", i, "labels")
        for i, data in enumerate(study.rewards.data)
        if data.datasets and data.labels == "consensus"
    ]
    if "consensus" in study.labels.compare.methods:
        users.append(("labels", "compare", "methods"))
    for where in users:
        yield Fault(
            where,
            "consensus",
            f"labels.consensus must name at least two policies; it names {labellers}",
        )


def check_training_sets(study: Study) -> Iterator[Fault]:
    """The sources of each training set have train problems, and the labels and wordings needed."""
    datasets = {dataset.name: dataset for dataset in study.datasets}
    for i, data in enumerate(study.rewards.data):
        where = ("rewards", "data", i)
        for name in data.datasets:
            if name in datasets:
                yield from _check_source(where, data, datasets[name])
        if data.wordings:
            yield from (_lacks_wordings(where, name) for name in data.corpora)


def _check_source(where: Location, data: TrainingSet, dataset: Dataset) -> Iterator[Fault]:
    if not dataset.train:
        yield Fault(where, dataset.name, "this data set has no train problems")
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


def check_sizes(study: Study) -> Iterator[Fault]:
    """The `config` of a released policy determines its size."""
    for i, model in enumerate(study.policies.released):
        if model.config is None:
            continue
        if memory.size(model.config) is None or "model_type" not in model.config:
            yield Fault(
                ("policies", "released", i, "config"),
                model.config,
                "config must have the keys of config.json that tell a model's size",
                "Required: model_type, num_hidden_layers, hidden_size, num_attention_heads, "
                "intermediate_size, vocab_size.",
            )


def _exists(path: str) -> bool:
    return Path(path).expanduser().exists()


def check_files(study: Study) -> Iterator[Fault]:
    """Local files of data sets, corpora and ProcessBench exist; solutions have a path."""
    for i, dataset in enumerate(study.datasets):
        splits = ("train", "validation", "test")
        paths = [(dataset.path or ".").replace("{split}", split) for split in splits]
        if not any(map(_exists, paths)):
            yield Fault(("datasets", i, "path"), dataset.path, "no such file")
    for i, corpus in enumerate(study.corpora):
        if corpus.path is None and corpus.source == "solutions":
            yield Fault(("corpora", i), corpus.name, "a corpus of solutions must have a path")
        if corpus.path is not None and not _exists(corpus.path):
            yield Fault(("corpora", i, "path"), corpus.path, "no such file")
    for i, each in enumerate(study.search.first_errors.process_bench):
        if each.path and not _exists(each.path.replace("{split}", each.subset)):
            where = ("search", "first_errors", "process_bench", i, "path")
            yield Fault(where, each.path, "no such file")


def check_folders(study: Study) -> Iterator[Fault]:
    """Local folders of packages and models exist. Hub names are looked up when a job needs them."""
    packages = study.code_execution.packages
    if packages and not Path(packages).expanduser().is_dir():
        yield Fault(("code_execution", "packages"), packages, "no such folder")
    released = {
        "policies": [model.model for model in study.policies.released],
        "rewards": [model.model for model in study.rewards.released],
    }
    for block, paths in released.items():
        for i, path in enumerate(paths):
            if path.startswith((".", "/", "~")) and not _exists(path):
                yield Fault((block, "released", i, "model"), path, "no such folder")


CHECKS: list[Callable[[Study], Iterable[Fault]]] = [
    check_names,
    check_evaluations,
    check_files,
    check_folders,
    check_sizes,
    check_budgets,
    check_consensus,
    check_training_sets,
]
