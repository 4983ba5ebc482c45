"""Follow a run of Snakemake by its log records: keep them in `results/STUDY/logs/run.jsonl`, and
show the jobs as they begin and end.
"""

from __future__ import annotations

import json
import logging
import os
import re
import socket
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console
from snakemake_interface_logger_plugins.common import LogEvent

from prmscale import stages
from prmscale.errors import UserError
from prmscale.files import explain_unwritable
from prmscale.progress.display import Bars, Display, Lines
from prmscale.progress.ending import summarise
from prmscale.progress.forecast import WITHOUT_MODEL, expect_seconds
from prmscale.progress.run import RECORD, Event, Run
from prmscale.study import Study

QUEUED = re.compile(r"Job (\S+) has been submitted with SLURM jobid (\d+)")
# what is made beside the jobs: by `make report`, `make cost`, and here
BESIDE = ("report.html", "tables/cost.csv", RECORD)


class Follower(logging.Handler):
    """Takes in Snakemake's records from the begin of a run to its end."""

    def __init__(self, results: Path, display: Display | None) -> None:
        super().__init__()
        self.results, self.path = results, results / RECORD
        self.display, self.run = display, Run()
        self._groups: dict[str, list[str]] = {}

    def begin(self, jobs: dict[str, dict[str, Any]], leftovers: list[str]) -> None:
        """Start a new record with the jobs to run, and the files that no longer belong.

        Raises UserError if it cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise explain_unwritable(self.path, error) from error
        self._keep({"event": "begin", **_locate(), "leftovers": leftovers, "jobs": jobs})
        if self.display:
            self.display.begin(self.run)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep and show what happened to jobs."""
        for event in self._read(record):
            if event["job"] in self.run.jobs:
                self._keep(event)
                if self.display:
                    self.display.show(event, self.run)

    def finish(self, succeeded: bool) -> None:
        """End the record; after a run that judged the claims, tell what it found."""
        self._keep({"event": "end", "time": time.time(), "succeeded": succeeded})
        if self.display:
            judged = any(job.rule == "judge_claims" for job in self.run.jobs.values())
            self.display.end(summarise(self.results) if succeeded and judged else ())

    def _keep(self, event: Event) -> None:
        self.run.apply(event)
        # of a disk that is full or broken the jobs tell
        with suppress(OSError), self.path.open("a") as record:
            record.write(json.dumps(event) + "\n")

    def _read(self, record: logging.LogRecord) -> Iterator[dict[str, Any]]:
        """The events in a record of Snakemake."""
        at = {"time": round(record.created, 3)}
        match getattr(record, "event", None):
            case LogEvent.JOB_INFO:
                yield {"event": "started", "job": str(record.jobid), **at}  # type: ignore[attr-defined]
            case LogEvent.JOB_FINISHED:
                yield {"event": "finished", "job": str(record.job_id), **at}  # type: ignore[attr-defined]
            case LogEvent.JOB_ERROR:
                logs = record.log  # type: ignore[attr-defined]
                number = str(record.jobid)  # type: ignore[attr-defined]
                # what a cluster says of the job, and where its own log is
                said = [record.rule_msg, *record.aux.values(), *logs[1:]]  # type: ignore[attr-defined]
                words = [str(word) for word in said if word]
                log = logs[0] if logs else ""
                yield {"event": "failed", "job": number, "log": log, "said": words, **at}
            case LogEvent.GROUP_INFO:
                jobs = record.jobs  # type: ignore[attr-defined]
                self._groups[str(record.group_id)] = [str(job.jobid) for job in jobs]  # type: ignore[attr-defined]
            case None if found := QUEUED.search(record.getMessage()):
                name, queued_as = found.groups()
                for job in self._groups.get(name, [name]):
                    yield {"event": "queued", "job": job, "queued_as": queued_as, **at}


def follow(workflow: Any, study: Study, results: Path) -> Follower:
    """Follow the run that Snakemake is about to begin. The terminal then shows our bars, or a log
    our lines, in the place of Snakemake's, unless it was asked for more or for less (`--verbose`,
    `--printshellcmds`, `--quiet`, another `--logger`); its own log in .snakemake/log is as ever.
    """
    logger, settings = workflow.logger_manager.logger, workflow.output_settings
    screen = next((h for h in logger.handlers if h.name == "DefaultStreamHandler"), None)
    as_ever = settings.verbose or settings.printshellcmds or settings.quiet
    display = None
    if screen is not None and not as_ever:
        console = Console(file=sys.stderr, no_color=settings.nocolor or None)
        display = Bars(console) if console.is_terminal else Lines(console)
    follower = Follower(results, display)
    follower.begin(_describe(workflow, study, results), _find_leftovers(workflow, results))
    if screen is not None and display:
        screen.addFilter(_is_no_routine)
        screen.setStream(sys.stderr)  # which the bars redirect, so that texts stand above them
    logger.addHandler(follower)
    return follower


def list_jobs(workflow: Any) -> list[Any]:
    """The jobs that Snakemake will run."""
    return [job for job in workflow.dag.needrun_jobs() if not job.is_norun]


def runs_models(jobs: Iterable[Any]) -> bool:
    """Whether any of these jobs runs a model: its rule asks for GPUs, be it for none."""
    return any("gpu" in job.rule.resources for job in jobs)


def finish(workflow: Any, succeeded: bool) -> None:
    """End what `follow` began; a run without hooks or with nothing to do has begun nothing."""
    for handler in workflow.logger_manager.logger.handlers:
        if isinstance(handler, Follower):
            handler.finish(succeeded)


def _is_no_routine(record: logging.LogRecord) -> bool:
    """Whether a record is a warning or an error that no display of ours tells."""
    told = getattr(record, "event", None) in (LogEvent.JOB_ERROR, LogEvent.GROUP_ERROR)
    return record.levelno > logging.INFO and not told


def _describe(workflow: Any, study: Study, results: Path) -> dict[str, dict[str, Any]]:
    """What the record says of each job that Snakemake will run, in the order of its rules. A stage
    is a file of rules.
    """
    order = [rule.name for rule in workflow.rules]
    jobs = list_jobs(workflow)
    expected, described = {}, {}
    if runs_models(jobs):
        with suppress(UserError):  # a model whose size is not known before a job loads it
            expected = expect_seconds(study)
    for job in sorted(jobs, key=lambda job: (order.index(job.rule.name), workflow.dag.jobid(job))):
        rule, name, shares = job.rule.name, "", 1
        if job.benchmark is not None:  # the shortest jobs have none
            rule, name, shares = stages.read_name(job.benchmark, results)
        described[str(workflow.dag.jobid(job))] = {
            "stage": Path(job.rule.snakefile).stem,
            "rule": rule,
            "name": name,
            "expected": expected.get((rule, name), 0.0) / shares or WITHOUT_MODEL,
        }
    return described


def _find_leftovers(workflow: Any, results: Path) -> list[str]:
    """The files in the results that no job of the study makes: of models, data sets or strategies
    that it no longer has. None are known in a run for single files.
    """
    if not any(job.rule.name == "all" for job in workflow.dag.jobs):
        return []
    kept = {results / name for name in BESIDE}
    for job in workflow.dag.jobs:
        kept |= {Path(str(file)) for file in (*job.output, *job.log, job.benchmark) if file}
    found = []
    for file in sorted(results.rglob("*")):
        hidden = any(part.startswith(".") for part in file.relative_to(results).parts)
        if file.is_file() and not hidden and kept.isdisjoint([file, *file.parents]):
            found.append(str(file.relative_to(results)))
    return found


def _locate() -> dict[str, Any]:
    """When and where this process runs."""
    return {"time": time.time(), "host": socket.gethostname(), "process": os.getpid()}
