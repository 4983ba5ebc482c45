"""The jobs of a study and the work in them: what each model writes, reads and learns from, and what is stored.

Tokens follow from the configuration: problems, samples, rollouts, steps and budgets, and the lengths of `cost`. FLOPs
are those of `engines.flops`. Every request reads its prefix anew, once for the continuations that it asks for; a tree
search is charged for its whole budget.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Literal

from prmscale.cost.models import Model, model_of
from prmscale.search import STRATEGIES, TREE_STRATEGIES
from prmscale.study import DOMAINS, GENERATED, Dataset, Evaluation, RewardModel, Study

TEXT = 3.0  # bytes of a token in a Parquet table: of solutions, steps and text, compressed
ROW = 40.0  # bytes of a row of numbers there
WEIGHT = 4  # bytes: weights are kept, trained and read as reward models in float32


@dataclass(frozen=True)
class Pass:
    """One model at work: tokens it writes, reads or learns from, and the FLOPs of that.

    `context` is the mean number of tokens before a written one; `dtype` and `batch` are how it runs.
    """

    kind: Literal["write", "read", "train"]
    model: Model
    tokens: float
    flops: float
    dtype: str = "float32"
    context: float = 0.0
    batch: int = 1


@dataclass(frozen=True)
class Job:
    """A job: its rule and benchmark file's name, its models' work, bytes it leaves, model-written programs it runs."""

    rule: str
    name: str
    passes: tuple[Pass, ...] = ()
    stored: float = 0.0
    programs: float = 0.0

    @property
    def tokens(self) -> float:
        """Tokens of all kinds."""
        return sum(each.tokens for each in self.passes)

    @property
    def flops(self) -> float:
        """FLOPs of all models."""
        return sum(each.flops for each in self.passes)


@dataclass(frozen=True)
class Solutions:
    """Solutions that one policy writes to one data set: how many, and their mean prompt, length and steps."""

    count: float
    prompt: float
    length: float
    steps: float
    programs: float = field(default=0.0)  # 1 where judging one runs a program


def jobs(study: Study) -> list[Job]:
    """Every job of the study that runs a model or chooses among samples."""
    return [*_Work(study)]


class _Work:
    """The work of one study; iterating gives its jobs."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.model: Callable[[str], Model] = cache(lambda name: model_of(study, name))

    def __iter__(self) -> Iterator[Job]:
        study = self.study
        labelled = study.labelled()
        policies = {study.labels.policy, *(policy for policy, _, _ in labelled)}
        policies |= {*(e.policy for e in study.search.evaluations), *study.search.likelihoods}
        bases = {name.split("@")[0] for name in policies | {m.base for m in study.rewards.models}}
        for name in [m.name for m in study.policies.pretraining.ladder if m.name in bases]:
            for replicate in range(1, 1 + study.policies.pretraining.seeds):
                yield self._pretraining(name, replicate)
        compared = study.labels_compared_on()
        sampled = [(policy, n) for policy, n, method in labelled if method != "omega"]
        for policy, dataset in dict.fromkeys(sampled + [(study.labels.policy, n) for n in compared]):
            s = self._for_labelling(dataset, policy)
            yield self._sampling(policy, dataset, "labelling", s, study.labels.solutions)
        for each, dataset in self.study.tests():
            yield self._sampling(each.policy, dataset, "search", self._test(each, dataset), each.samples)
        for policy, dataset, method in labelled:
            omega = method == "omega"
            yield self._tree_labelling(policy, dataset) if omega else self._labelling(policy, dataset, method)
        for dataset in compared:
            yield self._comparison(dataset)
        for reward_model in study.rewards.models:
            yield self._training(reward_model)
        for name in study.reward_model_names():
            yield self._search(name)
        yield Job("search", "without")
        for base in study.search.likelihoods:
            yield self._ranking(base)
        first = study.search.evaluations[:1]
        for name in study.search.tree.reward_models:
            for each, dataset in [(e, d) for e in first for d in e.datasets]:
                yield self._trees(name, each, dataset)
        yield from self._patterns()

    def _solutions(self, dataset: Dataset, policy: str, count: float) -> Solutions:
        domain, cost = DOMAINS[dataset.source], self.study.cost
        released = self.study.released(policy)
        length = released.solution_tokens if released and released.solution_tokens else cost.solution_tokens[domain]
        length = min(length, self.study.policies.sampling.max_tokens)
        runs = float(domain == "code" and dataset.source not in GENERATED)
        return Solutions(count, cost.prompt_tokens[domain], length, cost.steps[domain], runs)

    def _for_labelling(self, name: str, policy: str) -> Solutions:
        dataset, labels = self.study.dataset(name), self.study.labels
        return self._solutions(dataset, policy, (dataset.train + dataset.validation) * labels.solutions)

    def _test(self, each: Evaluation, name: str) -> Solutions:
        dataset = self.study.dataset(name)
        return self._solutions(dataset, each.policy, dataset.test * each.samples)

    def _write(self, policy: str, count: float, together: int, context: float, length: float) -> Pass:
        """`count` continuations of `length` tokens after `context`, which is read once for so many `together`."""
        released, model = self.study.released(policy), self.model(policy)
        flops = count * model.shape.forward(round(length), round(context))
        flops += count / together * model.shape.forward(round(context))
        dtype = released.prompting.dtype if released else "float32"
        batch = self.study.policies.sampling.batch
        return Pass("write", model, count * length, flops, dtype, context + length / 2, batch)

    def _read(self, reward_model: str, texts: float, length: float) -> Pass:
        """A reward model reads texts; an implicit one by two language models, an evidence one by one."""
        released = self.study.released_reward_model(reward_model)
        if released:
            model = self.model(reward_model)
            return Pass("read", model, texts * length, texts * model.shape.forward(round(length)), released.dtype)
        model = self.model(self.study.reward_model(reward_model).base)
        head = self.study.reward_training(reward_model).head
        shape = model.decoder if head == "scalar" else model.shape
        times = 2 if head == "implicit" else 1
        return Pass("read", model, texts * length, times * texts * shape.forward(round(length)))

    def _kept(self, reward_model: str) -> int:
        """Trainings and checkpoints of a reward model."""
        if self.study.released_reward_model(reward_model):
            return 1
        settings = self.study.reward_training(reward_model)
        return settings.seeds * (len(settings.checkpoints) if settings.steps else 1)

    def _seeds(self, reward_model: str) -> int:
        return 1 if self.study.released_reward_model(reward_model) else self.study.rewards.training.seeds

    def _pretraining(self, name: str, replicate: int) -> Job:
        settings, cost, model = self.study.policies.pretraining, self.study.cost, self.model(name)
        shares: dict[Literal["math", "code"], float] = {"math": settings.math_share, "code": 1 - settings.math_share}
        length = sum(share * cost.solution_tokens[d] for d, share in shares.items())
        whole = length + sum(share * cost.prompt_tokens[d] for d, share in shares.items())
        documents = settings.tokens / length
        work = Pass("train", model, documents * whole, documents * model.shape.training(round(whole)))
        stored = WEIGHT * model.parameters * len(settings.checkpoints)
        return Job("pretrain_policy", f"{name}.{replicate}", (work,), stored)

    def _sampling(self, policy: str, dataset: str, purpose: str, s: Solutions, samples: int) -> Job:
        work = self._write(policy, s.count, samples, s.prompt, s.length)
        name = f"{policy}.{dataset}.{purpose}"
        return Job("sample_solutions", name, (work,), s.count * (s.length * TEXT + ROW), s.count * s.programs)

    def _labelling(self, policy: str, dataset: str, method: str) -> Job:
        s, labels = self._for_labelling(dataset, policy), self.study.labels
        name, stored = f"{policy}.{dataset}.{method}", s.count * s.steps * ROW
        if method == "oracle":
            return Job("label_solutions", name, (), stored)
        work, rollouts = self._rollouts(policy, s, self._prefixes(s), labels.rollouts)
        return Job("label_solutions", name, (work,), stored, rollouts * s.programs)

    def _prefixes(self, s: Solutions) -> float:
        """Distinct prefixes of so many solutions: rollouts start after every step but the last."""
        return s.count * max(s.steps - 1, 0) * self.study.cost.distinct_prefixes

    def _rollouts(self, policy: str, s: Solutions, prefixes: float, k: int) -> tuple[Pass, float]:
        """K rollouts from each prefix, with on average half of the solution still to write, and their number."""
        rollouts = prefixes * k
        return self._write(policy, rollouts, k, s.prompt + s.length / 2, s.length / 2), rollouts

    def _tree_labelling(self, policy: str, dataset: str) -> Job:
        """Every tree in full: rollouts of the problem, then those of each search's log2(steps) checks."""
        labels, s = self.study.labels, self._for_labelling(dataset, policy)
        problems = s.count / labels.solutions
        first = self._write(policy, problems * labels.rollouts, labels.rollouts, s.prompt, s.length)
        states = problems * labels.omega.searches * math.ceil(math.log2(max(s.steps, 2)))
        work, rollouts = self._rollouts(policy, s, states, labels.rollouts)
        solutions = rollouts + problems * labels.rollouts
        stored = solutions * (s.length * TEXT + ROW + s.steps * ROW)
        return Job("label_by_tree", f"{policy}.{dataset}", (first, work), stored, solutions * s.programs)

    def _comparison(self, dataset: str) -> Job:
        """Rollouts of a fixed number for the problems compared; the other methods share most of those draws."""
        labels = self.study.labels
        s = self._for_labelling(dataset, labels.policy)
        problems = min(labels.compare.problems, self.study.dataset(dataset).train)
        s = replace(s, count=problems * labels.solutions)
        work, _ = self._rollouts(labels.policy, s, self._prefixes(s), labels.compare.rollouts)
        return Job("compare_labels", dataset, (work,), len(labels.compare.methods) * s.count * s.steps * ROW)

    def _training(self, reward_model: RewardModel) -> Job:
        study = self.study
        settings, data = study.reward_training(reward_model.name), study.training_set(reward_model.data)
        cost = self.study.cost
        written = [(name, policy) for name in data.datasets for policy in study.writers(data)]
        lengths = [s.prompt + s.length for s in (self._for_labelling(*each) for each in written)]
        domains = [study.corpus(name).domain for name in data.corpora]
        lengths += [cost.prompt_tokens[domain] + cost.solution_tokens[domain] for domain in domains]
        length = sum(lengths) / len(lengths)
        model = self.model(reward_model.base)
        texts = settings.steps * settings.batch * settings.seeds
        shape = model.decoder if settings.head == "scalar" else model.shape
        # a frozen language model reads the texts; beside it a head is small
        forwards = {"scalar": 2 if settings.lora else 3, "evidence": 1, "implicit": 4}[settings.head]
        work = Pass("train", model, texts * length, texts * forwards * shape.forward(round(length)), settings.dtype)
        held_out: float = sum(study.dataset(name).validation for name, _ in written) * study.labels.solutions
        # how many rows a corpus has is not known before it is here
        held_out += sum(c.validation * (c.limit or data.solutions or 0) for c in map(study.corpus, data.corpora))
        kept = self._kept(reward_model.name)
        validation = self._read(reward_model.name, held_out * kept, length)
        return Job("train_reward_model", reward_model.name, (work, validation), WEIGHT * model.parameters * kept)

    def _search(self, reward_model: str) -> Job:
        search, kept = self.study.search, self._kept(reward_model)
        of = [self._test(each, dataset) for each, dataset in self.study.tests()]
        passes = tuple(self._read(reward_model, kept * s.count, s.prompt + s.length) for s in of)
        problems = sum(self.study.dataset(dataset).test for _, dataset in self.study.tests())
        scored = sum(STRATEGIES[name].scored for name in search.strategies)
        rows = problems * scored * len(search.aggregations) * len(search.budgets) * kept
        return Job("search", reward_model, passes, rows * ROW)

    def _ranking(self, base: str) -> Job:
        model = self.model(base)
        copies = self.study.policies.pretraining.seeds if self.study.ladder_model(base) else 1
        of = [self._test(each, dataset) for each, dataset in self.study.tests()]
        passes = tuple(
            Pass("read", model, n, copies * s.count * model.shape.forward(round(s.prompt + s.length)))
            for s in of
            for n in [copies * s.count * (s.prompt + s.length)]
        )
        return Job("rank_by_likelihood", base, passes)

    def _trees(self, reward_model: str, each: Evaluation, dataset: str) -> Job:
        """Every strategy spends its budget (all of them, where it needs a run for each), a step at a time."""
        study, tree = self.study, self.study.search.tree
        s = self._test(each, dataset)
        budgets = [b for b in study.search.budgets if b <= each.samples]
        worth = sum(max(budgets) if TREE_STRATEGIES[name].anytime else sum(budgets) for name in tree.strategies)
        runs = worth * len(tree.aggregations) * self._seeds(reward_model) * study.dataset(dataset).test
        candidates, step = runs * s.steps, s.length / s.steps
        write = self._write(each.policy, candidates, tree.expansion, s.prompt + s.length / 2, step)
        read = self._read(reward_model, candidates, s.prompt + s.length / 2)
        name = f"{reward_model}.{each.policy}.{dataset}"
        return Job("search_trees", name, (write, read), 0.0, runs * s.programs)

    def _patterns(self) -> Iterator[Job]:
        """Step scores of table 1's samples by PRM-Math and PRM-Code; a backward pass for each response compared."""
        study, compared = self.study, self.study.compared()
        if not compared:
            return
        policy = study.search.evaluations[0].policy
        tests = {name: study.dataset(name) for _, datasets in compared.values() for name in datasets}
        for name, _ in compared.values():
            reads = []
            for dataset in tests.values():
                s = self._solutions(dataset, policy, dataset.test * study.analysis.table1_budget)
                reads.append(self._read(name, self._seeds(name) * s.count, s.prompt + s.length))
            yield Job("score_steps", name, tuple(reads))
        settings = study.analysis.patterns
        reference, passes = settings.reference or policy, []
        for _, datasets in compared.values():
            problems = min(settings.problems, sum(tests[dataset].test for dataset in datasets))
            # every distinct text, at most as many as are drawn
            s = self._solutions(tests[datasets[0]], policy, problems * study.analysis.table1_budget)
            length = s.prompt + s.length
            model = self.model(reference)
            flops = s.count * model.shape.training(round(length))
            # gradients are dropped as they come: it takes little more memory than reading
            passes.append(Pass("read", model, s.count * length, flops))
        yield Job("compare_patterns", "", tuple(passes))
