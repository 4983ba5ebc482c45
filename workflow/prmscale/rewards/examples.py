"""From labelled solutions to training examples."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from transformers import PreTrainedTokenizerBase

from prmscale import seeds
from prmscale.errors import UserError
from prmscale.study import RewardTraining
from prmscale.tables import SOLUTION_KEY
from prmscale.tasks.base import Problem
from prmscale.tasks.steps import Encoded, encode_solution


@dataclass(frozen=True)
class Example:
    """A solution with a target per step, in 0..1, or NaN where the step carries no loss.

    `truth` is whether the solution is right so far, or its label (0 or 1) where that is unknown;
    NaN where the step has neither. A solution that is not `whole` has no end: it teaches steps, and
    does not compete with other solutions.
    """

    problem: Problem
    solution_id: int
    steps: tuple[str, ...]
    targets: np.ndarray
    truth: np.ndarray
    correct: bool
    whole: bool = True


@dataclass(frozen=True)
class Texts:
    """Examples, and each as a tokenizer's model reads it."""

    tokenizer: PreTrainedTokenizerBase
    examples: list[Example]
    encoded: list[Encoded]

    @classmethod
    def encode(cls, tokenizer: PreTrainedTokenizerBase, examples: Sequence[Example]) -> Texts:
        """The examples, tokenised."""
        encoded = [encode_solution(tokenizer, e.problem.prompt, e.steps) for e in examples]
        return cls(tokenizer, list(examples), encoded)

    def select(self, indices: Sequence[int]) -> Texts:
        """Some of the examples."""
        examples = [self.examples[i] for i in indices]
        encoded = [self.encoded[i] for i in indices]
        return Texts(self.tokenizer, examples, encoded)


def examples(
    problems: Mapping[str, Problem],
    solutions: pd.DataFrame,
    labels: pd.DataFrame,
    training: RewardTraining,
) -> list[Example]:
    """One example for each labelled solution that has a step.

    Raises UserError where a solution's labels are not as many as its steps.
    """
    by_solution = _by_solution(labels)
    out = []
    for row in solutions.itertuples(index=False):
        labelled = by_solution.get((row.problem_id, row.solution_id))
        if labelled is None:
            continue
        if len(labelled) != len(row.steps):
            raise UserError(
                f"{row.problem_id}, solution {row.solution_id}: {len(row.steps)} steps but "
                f"{len(labelled)} labels; delete the labels table and run again"
            )
        whole = getattr(row, "finish_reason", "stop") != "partial"
        if training.supervise == "outcome" and not whole:
            continue  # the outcome is unknown
        value, label, truth = labelled.T
        hard = _targets(label, label, bool(row.correct), training.supervise)
        soft = _targets(value, label, bool(row.correct), training.supervise)
        targets = soft if training.target == "soft" else hard
        truth = np.where(np.isnan(truth), hard, truth)
        problem, steps = problems[row.problem_id], tuple(row.steps)
        out.append(Example(problem, row.solution_id, steps, targets, truth, row.correct, whole))
    return out


def _by_solution(labels: pd.DataFrame) -> dict[tuple[str, int], np.ndarray]:
    """Value, label and truth [steps, 3] of each labelled solution."""
    ordered = labels.sort_values([*SOLUTION_KEY, "step"])
    keys = ordered[SOLUTION_KEY]
    begins = np.flatnonzero((keys != keys.shift()).any(axis=1))
    values = ordered[["value", "label", "truth"]].to_numpy(float)
    _, *parts = np.split(values, begins)  # the part before the first solution is empty
    return dict(zip(keys.iloc[begins].itertuples(index=False, name=None), parts, strict=True))


def _targets(values: np.ndarray, labels: np.ndarray, correct: bool, supervise: str) -> np.ndarray:
    """The steps' values, NaN where `supervise` excludes a step by the labels.

    With `outcome` the last step's target is the solution's correctness.
    """
    targets = values.copy()
    if supervise == "outcome":
        targets[:] = np.nan
        targets[-1:] = float(correct)
    elif supervise == "first_error":
        wrong = np.flatnonzero(labels == 0)
        targets[wrong[0] + 1 if len(wrong) else len(targets) :] = np.nan
    return targets


def shuffle(examples: Sequence[Example], seed: int) -> list[Example]:
    """A control: labels exchanged at random among solutions with the same number of steps.

    Solutions of all problems take part; a solution's targets and its outcome move together. A model
    can still learn how often solutions of a length are right and where they first go wrong, and
    nothing about what they say.
    """
    stream = seeds.generator(seed, "shuffle")
    by_length: dict[int, list[int]] = defaultdict(list)
    for i, example in enumerate(examples):
        by_length[len(example.steps)].append(i)
    out = list(examples)
    for group in by_length.values():
        for i, j in zip(group, stream.permutation(group).tolist(), strict=True):
            out[i] = replace(examples[i], targets=examples[j].targets, correct=examples[j].correct)
    return out
