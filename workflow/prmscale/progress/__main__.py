"""Print where the last run of a study is: `python -m prmscale.progress results/laptop`.

While it runs, or after it was killed: its stages, the running jobs, the time left, and what SLURM
says of jobs in its queue. After its end: what failed, or the verdicts and where to read on.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from prmscale.progress import tidy
from prmscale.progress.display import draw_bars, format_seconds
from prmscale.progress.ending import summarise
from prmscale.progress.run import RECORD, Run


def describe(run: Run, results: Path, now: float) -> str:
    """Whether the run goes on, has ended, or was killed; and the command that resumes it."""
    resume = f"`make study STUDY={results.name}` resumes it"
    began = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.began))
    if run.ended:
        took = format_seconds(run.ended - run.began)
        how = "finished" if run.succeeded else f"failed; {resume}"
        return f"{results}: the run of {began} took {took} and {how}"
    where = f"process {run.process} on {run.host}"
    if run.was_killed:
        return f"{results}: the run of {began} ({where}) was killed; {resume}"
    return f"{results}: running since {began}, {format_seconds(now - run.began)} ({where})"


def ask_queue(run: Run) -> Iterator[str]:
    """A line on the run's jobs in SLURM's queue, if it has any and this machine can ask."""
    numbers = {job.queued_as for job in run.in_state("running") if job.queued_as}
    if not numbers or not shutil.which("squeue"):
        return
    command = ["squeue", "--noheader", "--format=%T", f"--jobs={','.join(sorted(numbers))}"]
    asked = subprocess.run(command, capture_output=True, text=True)
    states = Counter(asked.stdout.split())
    counts = ", ".join(f"{count} {state.lower()}" for state, count in sorted(states.items()))
    yield f"SLURM's queue: {counts or 'none of the running jobs'}"


def main() -> None:
    """Print it."""
    parser = argparse.ArgumentParser(prog="python -m prmscale.progress", description=__doc__)
    parser.add_argument("results", type=Path, help="the results of a study, results/STUDY")
    results = parser.parse_args().results
    run = Run.read(results / RECORD)
    if run is None:
        sys.exit(
            f"{results / RECORD}: no run is on record. `make study STUDY={results.name}` runs it"
        )
    console, now = Console(highlight=False, markup=False, soft_wrap=True), time.time()
    console.print(describe(run, results, now))
    if not run.succeeded:
        console.print(draw_bars(run, run.ended or now))
        for line in ask_queue(run):
            console.print(line)
        for job in run.in_state("failed"):
            console.print(f"failed: {job.title}; its log is {job.log}")
    else:
        for line in summarise(results):
            console.print(line)
    if leftovers := tidy.find(run, results):
        console.print(f"{tidy.tell(leftovers)}. `make tidy STUDY={results.name}` removes them")


if __name__ == "__main__":
    main()
