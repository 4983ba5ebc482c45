"""The jobs of a study and the work in them: what each model writes, reads and learns from, and what
is stored.

Every request reads its prefix anew, once for the continuations that it asks for; a tree search is
charged for its whole budget, a labelling method for all rollouts that it may draw.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal

from prmscale.cost.labelling import Labelling
from prmscale.cost.parts import ROW, TEXT, WEIGHT, Job, Pass, Solutions
from prmscale.search import STRATEGIES, TREE_STRATEGIES
from prmscale.study import GENERATED, Evaluation, RewardModel, Study, TrainingSet

# solutions in each subset of ProcessBench (arXiv 2412.06559)
PROCESS_BENCH = {"gsm8k": 400, "math": 1000, "olympiadbench": 1000, "omnimath": 1000}


def jobs(study: Study) -> list[Job]:
    """Every job of the study that runs a model or chooses among samples."""
    return [*_Work(study)]


class _Work(Labelling):
    """The work of one study; iterating gives its jobs."""

    def __iter__(self) -> Iterator[Job]:
        study = self.study
        for name, replicates in self._pretrained().items():
            for replicate in range(1, 1 + replicates):
                yield self._pretraining(name, replicate)
        for policy, dataset in self._to_label():
            s = self._for_labelling(dataset, policy)
            yield self._sampling(policy, dataset, "labelling", s, study.labels.solutions)
        for each, dataset in study.tests():
            yield self._sampling(
                each.policy, dataset, "search", self._test(each, dataset), each.samples
            )
        yield from self._label_jobs()
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

    def _to_label(self) -> list[tuple[str, str]]:
        """Policy and data set of the solutions that are sampled to be labelled, to compare methods
        on, or to choose the thresholds of first errors on.
        """
        study = self.study
        sampled = [(policy, name) for policy, name, method in study.labelled() if method != "omega"]
        others = [*study.labels_compared_on(), *self._known_validation()]
        return list(dict.fromkeys(sampled + [(study.labels.policy, name) for name in others]))

    def _known_validation(self) -> list[str]:
        """The data sets on whose validation solutions reward models are asked for first errors."""
        names = [name for e in self.study.search.evaluations[:1] for name in e.datasets]
        datasets = map(self.study.dataset, names if self.study.reward_model_names() else [])
        return [d.name for d in datasets if d.source in GENERATED and d.validation]

    def _pretrained(self) -> dict[str, int]:
        """How many pre-trainings of each ladder model are used: a policy is of the first one,
        trainings of a reward model go round, a likelihood is of all.
        """
        study, every = self.study, self.study.policies.pretraining.seeds
        consensus = (
            any(m == "consensus" for _, _, m in study.labelled())
            or "consensus" in study.labels.compare.methods
        )
        policies = [policy for policy, _ in self._to_label()] + [
            policy for policy, _, _ in study.labelled()
        ]
        policies += [e.policy for e in study.search.evaluations] + (
            study.labels.consensus if consensus else []
        )
        policies += [study.analysis.patterns.reference or ""] if study.compared() else []
        used = [(name, 1) for name in policies]
        used += [(m.base, min(every, study.rewards.training.seeds)) for m in study.rewards.models]
        used += [(name, every) for name in study.search.likelihoods]
        found: dict[str, int] = {}
        for model in study.policies.pretraining.ladder:
            found[model.name] = max(
                [n for name, n in used if name.split("@")[0] == model.name], default=0
            )
        return found

    def _pretraining(self, name: str, replicate: int) -> Job:
        settings, cost, model = self.study.policies.pretraining, self.study.cost, self.model(name)
        shares: dict[Literal["math", "code"], float] = {
            "math": settings.math_share,
            "code": 1 - settings.math_share,
        }
        length = sum(share * cost.solution_tokens[d] for d, share in shares.items())
        whole = length + sum(share * cost.prompt_tokens[d] for d, share in shares.items())
        documents = settings.tokens / length
        work = Pass(
            "train", model, documents * whole, documents * model.shape.training(round(whole))
        )
        stored = WEIGHT * model.parameters * len(settings.checkpoints)
        return Job("pretrain_policy", f"{name}.{replicate}", (work,), stored)

    def _sampling(self, policy: str, dataset: str, purpose: str, s: Solutions, samples: int) -> Job:
        work = self._write(policy, s.count, samples, s.prompt, s.length)
        name = f"{policy}.{dataset}.{purpose}"
        return Job(
            "sample_solutions",
            name,
            (work,),
            s.count * (s.length * TEXT + ROW),
            s.count * s.programs,
        )

    def _training(self, reward_model: RewardModel) -> Job:
        study = self.study
        settings, data = (
            study.reward_training(reward_model.name),
            study.training_set(reward_model.data),
        )
        length, model = self._mean_length(data), self.model(reward_model.base)
        held = self._held(data, "train")
        # the last batch of an epoch is what is left
        texts = settings.steps * (
            held / math.ceil(held / settings.batch) if held else settings.batch
        )
        forward = (model.decoder if settings.head == "scalar" else model.shape).forward(
            round(length)
        )
        # what is trained: forward and backward pass, the latter of activations alone through frozen
        # weights; and the forward pass once more where activations are not kept
        forwards = (2 if settings.lora else 3) + settings.activation_checkpointing
        flops = 0.0 if settings.head == "evidence" else texts * forwards * forward
        if settings.head != "scalar":
            # a frozen language model reads each text once; an evidence head beside it is small
            flops += min(texts, held) * forward
        seeds = settings.seeds
        work = Pass("train", model, seeds * texts * length, seeds * flops, settings.dtype)
        kept = self._kept(reward_model.name)
        validation = self._read(reward_model.name, self._held(data, "validation") * kept, length)
        return Job(
            "train_reward_model",
            reward_model.name,
            (work, validation),
            WEIGHT * model.parameters * kept,
        )

    def _mean_length(self, data: TrainingSet) -> float:
        """Tokens of a problem with its solution, over the sources of a training set."""
        study, cost = self.study, self.study.cost
        written = [
            self._for_labelling(name, by) for name in data.datasets for by in study.writers(data)
        ]
        domains = [study.corpus(name).domain for name in data.corpora]
        lengths = [s.prompt + s.length for s in written]
        lengths += [cost.prompt_tokens[domain] + cost.solution_tokens[domain] for domain in domains]
        return sum(lengths) / len(lengths)

    def _held(self, data: TrainingSet, split: Literal["train", "validation"]) -> float:
        """Solutions that a training set learns from, or is measured on; how many rows a corpus has
        is not known before it is here.
        """
        study, found = self.study, 0.0
        for name in data.datasets:
            problems = getattr(study.dataset(name), split)
            for policy in study.writers(data):
                each: float = study.labels.solutions
                if data.labels == "omega":
                    each = self._tree(
                        policy, self._for_labelling(name, policy), 1, study.labels.rollouts
                    )[1]
                found += problems * each
        for corpus in map(study.corpus, data.corpora):
            share = corpus.validation if split == "validation" else 1 - corpus.validation
            found += share * (corpus.limit or data.solutions or 0)
        return min(found, data.solutions or found) if split == "train" else found

    def _search(self, reward_model: str) -> Job:
        search, kept = self.study.search, self._kept(reward_model)
        of = [self._test(each, dataset) for each, dataset in self.study.tests()]
        passes = [self._read(reward_model, kept * s.count, s.prompt + s.length) for s in of]
        passes += self._first_errors(reward_model)
        problems = sum(self.study.dataset(dataset).test for _, dataset in self.study.tests())
        scored = sum(STRATEGIES[name].scored for name in search.strategies)
        rows = problems * scored * len(search.aggregations) * len(search.budgets) * kept
        return Job("search", reward_model, tuple(passes), rows * ROW)

    def _first_errors(self, reward_model: str) -> list[Pass]:
        """Each training, at its end, reads what first errors are named in, and what thresholds are
        chosen on; samples of generated problems are read already.
        """
        study, cost, seeds = self.study, self.study.cost, self._seeds(reward_model)
        texts = [
            (
                study.dataset(name).validation * study.labels.solutions,
                self._for_labelling(name, study.labels.policy),
            )
            for name in self._known_validation()
        ]
        passes = [
            self._read(reward_model, seeds * count, s.prompt + s.length) for count, s in texts
        ]
        published = sum(
            PROCESS_BENCH[each.subset] for each in study.search.first_errors.process_bench
        )
        length = cost.prompt_tokens["math"] + cost.solution_tokens["math"]
        return passes + ([self._read(reward_model, seeds * published, length)] if published else [])

    def _ranking(self, base: str) -> Job:
        model = self.model(base)
        copies = self.study.policies.pretraining.seeds if self.study.ladder_model(base) else 1
        of = [self._test(each, dataset) for each, dataset in self.study.tests()]
        passes = tuple(
            Pass(
                "read", model, n, copies * s.count * model.shape.forward(round(s.prompt + s.length))
            )
            for s in of
            for n in [copies * s.count * (s.prompt + s.length)]
        )
        return Job("rank_by_likelihood", base, passes)

    def _trees(self, reward_model: str, each: Evaluation, dataset: str) -> Job:
        """Every strategy spends its budget (all of them, where it needs a run for each), a step at
        a time.
        """
        study, tree = self.study, self.study.search.tree
        s = self._test(each, dataset)
        budgets = [b for b in study.search.budgets if b <= each.samples]
        worth = sum(
            max(budgets) if TREE_STRATEGIES[name].anytime else sum(budgets)
            for name in tree.strategies
        )
        runs = (
            worth * len(tree.aggregations) * self._seeds(reward_model) * study.dataset(dataset).test
        )
        candidates, step = runs * s.steps, s.length / s.steps
        write = self._write(each.policy, candidates, tree.expansion, s.prompt + s.length / 2, step)
        read = self._read(reward_model, candidates, s.prompt + s.length / 2)
        name = f"{reward_model}.{each.policy}.{dataset}"
        return Job("search_trees", name, (write, read), 0.0, runs * s.programs)

    def _patterns(self) -> Iterator[Job]:
        """Step scores of table 1's samples by PRM-Math and PRM-Code; a backward pass for each
        response compared.
        """
        study, compared = self.study, self.study.compared()
        if not compared:
            return
        policy = study.search.evaluations[0].policy
        tests = {
            name: study.dataset(name) for _, datasets in compared.values() for name in datasets
        }
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
