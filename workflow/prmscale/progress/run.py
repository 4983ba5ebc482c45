"""A run of Snakemake, from the events that it left in `results/STUDY/logs/run.jsonl`.

The file has one JSON object a line: `begin` with all jobs to run, the seconds expected of each, and
the files in the results that no longer belong to the study,
`started`, `finished` and `failed` of a job, `queued` with its number in SLURM's queue, and `end`.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import psutil

RECORD = "logs/run.jsonl"  # in the results of a study

Event = Mapping[str, Any]


@dataclass
class Job:
    """A job of a run; `expected`, `began` and `ended` are in seconds."""

    stage: str
    rule: str
    name: str
    expected: float
    state: Literal["waiting", "running", "done", "failed"] = "waiting"
    began: float = 0.0
    ended: float = 0.0
    log: str = ""
    said: list[str] = field(default_factory=list)
    queued_as: str = ""

    @property
    def title(self) -> str:
        """The rule with what it works on."""
        return f"{self.rule} {self.name}".strip()

    @property
    def took(self) -> float:
        """Seconds from its begin to its end."""
        return self.ended - self.began


@dataclass
class Run:
    """A run: when it began and ended, the process that runs it, its jobs by number, and the files
    in the results that were none of its own.
    """

    began: float = 0.0
    ended: float = 0.0
    succeeded: bool = False
    host: str = ""
    process: int = 0
    jobs: dict[str, Job] = field(default_factory=dict)
    leftovers: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Run | None:
        """The last run of a study; None if there is no record. A line that was cut is left out."""
        if not path.is_file():
            return None
        run = cls()
        for line in path.read_text().splitlines():
            try:
                event = json.loads(line)
            except json.JSONDecodeError:
                continue  # the run was killed while it wrote this
            run.apply(event)
        return run

    def apply(self, event: Event) -> None:
        """Take in what has happened."""
        match event["event"]:
            case "begin":
                self.began, self.host, self.process = event["time"], event["host"], event["process"]
                self.leftovers = event.get("leftovers", [])
                self.jobs = {number: Job(**job) for number, job in event["jobs"].items()}
            case "end":
                self.ended, self.succeeded = event["time"], event["succeeded"]
            case happened if job := self.jobs.get(event["job"]):
                _happen(job, happened, event)

    @property
    def was_killed(self) -> bool:
        """Whether its process, on this machine, is gone without having ended the record."""
        here = self.host == socket.gethostname()
        return here and not self.ended and not psutil.pid_exists(self.process)

    def in_state(self, state: str, stage: str | None = None) -> list[Job]:
        """The jobs in this state, of one stage or of all."""
        jobs = self.jobs.values()
        return [job for job in jobs if job.state == state and stage in (None, job.stage)]

    def stages(self) -> Iterator[tuple[str, int, int]]:
        """Each stage in the order of the pipeline, with its finished jobs and all of its jobs."""
        for stage in dict.fromkeys(job.stage for job in self.jobs.values()):
            of_stage = [job for job in self.jobs.values() if job.stage == stage]
            yield stage, len(self.in_state("done", stage)), len(of_stage)


def _happen(job: Job, happened: str, event: Event) -> None:
    """Change the state of a job."""
    match happened:
        case "started":
            job.state, job.began = "running", event["time"]
        case "finished":
            job.state, job.ended = "done", event["time"]
        case "failed":
            job.state, job.ended = "failed", event["time"]
            job.log, job.said = event["log"], event.get("said", [])
        case "queued":
            job.queued_as = event["queued_as"]
