"""The scores of single steps beside what is known of the steps: their truth, or how often rollouts
from them succeed.

Solutions whose first error is known tell the truth of every step: a solution is right up to each
step before its first error. Labels by rollouts tell the Monte-Carlo value of a step: the share of
rollouts from it that reach the right answer, an unbiased estimate of the policy's chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from prmscale import tables
from prmscale.engines.scheduler import Scorer
from prmscale.tables import SOLUTION_KEY
from prmscale.tasks.base import Prefix, Problem
from prmscale.tasks.benchmarks.process_bench import NO_ERROR, FirstError


class Known(NamedTuple):
    """A solution, and for each of its steps the truth (1.0: right up to it, 0.0: wrong) and the
    Monte-Carlo value; NaN where unknown.
    """

    problem: Problem
    steps: Prefix
    truth: np.ndarray
    value: np.ndarray


class Source(NamedTuple):
    """Solutions of one data set's split by one policy, of whose steps something is known."""

    dataset: str
    policy: str
    split: str
    solutions: Sequence[Known]


def know_truth(solutions: Sequence[FirstError]) -> list[Known]:
    """What the first errors of solutions tell of their steps."""
    found = []
    for problem, steps, place in ((s.problem, s.steps, s.first_error) for s in solutions):
        right = len(steps) if place == NO_ERROR else place
        truth = (np.arange(len(steps)) < right).astype(float)
        found.append(Known(problem, steps, truth, np.full(len(steps), np.nan)))
    return found


def know_values(
    problems: Sequence[Problem], solutions: pd.DataFrame, labels: pd.DataFrame
) -> list[Known]:
    """What `labels` by rollouts tell of the steps of these problems' solutions; a step without
    rollouts has no value.
    """
    by_id = {problem.problem_id: problem for problem in problems}
    labels = labels[labels["problem_id"].isin(by_id)].sort_values("step")
    of_solution = dict(list(labels.groupby(SOLUTION_KEY)))
    found = []
    for row in solutions[solutions["problem_id"].isin(by_id)].itertuples(index=False):
        rows = of_solution.get((row.problem_id, row.solution_id))
        if rows is not None and len(rows) == len(row.steps):
            value = rows["value"].where(rows["rollouts"] > 0).to_numpy(float)
            truth = rows["truth"].to_numpy(float)
            found.append(Known(by_id[row.problem_id], tuple(row.steps), truth, value))
    return found


def score(scorer: Scorer, sources: Sequence[Source]) -> pd.DataFrame:
    """One row for each step of the sources: the columns of the table `reliability` but those of the
    reward model.
    """
    return tables.join([_score(scorer, source) for source in sources], "reliability")


def _score(scorer: Scorer, source: Source) -> pd.DataFrame:
    known = [each for each in source.solutions if each.steps]
    if not known:
        return pd.DataFrame()
    scored = scorer.score([(each.problem, each.steps) for each in known])
    counts = np.array([len(each.steps) for each in known])
    columns = {
        "problem_id": np.repeat([each.problem.problem_id for each in known], counts),
        "solution_id": np.repeat(np.arange(len(known)), counts),
        "step": np.concatenate([np.arange(count) for count in counts]),
        "steps": np.repeat(counts, counts),
        "truth": np.concatenate([each.truth for each in known]),
        "value": np.concatenate([each.value for each in known]),
        "score": np.concatenate([each.scores for each in scored]),
    }
    names = {"dataset": source.dataset, "policy": source.policy, "split": source.split}
    return pd.DataFrame(columns).assign(**names)
