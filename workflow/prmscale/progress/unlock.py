"""Take away Snakemake's lock where the run that held it was killed: `python -m
prmscale.progress.unlock`, in the working directory. `make study` does so at its begin.

Snakemake locks a working directory while it runs, and cannot know of a lock whether its run is
still alive. The record of a run can: it names the machine and the process.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil

from prmscale.progress.run import RECORD, Run

LOCKS = ".snakemake/locks"


def unlock(folder: Path) -> list[Run]:
    """Remove the locks of a working directory if a run of this machine was killed there, and nobody
    else may hold one: no other run of Snakemake works there, and no run of another machine has an
    open record. Returns the killed runs, none if the locks are left.
    """
    locks = [*(folder / LOCKS).glob("*.lock")]
    records = [Run.read(path) for path in folder.glob(f"results/*/{RECORD}")]
    open_runs = [run for run in records if run and not run.ended]
    if not locks or not all(run.was_killed for run in open_runs) or any(_find_snakemakes(folder)):
        return []
    for lock in locks if open_runs else ():
        lock.unlink(missing_ok=True)
    return open_runs


def _find_snakemakes(folder: Path) -> Iterator[int]:
    """The processes of Snakemake that work in a folder, or of which this cannot be known."""
    for process in psutil.process_iter(["cmdline", "cwd"]):
        command = " ".join(process.info["cmdline"] or [])
        place = process.info["cwd"]
        if "snakemake" in command and (place is None or Path(place) == folder.resolve()):
            yield process.pid


if __name__ == "__main__":
    for killed in unlock(Path()):
        print(
            f"Unlocked the working directory: process {killed.process}, which held it, was killed."
        )
