"""What the jobs of a study are made of: models at work, and the solutions that they write and read.

Tokens follow from the configuration: problems, samples, rollouts, steps and budgets, and the
lengths of `cost`. FLOPs are those of `engines.flops`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from prmscale.cost.models import Model, model_of
from prmscale.study import DOMAINS, GENERATED, Dataset, Evaluation, Study

TEXT = 3.0  # bytes of a token in a Parquet table: of solutions, steps and text, compressed
ROW = 40.0  # bytes of a row of numbers there
WEIGHT = 4  # bytes: weights are kept, trained and read as reward models in float32


@dataclass(frozen=True)
class Pass:
    """One model at work: tokens it writes, reads or learns from, and the FLOPs of that.

    `context` is the mean number of tokens before a written one; `dtype` and `batch` are how it
    runs.
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
    """A job: its rule and benchmark file's name, its models' work, bytes it leaves, model-written
    programs it runs.
    """

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
    """Solutions that one policy writes to one data set: how many, and their mean prompt, length and
    steps.
    """

    count: float
    prompt: float
    length: float
    steps: float
    programs: float = field(default=0.0)  # 1 where judging one runs a program


class Workers:
    """The models of one study, and how much of what each writes or reads."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.model: Callable[[str], Model] = cache(lambda name: model_of(study, name))

    def _solutions(self, dataset: Dataset, policy: str, count: float) -> Solutions:
        domain, cost = DOMAINS[dataset.source], self.study.cost
        released = self.study.released(policy)
        length = (
            released.solution_tokens
            if released and released.solution_tokens
            else cost.solution_tokens[domain]
        )
        length = min(length, self.study.policies.sampling.max_tokens)
        runs = float(domain == "code" and dataset.source not in GENERATED)
        return Solutions(count, cost.prompt_tokens[domain], length, cost.steps[domain], runs)

    def _for_labelling(self, name: str, policy: str) -> Solutions:
        dataset, labels = self.study.dataset(name), self.study.labels
        return self._solutions(
            dataset, policy, (dataset.train + dataset.validation) * labels.solutions
        )

    def _test(self, each: Evaluation, name: str) -> Solutions:
        dataset = self.study.dataset(name)
        return self._solutions(dataset, each.policy, dataset.test * each.samples)

    def _write(
        self, policy: str, count: float, together: int, context: float, length: float
    ) -> Pass:
        """`count` continuations of `length` tokens after `context`, which is read once for so many
        `together`.
        """
        released, model = self.study.released(policy), self.model(policy)
        flops = count * model.shape.forward(round(length), round(context))
        flops += count / together * model.shape.forward(round(context))
        dtype = released.dtype if released else "float32"
        batch = self.study.policies.sampling.batch
        return Pass("write", model, count * length, flops, dtype, context + length / 2, batch)

    def _read(self, reward_model: str, texts: float, length: float) -> Pass:
        """A reward model reads texts; an implicit one by two language models, an evidence one by
        one.
        """
        released = self.study.released_reward_model(reward_model)
        if released:
            model = self.model(reward_model)
            return Pass(
                "read",
                model,
                texts * length,
                texts * model.shape.forward(round(length)),
                released.dtype,
            )
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
        return (
            1
            if self.study.released_reward_model(reward_model)
            else self.study.rewards.training.seeds
        )
