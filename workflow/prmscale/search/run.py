"""The search jobs: strategies over whole samples, with a reward model, without one, or by the
likelihood of a base.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pandas as pd

from prmscale import tables
from prmscale.engines.aggregation import Calibration
from prmscale.engines.facts import read_facts
from prmscale.engines.recorded import RecordedPolicy
from prmscale.engines.scheduler import Scorer
from prmscale.errors import UserError
from prmscale.rewards import first_errors, reliability
from prmscale.rewards.calibration import Outcome, calibrate
from prmscale.rewards.reliability import Source
from prmscale.search import STRATEGIES, benchmarks
from prmscale.search.benchmarks import Benchmark
from prmscale.search.evaluate import Engines, evaluate
from prmscale.search.step_scores import score_solutions
from prmscale.study import CodeExecution, FirstErrors, World
from prmscale.tasks.benchmarks import prm_bench, process_bench
from prmscale.tasks.benchmarks.process_bench import FirstError


@dataclass(frozen=True)
class Test:
    """A benchmark, and a policy that replays its recorded samples."""

    benchmark: Benchmark
    policy: RecordedPolicy

    @property
    def name(self) -> str:
        """The policy and the data set, for progress messages."""
        return f"{self.benchmark.policy} on {self.benchmark.dataset}"


@dataclass(frozen=True)
class Settings:
    """The strategies that a job runs at which budgets; scored ones with these aggregations, and
    those that vote with probabilities with scores calibrated by this method.
    """

    strategies: Sequence[str]
    budgets: Sequence[int]
    aggregations: Sequence[str] = ()
    calibration: str = "none"


# how the solutions of a benchmark with known first errors are loaded
_BENCHES = {"ProcessBench": process_bench.load, "PRMBench": prm_bench.load}


class Origin(NamedTuple):
    """The model behind rows of the search table; step -1 is no training, or the end of one."""

    reward_model: str = ""
    training_step: int = -1
    replicate: int = 1


class Checkpoint(NamedTuple):
    """The folder of a reward model during or after its training; replicates count from 1."""

    folder: Path
    replicate: int
    final: bool


@dataclass(frozen=True)
class ErrorTests:
    """Solutions with known first errors: by data set, and those that the threshold is chosen on.

    `sources` are all solutions of whose steps something is known; `outcomes` are the validation
    solutions that scores are calibrated on, and `held_out` are all of them.
    """

    datasets: Mapping[str, Sequence[FirstError]]
    validation: Sequence[FirstError]
    sources: Sequence[Source] = ()
    outcomes: Sequence[Outcome] = ()
    held_out: Sequence[Benchmark] = ()


@dataclass(frozen=True)
class Scored:
    """What a search job writes: the tables `search`, `first_errors`, `reliability` and
    `solution_scores`, and the measured seconds of a token that the reward model reads or writes,
    the median of its checkpoints.
    """

    search: pd.DataFrame
    first_errors: pd.DataFrame
    reliability: pd.DataFrame
    solution_scores: pd.DataFrame
    seconds_per_token: float


class Reader(Protocol):
    """A base that reads whole solutions (problem, steps, whether it ended) by its likelihood."""

    def read(self, items: Sequence[Any], progress: str | None = None) -> Sequence[Any]:
        """The log-probabilities and FLOPs of each solution."""


def load_tests(
    plans: Sequence[Mapping[str, Any]],
    solutions: Sequence[str],
    world: World,
    execution: CodeExecution,
) -> list[Test]:
    """The tests of these plans (see `benchmarks.load`)."""
    loaded = benchmarks.load(plans, solutions, world, execution)
    return [Test(each, RecordedPolicy(each.solutions)) for each in loaded]


def find_errors(
    tests: Sequence[Test],
    validation: Sequence[Benchmark],
    labels: pd.DataFrame,
    settings: FirstErrors,
) -> ErrorTests:
    """The solutions whose first errors a reward model must name: the first samples of the first
    policy's tests, where the truth is known, and the subsets of ProcessBench and PRMBench.

    Without labelled validation solutions the threshold is chosen on the first data set. Of every
    policy's first samples the scores of steps are kept, and of validation solutions with `labels`
    by rollouts.
    """
    datasets, sources = {}, []
    for test in (each.benchmark for each in tests):
        first = test.solutions[test.solutions.solution_id < settings.samples]
        known = first_errors.find_known(test.task, test.problems, first)
        if test.policy == tests[0].benchmark.policy:
            datasets[test.dataset] = known
        sources.append(Source(test.dataset, test.policy, "test", reliability.know_truth(known)))
    for each in settings.process_bench:
        name = f"{each.bench} {each.subset}"
        datasets[name] = _BENCHES[each.bench](each.subset, each.path)
        sources.append(Source(name, "", "test", reliability.know_truth(datasets[name])))
    datasets = {name: solutions for name, solutions in datasets.items() if solutions}
    labelled: list[FirstError] = []
    outcomes: list[Outcome] = []
    for held_out in validation:
        written = (held_out.problems, held_out.solutions)
        labelled += first_errors.find_known(held_out.task, *written)
        values = reliability.know_values(*written, labels)
        sources.append(Source(held_out.dataset, held_out.policy, "validation", values))
        outcomes += _list_outcomes(held_out)
    chosen_on = labelled or next(iter(datasets.values()), [])
    return ErrorTests(datasets, chosen_on, sources, outcomes, validation)


def _list_outcomes(validation: Benchmark) -> list[Outcome]:
    by_id, solutions = {p.problem_id: p for p in validation.problems}, validation.solutions
    return [
        Outcome(by_id[row.problem_id], tuple(row.steps), bool(row.correct))
        for row in solutions[solutions["problem_id"].isin(by_id)].itertuples(index=False)
    ]


def find_checkpoints(folders: Sequence[str]) -> list[Checkpoint]:
    """Every checkpoint of each training folder in the order of its training, the final model
    last.
    """
    found = []
    for replicate, folder in enumerate(map(Path, folders), start=1):
        earlier = sorted((folder / "checkpoints").glob("*"), key=lambda path: int(path.name))
        found += [Checkpoint(path, replicate, final=False) for path in earlier]
        found.append(Checkpoint(folder, replicate, final=True))
    return found


def search(
    tests: Sequence[Test],
    reward_model: str,
    checkpoints: Sequence[Checkpoint],
    load: Callable[[Path], Scorer],
    settings: Settings,
    errors: ErrorTests,
) -> Scored:
    """The `search` rows of a reward model at every checkpoint; the `first_errors` that the final
    ones name, the `reliability` of their scores of steps, and all of these scores.

    Checkpoints before the last run best-of-n alone, among the first policy's samples: figures and
    claims about training read nothing else.
    """
    first = _keep_first_policy(tests)
    best = replace(settings, strategies=[s for s in settings.strategies if s == "best_of_n"])
    if not best.strategies:
        checkpoints = [checkpoint for checkpoint in checkpoints if checkpoint.final]
    written = [("test", test.benchmark) for test in tests]
    written += [("validation", each) for each in errors.held_out]
    rows: list[pd.DataFrame] = []
    named: list[pd.DataFrame] = []
    steps: list[pd.DataFrame] = []
    scores: list[pd.DataFrame] = []
    times: list[float] = []
    for checkpoint in checkpoints:
        scorer = load(checkpoint.folder)
        step = read_facts(checkpoint.folder)["steps"]
        origin = Origin(reward_model, step, checkpoint.replicate)
        names = {"reward_model": reward_model, "replicate": checkpoint.replicate}
        if checkpoint.final:
            calibrations = _calibrate(scorer, settings, errors)
            rows += _search(tests, scorer, settings, origin, calibrations)
            steps.append(reliability.score(scorer, errors.sources).assign(**names))
            scores.append(score_solutions(scorer, written).assign(**names))
        else:
            rows += _search(first, scorer, best, origin)
        if checkpoint.final and errors.datasets:
            predicted = first_errors.predict(scorer, errors.validation, errors.datasets)
            named.append(predicted.assign(**names))
        times.append(scorer.seconds_per_token)
        del scorer  # before the next one is loaded: memory need not hold both
    return Scored(
        _table(rows),
        tables.join(named, "first_errors"),
        tables.join(steps, "reliability"),
        tables.join(scores, "solution_scores"),
        statistics.median(times),
    )


def _calibrate(scorer: Scorer, settings: Settings, errors: ErrorTests) -> Mapping[str, Calibration]:
    if settings.calibration == "none":
        return {}
    return calibrate(scorer, errors.outcomes, settings.calibration, settings.aggregations)


def search_unscored(tests: Sequence[Test], settings: Settings) -> pd.DataFrame:
    """The `search` rows of the strategies that need no reward model."""
    return _table(_search(tests, None, settings, Origin()))


def rank_by_likelihood(
    tests: Sequence[Benchmark],
    base: str,
    folders: Sequence[str],
    load: Callable[[str], Reader],
    budgets: Sequence[int],
) -> pd.DataFrame:
    """The `search` rows of the control that ranks samples by the likelihood of a base, with each
    of its pre-trainings.
    """
    rows: list[pd.DataFrame] = []
    settings = Settings(["likelihood"], budgets)
    for replicate, folder in enumerate(folders, start=1):
        reader = load(folder)
        for test in tests:
            progress = f"{test.policy} on {test.dataset}, replicate {replicate}"
            reread = _read_again(test, reader, progress)
            replayed = Test(replace(test, solutions=reread), RecordedPolicy(reread))
            rows += _search([replayed], None, settings, Origin(base, replicate=replicate))
        del reader  # before the next one is loaded: memory need not hold both
    return _table(rows).assign(strategy="base_likelihood")


def _keep_first_policy(tests: Sequence[Test]) -> list[Test]:
    return [test for test in tests if test.benchmark.policy == tests[0].benchmark.policy]


def _search(
    tests: Sequence[Test],
    scorer: Scorer | None,
    settings: Settings,
    origin: Origin,
    calibrations: Mapping[str, Calibration] | None = None,
) -> Iterator[pd.DataFrame]:
    """The rows of each test, of the strategies whose measure of its solutions is known."""
    for test in tests:
        benchmark = test.benchmark
        rows = evaluate(
            benchmark.problems,
            Engines(test.policy, scorer, benchmark.grader, calibrations=calibrations or {}),
            _choose_known(test, settings.strategies),
            settings.aggregations,
            benchmark.budgets(settings.budgets),
            f"{test.name}, replicate {origin.replicate}, training step {origin.training_step}",
        )
        yield rows.assign(dataset=benchmark.dataset, policy=benchmark.policy, **origin._asdict())


def _choose_known(test: Test, strategies: Sequence[str]) -> list[str]:
    """The strategies whose measure of the solutions of a test is known of any of them.

    Raises UserError if a table of solutions is too old to have the measure.
    """
    solutions = test.benchmark.solutions
    unknown, chosen = {*solutions.columns[solutions.isna().all()]}, []
    for name in strategies:
        measure = STRATEGIES[name].reads
        if measure and measure not in solutions:
            raise UserError(
                f"search.strategies: {name} needs the column {measure!r} of the solutions of "
                f"{test.name}, which were sampled by an older version. Delete their table and run "
                "again, or leave the strategy out"
            )
        if measure not in unknown:
            chosen.append(name)
    return chosen


def _read_again(test: Benchmark, reader: Reader, progress: str) -> pd.DataFrame:
    """The samples of a test with the likelihood that a base gives them; its FLOPs are added."""
    by_id, solutions = {p.problem_id: p for p in test.problems}, test.solutions
    items = [
        (by_id[row.problem_id], tuple(row.steps), row.finish_reason == "stop")
        for row in solutions.itertuples()
    ]
    read = reader.read(items, progress)
    return solutions.assign(
        logprob=[each.logprob for each in read],
        min_logprob=[each.min_logprob for each in read],
        flops=solutions.flops + [each.flops for each in read],
    )


def _table(rows: Iterator[pd.DataFrame] | Sequence[pd.DataFrame]) -> pd.DataFrame:
    return tables.join([*rows], "search").astype({"answer": "string"})
