"""Values that are valid alone and impossible together, or impossible on this machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from prmscale.configuration.faults import Fault, Location, find_values, name_key
from prmscale.engines import memory
from prmscale.study import (
    GENERATED,
    Corpus,
    Dataset,
    Evaluation,
    ProcessBench,
    RecordedPolicy,
    ReleasedModel,
    ReleasedPolicy,
    ReleasedRewardModel,
    Study,
    TrainingSet,
    TreeSearch,
)

# keys whose values are the names of one kind of thing
_NAMES = {
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
        for fault in _find_repeated(named, "this name is used twice"):
            if fault.where not in reported:
                yield fault
            reported.add(fault.where)
        for where, name in named:
            if isinstance(name, str) and name in _RESERVED.get(kind, ()):
                message = "this name is kept for a folder or file of the results"
                yield Fault(where, name, message, "Choose another.")
    for key in _SETS:
        for where, values in find_values(config, key):
            if isinstance(values, list):
                items = [((*where, i), value) for i, value in enumerate(values)]
                yield from _find_repeated(items, "this is named twice")


def _find_repeated(values: Iterable[tuple[Location, Any]], message: str) -> Iterator[Fault]:
    first: dict[str, Location] = {}
    for where, value in values:
        if isinstance(value, str) and first.setdefault(value, where) != where:
            yield Fault(where, value, message, f"The first is {name_key(first[value])}.")


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
    yield from _find_repeated(tests, "this is evaluated twice")


def _check_tests(study: Study, where: Location, evaluation: Evaluation) -> Iterator[Fault]:
    """The data sets of an evaluation have test problems, and policies are mixed with others."""
    if evaluation.policy in evaluation.mixed_with:
        message = "this policy is mixed with itself"
        yield Fault((*where, "mixed_with"), evaluation.mixed_with, message, "Leave it out here.")
    for i, name in enumerate(evaluation.datasets):
        dataset = _find_dataset(study, name)
        if dataset and not dataset.test:
            message = "this data set has no test problems"
            yield Fault((*where, "datasets", i), name, message, "Raise its `test`.")
        if dataset and dataset.solutions_of not in (None, *evaluation.datasets):
            message = f"this data set has the solutions of {dataset.solutions_of}, which is missing"
            yield Fault((*where, "datasets", i), name, message, "Evaluate the policy on both.")


def _find_dataset(study: Study, name: str) -> Dataset | None:
    """The data set of this name; None if there are none or several."""
    found = [dataset for dataset in study.datasets if dataset.name == name]
    return found[0] if len(found) == 1 else None


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
        dataset = _find_dataset(study, name)
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
    original = _find_dataset(study, dataset.solutions_of) if dataset.solutions_of else None
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


def _check_process_bench(study: Study, where: Location, bench: ProcessBench) -> Iterator[Fault]:
    """The local file of a subset of ProcessBench exists."""
    if bench.path is not None and not _is_file(bench.path.replace("{split}", bench.subset)):
        yield _lacks_file(where, bench.path)


def _check_model(study: Study, where: Location, model: ReleasedModel) -> Iterator[Fault]:
    """A local folder of a model exists. Hub names are looked up when a job needs them."""
    if _is_local(model.model) and not _is_folder(model.model):
        yield Fault((*where, "model"), model.model, "no such folder")


def _check_parts(study: Study, where: Location, model: ReleasedRewardModel) -> Iterator[Fault]:
    """The local folders of a model's reference and tokenizer exist."""
    for key in ("reference", "tokenizer"):
        folder = getattr(model, key)
        if folder is not None and _is_local(folder) and not _is_folder(folder):
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


def _is_local(model: str) -> bool:
    """Whether a model is a folder's name and not a hub's."""
    return model.startswith((".", "/", "~"))


def _is_folder(path: str) -> bool:
    return os.path.isdir(os.path.expanduser(path))


def _check_calibration(study: Study, where: Location, method: str) -> Iterator[Fault]:
    """Scores are calibrated on solutions of validation problems: there are some."""
    names = [name for first in study.search.evaluations[:1] for name in first.datasets]
    datasets = [_find_dataset(study, name) for name in names]
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


CHECKS: list[tuple[str, Callable[[Study, Location, Any], Iterator[Fault]]]] = [
    ("search.evaluations", _check_evaluations),
    ("search.evaluations[]", _check_tests),
    ("search.evaluations", _check_recorded),
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
    ("search.budgets", _check_budgets),
    ("search.calibration", _check_calibration),
    ("search.strategies", _check_votes),
    ("search.tree", _check_tree),
    ("labels.compare.methods", _check_compared),
    ("rewards.data[]", _check_training_set),
]
