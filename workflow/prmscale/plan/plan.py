"""What the jobs of a study do, and with which models: read by the rules and the projected cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, get_args

from prmscale.plan.evaluations import count_samples, list_temperatures, name_evaluations
from prmscale.plan.paths import Paths
from prmscale.search import STRATEGIES
from prmscale.study import (
    DOMAINS,
    GENERATED,
    READS,
    Block,
    Dataset,
    PairedDomain,
    Prompting,
    StepRule,
    Study,
    TrainingSet,
)

Split = Literal["train", "validation", "test"]
Purpose = Literal["labelling", "search"]
LabelTable = tuple[str, str, str]  # policy, data set, method


class Samples(NamedTuple):
    """Solutions that one job samples: `samples` of each problem of the splits."""

    policy: str
    dataset: str
    purpose: Purpose
    splits: list[Split]
    samples: int


def as_data(block: Block) -> dict[str, Any]:
    """A block of the configuration as plain data, as the params of rules hold it."""
    return block.model_dump(mode="json")


class Plan:
    """The work of one study."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.paths = Paths(study)
        self.evaluations = name_evaluations(study)  # by the names of samples and data set
        self._counts = count_samples(study)
        # the params of all reward models share these
        self._tests = {k: self._benchmark(*k, e.samples) for k, e in self.evaluations.items()}

    # policies

    @property
    def first_policy(self) -> str:
        """The samples of the first evaluation, which the figures show; "" without evaluations."""
        evaluations = self.study.search.evaluations
        return self.study.name_samples(evaluations[0]) if evaluations else ""

    def prompting(self, policy: str, dataset: str) -> dict[str, Any]:
        """How a policy is asked for solutions of a data set."""
        released, problems = self.study.released_policy(policy), self.study.dataset(dataset)
        asked = released.prompting if released else Prompting()
        rule = {DOMAINS[problems.source]: self.step_rule(policy, dataset)}
        return as_data(asked.model_copy(update={"steps": rule}))

    def step_rule(self, policy: str, dataset: str) -> StepRule:
        """How a policy's solutions of a data set are split into steps."""
        released, problems = self.study.released_policy(policy), self.study.dataset(dataset)
        asked = released.prompting if released else Prompting()
        return problems.step_rule() or asked.step_rule(DOMAINS[problems.source])

    def revision(self, name: str) -> str | None:
        """The branch, tag or commit of a released model; None for a ladder model."""
        released = self.study.released_policy(name)
        return released.revision if released else None

    def weights(self, name: str) -> dict[str, Any]:
        """The weights of a policy: folder or hub name, number format and revision."""
        released = self.study.released_policy(name)
        return {
            "folder": self.paths.policy_folder(name),
            "dtype": released.dtype if released else "float32",
            "revision": self.revision(name),
        }

    def pretrainings(self) -> list[tuple[str, int]]:
        """Ladder model and replicate of every pre-training whose checkpoints are used."""
        pretraining, used = self.study.policies.pretraining, self.models_in_use()
        return [
            (model.name, replicate)
            for model in pretraining.ladder
            for replicate in range(1, 1 + pretraining.seeds)
            if used.intersection(self._checkpoint_folders(model.name, replicate))
        ]

    def _checkpoint_folders(self, model: str, replicate: int) -> list[str]:
        percents = self.study.policies.pretraining.checkpoints
        return [self.paths.policy_folder(f"{model}@{percent}", replicate) for percent in percents]

    def models_in_use(self) -> set[str]:
        """The folder of every policy, labeller and base that a job reads."""
        study = self.study
        policies = {each.policy for each in self.all_samples()}
        for policy, _, method in study.all_label_tables():
            policies.update(self.labellers(policy, method))
        if study.label_comparison_datasets():
            policies.update(self.labellers(study.labels.policy, *study.labels.compare.methods))
        if study.models_by_role():
            policies.add(self.reference)
        used = set(map(self.paths.policy_folder, policies))
        for model in study.rewards.models:
            used.update(self.paths.training_bases(model.name))
        for base in study.search.likelihoods:
            used.update(self.paths.base_folders(base))
        used.update(self.paths.policy_folder(each.base) for each in study.rewards.verifiers)
        return used

    # problems and sampled solutions

    def has_truth(self, dataset: str) -> bool:
        """Whether a data set is generated, so that the truth of every step is known."""
        return self.study.dataset(dataset).source in GENERATED

    def is_generated(self) -> bool:
        """Whether every data set of the study is generated."""
        return all(self.has_truth(dataset.name) for dataset in self.study.datasets)

    def generated_problems(self) -> list[str]:
        """The problems of every generated data set."""
        names = [dataset.name for dataset in self.study.datasets if self.has_truth(dataset.name)]
        return [self.paths.problems(name) for name in names]

    def figures(self) -> list[str]:
        """The figures that are drawn by default: `transfer` only where the two domains use
        different wordings, `temperature` only where there are temperatures to compare.
        """
        world, names = self.study.world, self.study.analysis.figures
        alike = world.rates("math").keys() == world.rates("code").keys()
        needless = {"transfer": alike, "temperature": not list_temperatures(self.study)}
        return [name for name in names if not needless.get(name)]

    def verdict_rules(self) -> dict[str, Any]:
        """The rules of the verdicts; released reward models alone have one training each."""
        rules = as_data(self.study.claims)
        return rules if self.study.rewards.models else rules | {"trainings": 1}

    def reference_execution(self, dataset: str) -> dict[str, Any]:
        """How the reference solutions of a published data set are run; {} for a generated one."""
        return {} if self.has_truth(dataset) else as_data(self.study.code_execution)

    def samples(self, policy: str, dataset: str, purpose: Purpose) -> Samples:
        """What one sampling job writes."""
        if purpose == "labelling":
            splits: list[Split] = ["train", "validation"]
            return Samples(policy, dataset, purpose, splits, self.study.labels.solutions)
        samples = self._counts[policy, self.study.original(dataset).name]
        return Samples(policy, dataset, purpose, ["test"], samples)

    def all_samples(self) -> list[Samples]:
        """What every sampling job writes, each once. Recorded policies' solutions are not sampled.

        Solutions are sampled to be labelled, to compare label methods on, to choose thresholds of
        first errors on, and to search among. A data set that splits the solutions of another needs
        those of the other.
        """
        study, policy = self.study, self.study.labels.policy
        pairs = [(by, name) for by, name, method in study.all_label_tables() if method != "omega"]
        pairs += [(policy, name) for name in study.label_comparison_datasets()]
        if study.reward_model_names():
            pairs += [(policy, dataset.name) for dataset in self.validation_datasets()]
        originals = dict.fromkeys((by, study.original(name).name) for by, name in pairs)
        tests = [(part, name) for e, name in study.tests() for part in study.name_parts(e)]
        tested = dict.fromkeys((part, study.original(name).name) for part, name in tests)
        sampled = [pair for pair in tested if not study.recorded_policy(pair[0])]
        labelling = [self.samples(*pair, "labelling") for pair in originals]
        return labelling + [self.samples(*pair, "search") for pair in sampled]

    # labels

    def labellers(self, policy: str, *methods: str) -> list[str]:
        """The policies whose rollouts label a policy's solutions by these methods: the policy
        itself, those that must agree for `consensus`, the prover too for `advantage`, none for
        `oracle`.
        """
        labels = self.study.labels
        prover = labels.advantage.prover or policy
        others = {"oracle": [], "consensus": labels.consensus, "advantage": [policy, prover]}
        names = [name for method in methods for name in others.get(method, [policy])]
        return list(dict.fromkeys(names))

    def labelling_files(self, policy: str, *methods: str) -> list[str]:
        """The folders of the labellers by these methods, as inputs of a rule."""
        labellers = self.labellers(policy, *methods)
        return [file for name in labellers for file in self.paths.policy_files(name)]

    def labelling_models(self, policy: str, dataset: str, *methods: str) -> dict[str, Any]:
        """For each method its labellers of a data set, each with its folder and prompting."""
        models: dict[str, Any] = {}
        for method in methods:
            models[method] = {
                name: (self.weights(name), self.prompting(name, dataset))
                for name in self.labellers(policy, method)
            }
        return models

    def decisions(self, *methods: str) -> dict[str, Any]:
        """The rule of each of these methods that rolls out by one, or reads labels made by one."""
        names = {READS.get(method, method) for method in methods}
        rules = as_data(self.study.labels.decision)
        return {name: rule for name, rule in rules.items() if name in names}

    def readings(self, *methods: str) -> dict[str, Any]:
        """The settings of each of these methods that reads stored labels."""
        blocks = as_data(self.study.labels)
        settings = {method: blocks[method] for method in methods if method in READS}
        return {name: each if isinstance(each, dict) else {} for name, each in settings.items()}

    def judged_labels(self) -> list[LabelTable]:
        """The tables of labels whose quality figure 9 shows: the compared methods, or else the
        labels that reward models learn from, where the truth of the steps is known.
        """
        if compared := self.study.label_comparison_datasets():
            return [(self.study.labels.policy, dataset, "compare") for dataset in compared]
        return [
            (policy, dataset, method)
            for policy, dataset, method in self.study.all_label_tables()
            if self.has_truth(dataset) and method != "oracle"
        ]

    # reward models

    def label_tables(self, data: TrainingSet) -> list[LabelTable]:
        """Policy, data set and method of every table of labels in a training set."""
        writers = self.study.writers(data)
        return [(policy, name, data.labels) for name in data.datasets for policy in writers]

    def training_files(
        self, reward_model: str, kind: Literal["problems", "solutions", "labels"]
    ) -> list[str]:
        """The tables of one kind that a reward model learns from: those of each data set and
        policy, then those of each corpus.
        """
        paths, data = self.paths, self._data(reward_model)
        path: Callable[[str, str, str], str] = {
            "problems": lambda policy, dataset, method: paths.problems(dataset),
            "solutions": paths.labelled_solutions,
            "labels": paths.labels,
        }[kind]
        made = [path(*table) for table in self.label_tables(data)]
        imported = [paths.corpus(name, kind) for name in data.corpora]
        return [*dict.fromkeys(made), *imported]

    def corpora_in_use(self) -> list[str]:
        """The published corpora that are part of a training set."""
        used = {name for data in self.study.rewards.data for name in data.corpora}
        return [corpus.name for corpus in self.study.corpora if corpus.name in used]

    def training_domain(self, reward_model: str) -> str:
        """The domain of a reward model's training set; `both` for math and code, other sets of
        domains with + between their names.
        """
        data = self._data(reward_model)
        domains = {DOMAINS[self.study.dataset(name).source] for name in data.datasets}
        domains |= {self.study.corpus(name).domain for name in data.corpora}
        return "both" if domains == set(get_args(PairedDomain)) else "+".join(sorted(domains))

    def training_set_cards(self) -> list[str]:
        """For each training set in use the folder of a reward model whose card describes it."""
        first = {model.data: model.name for model in reversed(self.study.rewards.models)}
        return [self.paths.trained_folders(name)[0] for name in first.values()]

    def checkpoints(self, reward_model: str) -> int:
        """Trainings of a reward model times the checkpoints that each leaves."""
        trainings = len(self.paths.reward_folders(reward_model))
        if not self.study.is_trained(reward_model):
            return trainings
        training = self.study.reward_training(reward_model)
        return trainings * (len(training.checkpoints) if training.steps else 1)

    def _data(self, reward_model: str) -> TrainingSet:
        return self.study.training_set(self.study.reward_model(reward_model).data)

    # search

    def test(self, policy: str, dataset: str) -> dict[str, Any]:
        """A test of a policy on a data set, with the configuration that it depends on."""
        return self._tests[policy, dataset]

    def tests(self, reward_model: str | None = None) -> list[dict[str, Any]]:
        """Every test of the study, or of one reward model."""
        return [
            self.test(self.study.name_samples(e), dataset)
            for e, dataset in self.study.tests(reward_model)
        ]

    def test_files(
        self, kind: Literal["problems", "solutions", "speeds"], reward_model: str | None = None
    ) -> list[str]:
        """The files of one kind of every test, or of those of one reward model."""
        tests, paths = self.study.tests(reward_model), self.paths
        if kind == "problems":
            return list(dict.fromkeys(paths.problems(dataset) for _, dataset in tests))
        path = paths.solutions if kind == "solutions" else paths.speed
        return [path(self.study.name_samples(e), dataset, "search") for e, dataset in tests]

    def validation(self) -> list[dict[str, Any]]:
        """The labelled validation solutions on which thresholds of first errors are chosen."""
        labels = self.study.labels
        return [
            self._benchmark(labels.policy, dataset.name, labels.solutions)
            for dataset in self.validation_datasets()
        ]

    def validation_datasets(self) -> list[Dataset]:
        """The data sets of the first evaluation that have validation problems and are generated;
        all that have some if scores are calibrated on them.
        """
        calibrated = self.study.search.calibration != "none"
        datasets = [self.study.dataset(name) for name in self._first_datasets()]
        return [d for d in datasets if d.validation and (calibrated or self.has_truth(d.name))]

    def validation_labels(self) -> list[str]:
        """The tables of their labels by a fixed number of rollouts, where a reward model learns
        from such labels: the values of steps that scores are compared with.
        """
        policy, known = self.study.labels.policy, self.study.all_label_tables()
        tables = [(policy, dataset.name, "monte_carlo") for dataset in self.validation_datasets()]
        return [self.paths.labels(*table) for table in tables if table in known]

    def strategies(self, scored: bool) -> list[str]:
        """The strategies over whole samples, with or without a reward model."""
        return [n for n in self.study.search.strategies if STRATEGIES[n].scored == scored]

    def tree_searches(self) -> list[tuple[str, str, str]]:
        """Reward model, policy and data set of every search step by step: each reward model of
        `search.tree` on each data set of the first evaluation.
        """
        models, datasets = self.study.search.tree.reward_models, self._first_datasets()
        return [(model, self.first_policy, name) for model in models for name in datasets]

    def search_tables(self) -> list[str]:
        """Every table of search results: by reward model, likelihood, and step by step."""
        paths, study = self.paths, self.study
        whole = [paths.search(name) for name in ["without", *study.reward_model_names()]]
        likelihoods = [paths.likelihood_search(base) for base in study.search.likelihoods]
        return [*whole, *likelihoods, *(paths.tree_search(*each) for each in self.tree_searches())]

    def first_error_tables(self) -> list[str]:
        """A table of predicted first errors for each reward model; none where no data set has
        known first errors.
        """
        names = self.study.reward_model_names() if self._knows_errors() else []
        return [self.paths.first_errors(name) for name in names]

    def reliability_tables(self) -> list[str]:
        """A table of step scores for each reward model; none where nothing is known of any step."""
        known = self._knows_errors() or self.validation_labels()
        names = self.study.reward_model_names() if known else []
        return [self.paths.reliability(name) for name in names]

    def _knows_errors(self) -> bool:
        """Whether first errors are known of a data set of the first evaluation, or ProcessBench."""
        subsets = self.study.search.first_errors.process_bench
        return bool(subsets) or any(map(self.has_truth, self._first_datasets()))

    def _first_datasets(self) -> list[str]:
        return [name for e in self.study.search.evaluations[:1] for name in e.datasets]

    def _benchmark(self, policy: str, dataset: str, samples: int) -> dict[str, Any]:
        return {
            "policy": policy,
            "dataset": as_data(self.study.dataset(dataset)),
            "problems": self.paths.problems(dataset),
            "samples": samples,
        }

    # step scores and activation patterns

    def compared_datasets(self) -> list[str]:
        """The data sets on which PRM-Math and PRM-Code are compared step by step."""
        return [name for _, datasets in self.study.models_by_role().values() for name in datasets]

    def compared_tests(self) -> list[dict[str, Any]]:
        """The tests of the figures' policy on these data sets."""
        return [self.test(self.first_policy, name) for name in self.compared_datasets()]

    def role(self, reward_model: str) -> PairedDomain:
        """The domain for which a reward model is compared."""
        compared = self.study.models_by_role()
        return next(role for role, (name, _) in compared.items() if name == reward_model)

    @property
    def reference(self) -> str:
        """The language model whose activation patterns are compared."""
        named = self.study.analysis.patterns.reference
        return named or self.study.find_writer(self.first_policy)[0]
