"""The scores that a reward model gives to every step of a policy's samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from prmscale import tables
from prmscale.engines.scheduler import Scorer
from prmscale.labels.table import truths
from prmscale.search.benchmarks import Benchmark
from prmscale.tables import SOLUTION_KEY
from prmscale.tasks.base import Prefix, Problem


def score_steps(
    tests: Sequence[Benchmark],
    folders: Sequence[str],
    load: Callable[[str], Scorer],
    samples: int,
    names: Mapping[str, str],
) -> pd.DataFrame:
    """One row for each step of the first `samples` samples of each problem, by the reward model of
    each folder, which the column `replicate` counts from 1: the step's `text`, `truth` (NaN if
    unknown) and `score`, and the columns `names`, each with one value.
    """
    firsts = [test.solutions[test.solutions.solution_id < samples] for test in tests]
    steps = [_steps(test, first) for test, first in zip(tests, firsts, strict=True)]
    by_test: list[list[pd.DataFrame]] = [[] for _ in tests]
    for replicate, folder in enumerate(folders, start=1):
        scorer = load(folder)
        for test, first, table, done in zip(tests, firsts, steps, by_test, strict=True):
            progress = f"{test.policy} on {test.dataset}, replicate {replicate}"
            scored = scorer.score(_items(test, first), progress)
            scores = np.concatenate([each.scores for each in scored])
            done.append(table.assign(**names, replicate=replicate, score=scores))
        del scorer  # before the next one is loaded: memory need not hold both
    return pd.concat([table for done in by_test for table in done], ignore_index=True)


def score_solutions(scorer: Scorer, written: Sequence[tuple[str, Benchmark]]) -> pd.DataFrame:
    """One row for each solution of these benchmarks, each with the name of its split: the columns
    of the table `solution_scores` but those of the reward model.
    """
    parts = []
    for split, test in written:
        ids = [problem.problem_id for problem in test.problems]
        solutions = test.solutions[test.solutions["problem_id"].isin(ids)]
        scored = scorer.score(_items(test, solutions))
        table = solutions[SOLUTION_KEY].assign(scores=[each.scores for each in scored])
        parts.append(table.assign(dataset=test.dataset, policy=test.policy, split=split))
    return tables.join(parts, "solution_scores")


def _items(test: Benchmark, solutions: pd.DataFrame) -> list[tuple[Problem, Prefix]]:
    by_id = {problem.problem_id: problem for problem in test.problems}
    return [(by_id[row.problem_id], tuple(row.steps)) for row in solutions.itertuples()]


def _steps(test: Benchmark, solutions: pd.DataFrame) -> pd.DataFrame:
    """One row for each step, in the order of the solutions."""
    items = _items(test, solutions)
    counts = [len(steps) for _, steps in items]
    rows = solutions.loc[solutions.index.repeat(counts), ["problem_id", "solution_id", "correct"]]
    truth = [right for item in items for right in truths(test.task, *item)]
    return rows.assign(
        dataset=test.dataset,
        step=[number for count in counts for number in range(count)],
        text=[text for _, steps in items for text in steps],
        truth=np.array(truth, dtype=float),
    )
