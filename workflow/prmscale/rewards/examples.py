"""From labelled solutions to training examples."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from prmscale import seeds
from prmscale.errors import UserError
from prmscale.study import RewardTraining
from prmscale.tables import SOLUTION_KEY
from prmscale.tasks.base import Problem


@dataclass(frozen=True)
class Example:
    """A solution with a target per step: 0..1, or NaN where the step carries no loss. `truth` is
    NaN if unknown.

    One that is not `whole` ends nowhere: it teaches steps, and cannot be chosen among solutions.
    """

    problem: Problem
    solution_id: int
    steps: tuple[str, ...]
    targets: np.ndarray
    truth: np.ndarray
    correct: bool
    whole: bool = True


def examples(
    problems: Mapping[str, Problem],
    solutions: pd.DataFrame,
    labels: pd.DataFrame,
    training: RewardTraining,
) -> list[Example]:
    """One example for each labelled solution that has a step; raises UserError where labels and
    steps do not match.
    """
    columns = ["value" if training.target == "soft" else "label", "truth"]
    ordered = labels.sort_values([*SOLUTION_KEY, "step"])
    begins = np.flatnonzero((ordered[SOLUTION_KEY] != ordered[SOLUTION_KEY].shift()).any(axis=1))
    parts = np.split(ordered[columns].to_numpy(float), begins)[
        1:
    ]  # nothing stands before the first
    by_solution = dict(
        zip(
            ordered[SOLUTION_KEY].iloc[begins].itertuples(index=False, name=None),
            parts,
            strict=True,
        )
    )
    out = []
    for row in solutions.itertuples(index=False):
        own = by_solution.get((row.problem_id, row.solution_id))
        if own is None:
            continue
        if len(own) != len(row.steps):
            raise UserError(
                f"{row.problem_id}, solution {row.solution_id}: {len(row.steps)} steps but "
                f"{len(own)} labels; delete the labels table and run again"
            )
        whole = getattr(row, "finish_reason", "stop") != "partial"
        if training.supervise == "outcome" and not whole:
            continue  # nobody knows how it ends
        targets = _targets(own[:, 0], bool(row.correct), training.supervise)
        out.append(
            Example(
                problems[row.problem_id],
                row.solution_id,
                tuple(row.steps),
                targets,
                own[:, 1],
                row.correct,
                whole,
            )
        )
    return out


def _targets(values: np.ndarray, correct: bool, supervise: str) -> np.ndarray:
    """The steps' labels, NaN where `supervise` leaves a step out; `outcome` puts the solution's at
    its last step.
    """
    targets = values.copy()
    if supervise == "outcome":
        targets[:] = np.nan
        targets[-1:] = float(correct)
    elif supervise == "first_error":
        wrong = np.flatnonzero(targets <= 0)
        targets[wrong[0] + 1 if len(wrong) else len(targets) :] = np.nan
    return targets


def shuffled(examples: Sequence[Example], seed: int) -> list[Example]:
    """A control: labels exchanged at random among solutions of equally many steps, whatever their
    problem.

    A solution's targets and its outcome move together. What is left to learn is how often solutions
    of a length are right and where they first go wrong, nothing about what they say.
    """
    stream = seeds.generator(seed, "shuffle")
    alike: dict[int, list[int]] = defaultdict(list)
    for i, example in enumerate(examples):
        alike[len(example.steps)].append(i)
    out = list(examples)
    for group in alike.values():
        for i, j in zip(group, stream.permutation(group).tolist(), strict=True):
            out[i] = replace(examples[i], targets=examples[j].targets, correct=examples[j].correct)
    return out
