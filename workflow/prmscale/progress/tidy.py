"""Remove what no longer belongs to a study: `python -m prmscale.progress.tidy results/laptop`.

A model, data set or strategy that is taken out of the configuration leaves its files in the
results. The next run of the whole study finds them; `make status` counts and this removes them.
"""

from __future__ import annotations

import argparse
import sys
from itertools import takewhile
from pathlib import Path

from prmscale.files import locate_checksums
from prmscale.progress.run import RECORD, Run

SHOWN = 10  # files that are named


def find(run: Run, results: Path) -> list[Path]:
    """The leftovers that the run found and that are still there."""
    return [results / name for name in run.leftovers if (results / name).is_file()]


def tell(leftovers: list[Path]) -> str:
    """How many there are, the first of them by name, and their size."""
    size = sum(file.stat().st_size for file in leftovers) / 1e6
    names = ", ".join(map(str, leftovers[:SHOWN]))
    more = f" and {len(leftovers) - SHOWN} more" if len(leftovers) > SHOWN else ""
    return f"{len(leftovers)} files ({size:.3g} MB) belong to no job of the study: {names}{more}"


def main() -> None:
    """Remove the leftovers, and folders that are empty then."""
    parser = argparse.ArgumentParser(prog="python -m prmscale.progress.tidy", description=__doc__)
    parser.add_argument("results", type=Path, help="the results of a study, results/STUDY")
    results = parser.parse_args().results
    run = Run.read(results / RECORD)
    if run is None or not run.ended:
        sys.exit(
            f"{results}: what belongs to the study is known after a run that has ended; "
            f"`make study STUDY={results.name}` runs it"
        )
    leftovers = find(run, results)
    if not leftovers:
        print(f"{results}: all files belong to the study")
        return
    print(f"Removed: {tell(leftovers)}")
    for file in leftovers:
        file.unlink()
        sums = locate_checksums(file)
        sums.unlink(missing_ok=True)
        folders = [folder for folder in (sums.parent, *file.parents) if folder.exists()]
        for folder in takewhile(lambda each: each != results and _is_empty(each), folders):
            folder.rmdir()


def _is_empty(folder: Path) -> bool:
    return not any(folder.iterdir())


if __name__ == "__main__":
    main()
