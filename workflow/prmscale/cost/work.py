"""The jobs of a study and the work in them: what each model writes, reads and learns from, and the
bytes that are stored.

Every request reads its prefix anew, once for all continuations that it asks for. A tree search is
charged for its whole budget, a label method for all rollouts that it may draw.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from prmscale.cost.labelling import Labelling
from prmscale.cost.parts import ROW, TEXT, WEIGHT, Job, Pass, Workers
from prmscale.cost.searching import Searching
from prmscale.plan.plan import Samples, Split
from prmscale.study import PairedDomain, RewardModel, RewardTraining, Study, TrainingSet


def jobs(study: Study, lengths: float = 1.0) -> list[Job]:
    """Every job of the study that runs a model or chooses among samples, in an order of their own,
    if policies write solutions `lengths` times as long as `cost` says.
    """
    return [*_jobs(Workers(study, lengths))]


def _jobs(workers: Workers) -> Iterator[Job]:
    for name, replicate in workers.plan.pretrainings():
        yield _pretraining(workers, name, replicate)
    for samples in workers.plan.all_samples():
        yield _sampling(workers, samples)
    labelling = Labelling(workers)
    yield from labelling.jobs()
    training = _Training(workers, labelling)
    for reward_model in workers.study.rewards.models:
        yield training.job(reward_model)
    yield from Searching(workers).jobs()


def _pretraining(workers: Workers, name: str, replicate: int) -> Job:
    settings, cost = workers.study.policies.pretraining, workers.study.cost
    model = workers.model(name)
    shares: dict[PairedDomain, float] = {
        "math": settings.math_share,
        "code": 1 - settings.math_share,
    }
    length = sum(share * cost.solution_tokens[domain] for domain, share in shares.items())
    whole = length + sum(share * cost.prompt_tokens[domain] for domain, share in shares.items())
    documents = settings.tokens / length
    flops = documents * model.shape.training_flops(round(whole))
    updates = documents / settings.batch
    work = Pass("train", model, documents * whole, flops, updates=updates)
    stored = WEIGHT * model.parameters * len(settings.checkpoints)
    needs = tuple(workers.needs.pretrain())
    return Job("pretrain_policy", f"{name}.{replicate}", (work,), needs, stored)


def _sampling(workers: Workers, samples: Samples) -> Job:
    policy, written = samples.policy, workers.solutions_of(samples)
    work = workers.write(policy, written.count, samples.samples, written.prompt, written.length)
    name = f"{policy}.{samples.dataset}.{samples.purpose}"
    stored = written.count * (written.length * TEXT + ROW)
    programs = written.count * written.programs
    needs = tuple(workers.needs.sample(policy))
    return Job("sample_solutions", name, (work,), needs, stored, programs)


class _Training:
    """The jobs that train reward models."""

    def __init__(self, workers: Workers, labelling: Labelling) -> None:
        self.workers, self.labelling = workers, labelling
        self.study, self.plan = workers.study, workers.plan

    def job(self, reward_model: RewardModel) -> Job:
        """All trainings of one reward model, and the validation of its checkpoints."""
        name, data = reward_model.name, self.study.training_set(reward_model.data)
        checkpoints, length = self.plan.checkpoints(name), self._mean_length(data)
        held_out = self._solutions(data, "validation") * checkpoints
        validation = self.workers.read(name, held_out, length)
        weights = checkpoints * self.workers.model(reward_model.base).parameters
        passes = (self._learn(reward_model, data, length), validation)
        needs = tuple(self.workers.needs.train(name))
        return Job("train_reward_model", name, passes, needs, WEIGHT * weights)

    def _learn(self, reward_model: RewardModel, data: TrainingSet, length: float) -> Pass:
        settings = self.study.reward_training(reward_model.name)
        model = self.workers.model(reward_model.base)
        solutions = self._solutions(data, "train")
        # the last batch of an epoch holds the remaining solutions
        batch = solutions / math.ceil(solutions / settings.batch) if solutions else settings.batch
        texts = settings.steps * batch
        shape = model.decoder if settings.head == "scalar" else model.shape
        forward = shape.forward_flops(round(length))
        flops = texts * _forward_passes(settings) * forward
        if settings.head != "scalar":
            # a frozen language model reads each text once; an evidence head beside it is small
            flops += min(texts, solutions) * forward
        seeds, dtype = settings.seeds, settings.dtype
        updates = seeds * settings.steps
        return Pass("train", model, seeds * texts * length, seeds * flops, dtype, updates=updates)

    def _mean_length(self, data: TrainingSet) -> float:
        """Tokens of a problem with its solution, as a mean over the sources of a training set."""
        cost, tables = self.study.cost, self.plan.label_tables(data)
        lengths = [
            self.workers.labelling_solutions(policy, name).whole for policy, name, _ in tables
        ]
        domains = [self.study.corpus(name).domain for name in data.corpora]
        lengths += [cost.prompt_tokens[domain] + cost.solution_tokens[domain] for domain in domains]
        return sum(lengths) / len(lengths)

    def _solutions(self, data: TrainingSet, split: Split) -> float:
        """Solutions in a split of a training set. The number of rows of a corpus is unknown before
        its import, so its `limit` or the set's `solutions` stands for it.
        """
        labels, found = self.study.labels, 0.0
        for policy, name, method in self.plan.label_tables(data):
            each: float = labels.solutions
            if method == "omega":
                solutions = self.workers.labelling_solutions(policy, name)
                each = self.labelling.tree(policy, solutions, 1, labels.rollouts)[1]
            found += getattr(self.study.dataset(name), split) * each
        for corpus in map(self.study.corpus, data.corpora):
            share = corpus.validation if split == "validation" else 1 - corpus.validation
            found += share * (corpus.limit or data.solutions or 0)
        return min(found, data.solutions or found) if split == "train" else found


def _forward_passes(settings: RewardTraining) -> int:
    """Forward passes that cost as much as a training step: 3 if all weights are trained, 2 if most
    are frozen, and another if activations are computed again. An evidence head costs almost none.
    """
    if settings.head == "evidence":
        return 0
    return (2 if settings.lora else 3) + settings.activation_checkpointing
