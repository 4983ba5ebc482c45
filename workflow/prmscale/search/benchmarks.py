"""The benchmarks of a study as search jobs load them: problems with one policy's samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from prmscale import tables
from prmscale.engines.recorded import RecordedPolicy
from prmscale.engines.scheduler import Grader
from prmscale.study import CodeExecution, Dataset, World
from prmscale.tasks import registry
from prmscale.tasks.base import Problem, Task, from_table


@dataclass(frozen=True)
class Benchmark:
    """The problems of one data set's split, one policy's samples of them, and their grader.

    `total` is the number of the split's problems where `problems` are some of them.
    """

    dataset: str
    policy: str
    problems: Sequence[Problem]
    solutions: pd.DataFrame
    task: Task
    grader: Grader
    samples: int
    total: int = 0

    def budgets(self, grid: Sequence[int]) -> list[int]:
        """The budgets of the grid that do not exceed the number of samples."""
        return [budget for budget in grid if budget <= self.samples]


def load(
    plans: Sequence[Mapping[str, Any]],
    solutions: Sequence[str],
    world: World,
    execution: CodeExecution,
    split: str = "test",
    most: int | None = None,
) -> Iterator[Benchmark]:
    """One benchmark for each plan and its table of solutions, with the first `most` problems of the
    split (None: all).

    A plan is a dict of `policy`, `dataset`, `problems` (a file) and `samples`.
    """
    for plan, path in zip(plans, solutions, strict=True):
        dataset = Dataset(**plan["dataset"])
        read = tables.read(plan["problems"], "problems")
        of_split = read[read["split"] == split]
        problems = from_table(of_split[:most])
        # the solutions of other splits' problems are not read
        recorded = tables.read(path, "solutions", problems=[p.problem_id for p in problems])
        recorded = recorded[recorded["solution_id"] < plan["samples"]]  # others may need more
        task = registry.build(dataset, world, execution)
        yield Benchmark(
            dataset.name,
            plan["policy"],
            problems,
            recorded,
            task,
            registry.Grader({dataset.name: task}, RecordedPolicy(recorded).grades),
            plan["samples"],
            len(of_split),
        )
