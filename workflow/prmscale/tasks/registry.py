"""From the configuration's data sets to tasks, and from problems to their verdicts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from prmscale.engines.requests import Prefix
from prmscale.study import CodeExecution, Dataset, World
from prmscale.tasks import steps as step_text
from prmscale.tasks.base import Grade, Problem, Task


def build(dataset: Dataset, world: World, execution: CodeExecution) -> Task:
    """The task behind a data set of the configuration."""
    match dataset.source:
        case "arithmetic":
            from prmscale.tasks.arithmetic import Arithmetic

            return Arithmetic(dataset.name, world)
        case "programs":
            from prmscale.tasks.programs import Programs

            return Programs(dataset.name, world)
        case "gsm8k":
            from prmscale.tasks.gsm8k import GSM8K

            return GSM8K(dataset.name, dataset.path)
        case "math":
            from prmscale.tasks.math500 import Math500

            return Math500(dataset.name, dataset.path)
        case "humaneval":
            from prmscale.tasks.humaneval import HumanEval

            return HumanEval(dataset.name, dataset.path, allow_unsafe=execution.allow_unsafe)
        case "mbpp":
            from prmscale.tasks.mbpp import MBPP

            return MBPP(dataset.name, dataset.path, allow_unsafe=execution.allow_unsafe)


def dataset_of(problem_id: str) -> str:
    """The data set that a problem belongs to: its id is DATASET/SPLIT/NUMBER."""
    return problem_id.split("/")[0]


class Grader:
    """Judges solutions given as steps; the same solution of the same problem is judged once."""

    def __init__(self, tasks: Mapping[str, Task], known: Mapping[tuple[str, Prefix], Grade] | None = None) -> None:
        self._tasks = tasks
        self._known = dict(known or {})

    def __call__(self, problems: Sequence[Problem], solutions: Sequence[Prefix]) -> list[Grade]:
        """The verdict on solution i of problem i."""
        new: dict[str, dict[tuple[str, Prefix], Problem]] = defaultdict(dict)
        for problem, solution in zip(problems, solutions, strict=True):
            key = (problem.problem_id, solution)
            if key not in self._known:
                new[dataset_of(problem.problem_id)][key] = problem
        for dataset, group in new.items():
            texts = [step_text.join(solution) for _, solution in group]
            self._known.update(zip(group, self._tasks[dataset].grade(list(group.values()), texts), strict=True))
        return [self._known[p.problem_id, s] for p, s in zip(problems, solutions, strict=True)]
