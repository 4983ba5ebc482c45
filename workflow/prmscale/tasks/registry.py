"""From the configuration's data sets to tasks, and from problems to their verdicts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from prmscale.errors import UserError
from prmscale.study import GENERATED, CodeExecution, Dataset, World
from prmscale.tasks import steps as step_text
from prmscale.tasks.base import Grade, Prefix, Problem, Task
from prmscale.tasks.benchmarks.bigcodebench import BigCodeBench
from prmscale.tasks.benchmarks.competitions import APPS, TACO, CodeContests
from prmscale.tasks.benchmarks.gsm8k_math import GSM8K, HendrycksMath, Math, Math500
from prmscale.tasks.benchmarks.humaneval_mbpp import MBPP, HumanEval, HumanEvalPlus, MBPPPlus
from prmscale.tasks.benchmarks.livecodebench import LiveCodeBench
from prmscale.tasks.world.arithmetic import Arithmetic
from prmscale.tasks.world.programs import Programs

_CODE: dict[str, Callable[[str, str | None, CodeExecution, Sequence[str]], Task]] = {
    "humaneval": HumanEval,
    "mbpp": MBPP,
    "humanevalplus": HumanEvalPlus,
    "mbppplus": MBPPPlus,
    "livecodebench": LiveCodeBench,
    "bigcodebench": BigCodeBench,
    "taco": TACO,
    "apps": APPS,
    "codecontests": CodeContests,
}


def build(dataset: Dataset, world: World, execution: CodeExecution) -> Task:
    """The task behind a data set of the configuration."""
    if dataset.source in GENERATED and dataset.leave_out:
        raise UserError(
            f"{dataset.name}: leave_out is for published problems; those of {dataset.source} have "
            "no ids"
        )
    match dataset.source:
        case "arithmetic":
            return Arithmetic(dataset.name, world)
        case "programs":
            return Programs(dataset.name, world)
        case "gsm8k":
            return GSM8K(dataset.name, dataset.path, dataset.leave_out)
        case "math":
            return Math(dataset.name, dataset.path, dataset.leave_out)
        case "math500":
            return Math500(dataset.name, dataset.path, dataset.leave_out)
        case "hendrycks_math":
            return HendrycksMath(dataset.name, dataset.path, dataset.leave_out)
        case source:
            return _CODE[source](dataset.name, dataset.path, execution, dataset.leave_out)


def dataset_of(problem_id: str) -> str:
    """The data set that a problem belongs to: its id is DATASET/SPLIT/NUMBER."""
    return problem_id.split("/")[0]


class Grader:
    """Judges solutions given as steps; the same solution of the same problem is judged once."""

    def __init__(
        self, tasks: Mapping[str, Task], known: Mapping[tuple[str, Prefix], Grade] | None = None
    ) -> None:
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
            self._known.update(
                zip(group, self._tasks[dataset].grade(list(group.values()), texts), strict=True)
            )
        return [self._known[p.problem_id, s] for p, s in zip(problems, solutions, strict=True)]
