"""The table of tasks, and the grader that judges solutions by their problem's task."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar, get_args

from prmscale import plugins
from prmscale.errors import UserError
from prmscale.study import DOMAINS, CodeExecution, Dataset, World
from prmscale.tasks import steps as step_text
from prmscale.tasks.base import Domain, Grade, Prefix, Problem, Task
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
_Class = TypeVar("_Class", bound=type)


def _generate(task: type[GeneratedTask]) -> Build:
    return lambda dataset, world, execution: task(dataset.name, world)


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


def register_task(name: str) -> Callable[[_Class], _Class]:
    """Register a plugin's task as a source of data sets: a `Task` class, which is made from the
    configuration of the data set, the world and the execution of code.

    Raises UserError if the name is taken or the class is no such task.
    """

    def enter(found: _Class) -> _Class:
        plugins.check_call(found, "dataset", "world", "execution")
        domain = getattr(found, "domain", None)
        if domain not in get_args(Domain):
            known = ", ".join(get_args(Domain))
            raise UserError(f"{found.__name__}.domain is {domain!r}: it must be one of {known}")
        for method, arguments in (("load", "split count seed"), ("grade", "problems texts")):
            if not callable(getattr(found, method, None)):
                raise UserError(f"{found.__name__} must have the method {method}")
            called = getattr(found, method)
            plugins.check_call(called, "self", *arguments.split())
        plugins.register("source", name, (TASKS, found), (DOMAINS, domain))
        return found

    return enter


def build(dataset: Dataset, world: World, execution: CodeExecution) -> Task:
    """The task of a data set of the configuration."""
    return TASKS[dataset.source](dataset, world, execution)


def load_split(task: Task, dataset: Dataset, split: str, seed: int) -> list[Problem]:
    """As many problems of a split as the configuration asks for.

    Raises UserError if the task has not so many, or does not name them as `Task` asks.
    """
    count = getattr(dataset, split)
    problems = task.load(split, count, seed)
    if len({problem.problem_id for problem in problems}) != count:
        raise UserError(
            f"{dataset.name} {split}: {count} problems are asked for; {len(problems)} are loaded, "
            f"with {len({problem.problem_id for problem in problems})} ids"
        )
    for problem in problems:
        start = f"{dataset.name}/{split}/"
        if not problem.problem_id.startswith(start) or problem.split != split:
            raise UserError(
                f"{dataset.name} {split}: the problem {problem.problem_id} of split "
                f"{problem.split} is loaded; ids begin with {start}"
            )
    return problems


def dataset_of(problem_id: str) -> str:
    """The data set that a problem belongs to: its id is DATASET/SPLIT/NUMBER."""
    return problem_id.split("/")[0]


class Grader:
    """Judges solutions given as steps; judges the same solution of a problem only once."""

    def __init__(
        self, tasks: Mapping[str, Task], known: Mapping[tuple[str, Prefix], Grade] | None = None
    ) -> None:
        self._tasks, self._given = tasks, known or {}
        self.forget()

    def forget(self, known: Mapping[tuple[str, Prefix], Grade] | None = None) -> None:
        """Drop the verdicts so far, so that memory does not grow from shard to shard; `known` takes
        the place of those that were given.
        """
        self._given = self._given if known is None else known
        self._known = dict(self._given)

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
