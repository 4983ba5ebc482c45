"""The table of tasks, and the grader that judges solutions by their problem's task."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from prmscale.errors import UserError
from prmscale.study import CodeExecution, Dataset, World
from prmscale.tasks import steps as step_text
from prmscale.tasks.base import Grade, Prefix, Problem, Task
from prmscale.tasks.benchmarks.base import CodeBenchmark
from prmscale.tasks.benchmarks.bigcodebench import BigCodeBench
from prmscale.tasks.benchmarks.competitions import APPS, TACO, CodeContests
from prmscale.tasks.benchmarks.contests import AIME24, AIME25, AMC, MinervaMath, OlympiadBench
from prmscale.tasks.benchmarks.gsm8k_math import (
    GSM8K,
    GSM8KPlatinum,
    HendrycksMath,
    Math,
    Math500,
    MathBenchmark,
)
from prmscale.tasks.benchmarks.humaneval_mbpp import MBPP, HumanEval, HumanEvalPlus, MBPPPlus
from prmscale.tasks.benchmarks.livecodebench import LiveCodeBench
from prmscale.tasks.benchmarks.questions import GPQA, MMLUPro, MultipleChoice
from prmscale.tasks.world.arithmetic import Arithmetic
from prmscale.tasks.world.programs import Programs
from prmscale.tasks.world.specifications import GeneratedTask

Build = Callable[[Dataset, World, CodeExecution], Task]


def _generate(task: type[GeneratedTask]) -> Build:
    def make(dataset: Dataset, world: World, execution: CodeExecution) -> Task:
        if dataset.leave_out:
            raise UserError(
                f"{dataset.name}: leave_out is for published problems; those of {dataset.source} "
                "have no ids"
            )
        return task(dataset.name, world)

    return make


def _answer(task: type[MathBenchmark | MultipleChoice]) -> Build:
    return lambda dataset, world, execution: task(
        dataset.name, dataset.path, dataset.leave_out, dataset.subjects
    )


def _execute(task: type[CodeBenchmark]) -> Build:
    return lambda dataset, world, execution: task(
        dataset.name, dataset.path, execution, dataset.leave_out
    )


# source of a data set in the configuration: how its task is built
TASKS: dict[str, Build] = {
    "arithmetic": _generate(Arithmetic),
    "programs": _generate(Programs),
    "gsm8k": _answer(GSM8K),
    "math": _answer(Math),
    "math500": _answer(Math500),
    "hendrycks_math": _answer(HendrycksMath),
    "gsm8k_platinum": _answer(GSM8KPlatinum),
    "aime24": _answer(AIME24),
    "aime25": _answer(AIME25),
    "amc": _answer(AMC),
    "minerva_math": _answer(MinervaMath),
    "olympiadbench": _answer(OlympiadBench),
    "gpqa": _answer(GPQA),
    "mmlu_pro": _answer(MMLUPro),
    "humaneval": _execute(HumanEval),
    "mbpp": _execute(MBPP),
    "humanevalplus": _execute(HumanEvalPlus),
    "mbppplus": _execute(MBPPPlus),
    "livecodebench": _execute(LiveCodeBench),
    "bigcodebench": _execute(BigCodeBench),
    "taco": _execute(TACO),
    "apps": _execute(APPS),
    "codecontests": _execute(CodeContests),
}


def build(dataset: Dataset, world: World, execution: CodeExecution) -> Task:
    """The task of a data set of the configuration."""
    return TASKS[dataset.source](dataset, world, execution)


def dataset_of(problem_id: str) -> str:
    """The data set that a problem belongs to: its id is DATASET/SPLIT/NUMBER."""
    return problem_id.split("/")[0]


class Grader:
    """Judges solutions given as steps; judges the same solution of a problem only once."""

    def __init__(
        self, tasks: Mapping[str, Task], known: Mapping[tuple[str, Prefix], Grade] | None = None
    ) -> None:
        self._tasks = tasks
        self._known = dict(known or {})

    def __call__(self, problems: Sequence[Problem], solutions: Sequence[Prefix]) -> list[Grade]:
        """The verdict on solution i of problem i."""
        pairs = list(zip(problems, solutions, strict=True))
        new: dict[str, dict[tuple[str, Prefix], Problem]] = defaultdict(dict)
        for problem, solution in pairs:
            key = (problem.problem_id, solution)
            if key not in self._known:
                new[dataset_of(problem.problem_id)][key] = problem
        for dataset, group in new.items():
            texts = [step_text.join(solution) for _, solution in group]
            grades = self._tasks[dataset].grade(list(group.values()), texts)
            self._known.update(zip(group, grades, strict=True))
        return [self._known[problem.problem_id, solution] for problem, solution in pairs]
