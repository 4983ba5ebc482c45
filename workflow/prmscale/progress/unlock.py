"""Take away Snakemake's lock where the run that held it was killed: `python -m
prmscale.progress.unlock`, in the working directory. `make study` does so at its begin.

Snakemake locks a working directory while it runs, and cannot know of a lock whether its run is
still alive. The record of a run can: it names the machine and the process.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from prmscale.errors import UserError
from prmscale.progress.run import RECORD, Run

LOCKS = ".snakemake/locks"


def unlock(folder: Path) -> list[Run]:
    """Remove the locks of a working directory if a run of this machine was killed there, and nobody
    else may hold one: no other run of Snakemake works there, and no run of another machine has an
    open record. Returns the killed runs, none if the locks are left.

    Raises UserError if jobs of the killed run go on: they write what a new run would write.
    """
    killed = _find_killed(folder)
    if not killed:
        return []
    processes = list(_find_snakemakes(folder))
    left = [process.pid for process in processes if process.info["cwd"]]
    if left:
        raise UserError(
            f"the run that held the lock of {folder.resolve()} was killed (process "
            f"{killed[0].process}), and Snakemake still works there (process "
            f"{', '.join(map(str, left))}): a job of that run, or another run. Wait until it ends, "
            f"or end it (kill {' '.join(map(str, left))}), and run the same command again"
        )
    if processes:
        return []
    for lock in _list_locks(folder):
        lock.unlink(missing_ok=True)
    return killed


def _find_killed(folder: Path) -> list[Run]:
    """The runs that were killed, if there is a lock that no other run can hold."""
    records = [Run.read(path) for path in folder.glob(f"results/*/{RECORD}")]
    open_runs = [run for run in records if run and not run.ended]
    return open_runs if _list_locks(folder) and all(run.was_killed for run in open_runs) else []


def _list_locks(folder: Path) -> list[Path]:
    return [*(folder / LOCKS).glob("*.lock")]


def _find_snakemakes(folder: Path) -> Iterator[psutil.Process]:
    """The processes of Snakemake that work in a folder, or of which this cannot be known."""
    for process in psutil.process_iter(["cmdline", "cwd"]):
        command = " ".join(process.info["cmdline"] or [])
        place = process.info["cwd"]
        if "snakemake" in command and (place is None or Path(place) == folder.resolve()):
            yield process


if __name__ == "__main__":
    try:
        for run in unlock(Path()):
            print(
                f"Unlocked the working directory: process {run.process}, which held it, was killed."
            )
    except UserError as error:
        sys.exit(str(error))
