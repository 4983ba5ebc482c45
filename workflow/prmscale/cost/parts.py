"""What the jobs of a study consist of: models at work, and the solutions that they write and read.

Tokens follow from the configuration: problems, samples, rollouts, steps and budgets, and the
lengths of `cost`. FLOPs are counted as in `engines.flops`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

from prmscale.cost.models import Model, model_of
from prmscale.engines.memory import Need
from prmscale.plan.needs import Needs
from prmscale.plan.plan import Plan, Samples
from prmscale.study import DOMAINS, GENERATED, Evaluation, ReleasedModel, Study, Verifier

TEXT = 3.0  # bytes of a token in a compressed Parquet table of solutions, steps and text
ROW = 40.0  # bytes of a row of numbers in such a table
QUESTION = 100.0  # tokens of a question to a verifier besides the problem and the steps
WEIGHT = 4  # bytes of a weight: reward models are kept, trained and read in float32


@dataclass(frozen=True)
class Pass:
    """One model at work: the tokens that it writes, reads or learns from, and their FLOPs.

    `context` is the mean number of tokens before a written token; `dtype` and `batch` say how the
    model runs, and `updates` in how many steps it learns.
    """

    kind: Literal["write", "read", "train"]
    model: Model
    tokens: float
    flops: float
    dtype: str = "float32"
    context: float = 0.0
    batch: int = 1
    updates: float = 0.0


@dataclass(frozen=True)
class Job:
    """A job: its rule, the name of its benchmark file, the work and the memory needs of its models,
    the bytes that it stores, and the model-written programs that it runs.
    """

    rule: str
    name: str = ""
    passes: tuple[Pass, ...] = ()
    needs: tuple[Need, ...] = ()
    stored: float = 0.0
    programs: float = 0.0

    @property
    def tokens(self) -> float:
        """Tokens of all passes."""
        return sum(each.tokens for each in self.passes)

    @property
    def flops(self) -> float:
        """FLOPs of all passes."""
        return sum(each.flops for each in self.passes)


@dataclass(frozen=True)
class Solutions:
    """Solutions of one policy to one data set: their number, and the mean tokens of a prompt, mean
    tokens and mean steps of a solution; `programs` is 1 if judging a solution runs a program.
    """

    count: float
    prompt: float
    length: float
    steps: float
    programs: float

    @property
    def whole(self) -> float:
        """Mean tokens of a prompt with its solution."""
        return self.prompt + self.length

    @property
    def half(self) -> float:
        """Mean tokens of a prompt with half of its solution: the mean prefix."""
        return self.prompt + self.length / 2


class Workers:
    """The models of one study, and the work of writing and reading with them, if policies write
    solutions `lengths` times as long as `cost` says, in as many more steps.
    """

    def __init__(self, study: Study, lengths: float = 1.0) -> None:
        self.study = study
        self.lengths = lengths
        self.plan = Plan(study)
        self.needs = Needs(self.plan)
        self.model: Callable[[str], Model] = cache(lambda name: model_of(study, name))

    def solutions(self, policy: str, dataset: str, count: float) -> Solutions:
        """`count` solutions of a policy to a data set."""
        source, cost = self.study.dataset(dataset).source, self.study.cost
        domain, released = DOMAINS[source], self.study.released_policy(policy)
        expected = released.solution_tokens if released else None
        assumed, most = expected or cost.solution_tokens[domain], self.study.sampling.max_tokens
        length = min(self.lengths * assumed, most)
        steps = cost.steps[domain] * length / min(assumed, most)
        programs = float(domain == "code" and source not in GENERATED)
        return Solutions(count, cost.prompt_tokens[domain], length, steps, programs)

    def solutions_of(self, samples: Samples) -> Solutions:
        """The solutions that a sampling job writes."""
        dataset = self.study.dataset(samples.dataset)
        problems = sum(getattr(dataset, split) for split in samples.splits)
        return self.solutions(samples.policy, samples.dataset, problems * samples.samples)

    def labelling_solutions(self, policy: str, dataset: str) -> Solutions:
        """The solutions that are sampled to be labelled."""
        return self.solutions_of(self.plan.samples(policy, dataset, "labelling"))

    def test_solutions(self, evaluation: Evaluation, dataset: str) -> Solutions:
        """The solutions that an evaluation searches among; those of mixed policies are as long as
        the first's.
        """
        count = self.study.dataset(dataset).test * evaluation.samples
        return self.solutions(evaluation.policy, dataset, count)

    def write(
        self, policy: str, count: float, together: int, context: float, length: float
    ) -> Pass:
        """`count` continuations of `length` tokens after `context` tokens, which are read once for
        `together` continuations.
        """
        released, model = self.study.released_policy(policy), self.model(policy)
        flops = count * model.shape.forward_flops(round(length), round(context))
        flops += count / together * model.shape.forward_flops(round(context))
        dtype = _price_in(released) if released else "float32"
        batch = self.study.policies.sampling.batch
        return Pass("write", model, count * length, flops, dtype, context + length / 2, batch)

    def read(self, reward_model: str, texts: float, length: float) -> Pass:
        """`texts` texts of `length` tokens, read by a reward model; an implicit one reads them with
        two language models.
        """
        released = self.study.released_reward_model(reward_model)
        if released:
            model, times = self.model(reward_model), 2 if released.reference else 1
            flops = times * texts * model.shape.forward_flops(round(length))
            return Pass("read", model, texts * length, flops, _price_in(released))
        model = self.model(self.study.reward_model(reward_model).base)
        head = self.study.reward_training(reward_model).head
        shape = model.decoder if head == "scalar" else model.shape
        times = 2 if head == "implicit" else 1
        return Pass(
            "read", model, texts * length, times * texts * shape.forward_flops(round(length))
        )

    def score(self, reward_model: str, count: float, solutions: Solutions) -> list[Pass]:
        """`count` solutions like these, scored by a reward model: read once, or by a verifier
        judged step by step.
        """
        verifier = self.study.verifier(reward_model)
        if verifier:
            return self._judge(verifier, count * solutions.steps, solutions.half)
        return [self.read(reward_model, count, solutions.whole)]

    def score_steps(self, reward_model: str, count: float, length: float) -> list[Pass]:
        """`count` steps, each the last of a text of `length` tokens, scored one at a time."""
        verifier = self.study.verifier(reward_model)
        if verifier:
            return self._judge(verifier, count, length)
        return [self.read(reward_model, count, length)]

    def _judge(self, verifier: Verifier, count: float, length: float) -> list[Pass]:
        """`count` verdicts on texts of `length` tokens: every thought is as long as it may be, and
        is read again with its question for the verdict.
        """
        model, released = self.model(verifier.base), self.study.released_policy(verifier.base)
        dtype = _price_in(released) if released else "float32"
        asked, thoughts = QUESTION + length, verifier.thoughts
        texts, whole = count * max(1, thoughts), asked + verifier.max_tokens * bool(thoughts)
        flops = texts * model.shape.forward_flops(round(whole))
        passes = [Pass("read", model, texts * whole, flops, dtype)]
        if thoughts:
            passes.append(self.write(verifier.base, texts, thoughts, asked, verifier.max_tokens))
        return passes

    def trainings(self, reward_model: str) -> int:
        """The trainings of a reward model; 1 if it is not trained here."""
        return len(self.plan.paths.reward_folders(reward_model))


def _price_in(released: ReleasedModel) -> str:
    """The number format that a released model is priced in, on a GPU."""
    return "bfloat16" if released.dtype == "auto" else released.dtype
