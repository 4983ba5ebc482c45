"""What a run shows: bars on a terminal, in a log a line for each begin and end of a job."""

from __future__ import annotations

import atexit
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from prmscale.progress.forecast import forecast
from prmscale.progress.run import Event, Job, Run

BAR, RUNNING = 24, 2  # characters of a bar, running jobs that a stage names
LAST = 12  # lines of a failed job's log


class Display(Protocol):
    """Shows a run while it goes on."""

    def begin(self, run: Run) -> None:
        """The run has begun; from now on `run` is kept up to date."""

    def show(self, event: Event, run: Run) -> None:
        """Something has happened to a job."""

    def end(self, summary: Iterable[str]) -> None:
        """The run has ended, with this to tell."""


class Bars:
    """A bar for each stage and one for the whole study."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._live: Live | None = None

    def begin(self, run: Run) -> None:
        """Draw the bars, twice a second."""
        self._live = Live(
            get_renderable=lambda: draw_bars(run, time.time()),
            console=self.console,
            refresh_per_second=2,
        )
        self._live.start()
        atexit.register(self._live.stop)  # an interrupted run must give the cursor back

    def show(self, event: Event, run: Run) -> None:
        """Print the end of a failed job above the bars."""
        if event["event"] == "failed":
            self.console.print(_tell_failed(run.jobs[event["job"]]), highlight=False, markup=False)

    def end(self, summary: Iterable[str]) -> None:
        """Leave the bars as they are."""
        if self._live:
            self._live.stop()
        _print_all(self.console, summary)


class Lines:
    """Plain lines, which a log keeps and a person can search."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def begin(self, run: Run) -> None:
        """Tell how much there is to do."""
        self._print(f"{len(run.jobs)} jobs to run")

    def show(self, event: Event, run: Run) -> None:
        """Tell what has happened to a job."""
        job = run.jobs[event["job"]]
        if event["event"] == "started":
            self._print(f"started  {job.title}")
        elif event["event"] == "finished":
            took = format_seconds(job.took)
            now = time.time()
            progress = _tell_progress(run, now, forecast(run, now).left)
            self._print(f"finished {job.title} in {took}; {progress}")
        elif event["event"] == "failed":
            self._print(_tell_failed(job))

    def end(self, summary: Iterable[str]) -> None:
        """Tell it without the time of day."""
        _print_all(self.console, summary)

    def _print(self, text: str) -> None:
        clock = time.strftime("%H:%M:%S")
        self.console.print(f"{clock} {text}", highlight=False, markup=False, soft_wrap=True)


def draw_bars(run: Run, now: float) -> RenderableType:
    """A bar and the running jobs of each stage; a bar of the work done and the time left."""
    grid = Table.grid(padding=(0, 2))
    for width in (max(len(stage) for stage, _, _ in run.stages()), BAR, 7):
        grid.add_column(no_wrap=True, min_width=width)
    grid.add_column(no_wrap=True, overflow="ellipsis")
    for stage, done, total in run.stages():
        bar = ProgressBar(total, done, BAR)
        grid.add_row(stage, bar, f"{done}/{total}", _name_running(run, stage, now))
    whole = forecast(run, now)
    grid.add_row(
        Text("study", style="bold"),
        ProgressBar(1.0, whole.done, BAR),
        f"{whole.done:.0%}",
        _tell_progress(run, now, whole.left),
    )
    return Group(grid)


def _tell_progress(run: Run, now: float, left: float) -> str:
    """Finished jobs, their rate and the seconds left."""
    done = len(run.in_state("done"))
    text = f"{done} of {len(run.jobs)} jobs"
    if failed := len(run.in_state("failed")):
        text += f", {failed} failed"
    if not run.in_state("waiting") and not run.in_state("running"):
        return text
    rate = 60 * done / max(1.0, now - run.began)
    return f"{text}, {rate:.1f} a minute, about {format_seconds(left)} left"


def format_seconds(seconds: float) -> str:
    """Seconds as a person says them: 34 s, 4 min, 3 h 20 min."""
    minutes = round(seconds / 60)
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def _name_running(run: Run, stage: str, now: float) -> str:
    """The first running jobs of a stage, and how many more there are."""
    running = run.in_state("running", stage)
    names = [f"{job.title} ({format_seconds(now - job.began)})" for job in running[:RUNNING]]
    more = [f"{len(running) - RUNNING} more"] if len(running) > RUNNING else []
    return ", ".join(names + more)


def _print_all(console: Console, lines: Iterable[str]) -> None:
    """Print lines as they are."""
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _tell_failed(job: Job) -> str:
    """What failed, where its log is, what the cluster says, and the last lines of the log."""
    lines = [
        f"failed   {job.title} after {format_seconds(job.took)}; its log is {job.log or 'none'}"
    ]
    lines += [f"    {line}" for line in (*job.said, *_read_end(job.log))]
    return "\n".join(lines)


def _read_end(log: str) -> list[str]:
    """The last lines of a log that are not empty; of a progress bar what it showed at last."""
    path = Path(log)
    if not path.is_file():
        return []
    text = path.read_bytes().decode(errors="replace")
    lines = [line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")]
    return [line for line in lines if line.strip()][-LAST:]
