"""How long a run will still take: what `make cost` expects of each job, corrected by the jobs that
have ended.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from prmscale.cost import machines, work
from prmscale.engines import memory
from prmscale.progress.run import Job, Run
from prmscale.study import Study

WITHOUT_MODEL = 4.0  # seconds expected of a job that runs no model: it starts, reads and writes

PRIOR = 60.0  # seconds of work, done as fast as expected, that the pace of all rules starts from


def expect_seconds(study: Study) -> dict[tuple[str, str], float]:
    """Seconds of each job that runs a model, by its rule and the name of its benchmark: on a CPU
    core, or with `device: cuda` on H100s, whose speed the first finished jobs correct.
    """
    gpu = machines.gpu("h100" if study.device == "cuda" else "core")
    per_node, expected = study.cluster.gpus_per_node, {}
    for job in work.jobs(study):
        gpus = max(1, memory.gpus(job.needs, gpu.memory_gb, per_node))
        expected[job.rule, job.name] = gpu.seconds(job, gpus) / gpus
    return expected


@dataclass(frozen=True)
class Forecast:
    """The share of a run's work that is done, and the seconds that it still takes."""

    done: float
    left: float


def forecast(run: Run, now: float) -> Forecast:
    """What is left of a run: each job takes as many times what was expected of it as the finished
    jobs of its rule took (of all rules, as long as none of its own is finished), and as many jobs
    run at once as did on average so far. It ends no sooner than its longest job.
    """
    finished, running = run.in_state("done"), run.in_state("running")
    spent = sum(job.took for job in finished) + sum(now - job.began for job in running)
    paces = _measure_paces(finished)
    rests = [paces.expect(job) for job in run.in_state("waiting")]
    rests += [max(0.0, paces.expect(job) - (now - job.began)) for job in running]
    at_once = max(1.0, spent / max(1.0, now - run.began))
    left = max([sum(rests) / at_once, *rests], default=0.0)
    undone = sum(rests) + sum(paces.expect(job) for job in run.in_state("failed"))
    return Forecast(spent / (spent + undone) if undone else 1.0, left)


@dataclass(frozen=True)
class _Paces:
    """How many times the expected seconds the finished jobs took, by rule and in all."""

    by_rule: dict[str, float]
    overall: float

    def expect(self, job: Job) -> float:
        """The seconds that a job will take."""
        return job.expected * self.by_rule.get(job.rule, self.overall)


def _measure_paces(finished: list[Job]) -> _Paces:
    """The paces of finished jobs."""
    took: dict[str, float] = defaultdict(float)
    expected: dict[str, float] = defaultdict(float)
    for job in finished:
        took[job.rule] += job.took
        expected[job.rule] += job.expected
    by_rule = {rule: took[rule] / expected[rule] for rule in took}
    overall = (PRIOR + sum(took.values())) / (PRIOR + sum(expected.values()))
    return _Paces(by_rule, overall)
