"""What the pipeline itself costs: the share of a study's time that its jobs do not fill.

Run as `python benchmarks/overhead.py [STUDY]`, by default with the smoke study, whose jobs take a
few seconds each; it runs anew in a temporary folder, on all cores. A job's time is that of its
process, its start included. Before the first job Snakemake starts and plans; at the end a core is
idle when fewer jobs are left than there are cores.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ratios import tell

from prmscale.progress.run import RECORD, Run

ROOT = Path(__file__).parents[1]


def run_study(name: str, folder: str) -> tuple[Run, float]:
    """Run a study in a folder; its record, and the seconds from Snakemake's start to its end."""
    overlay = ROOT / f"workflow/studies/{name}.yaml"
    layers = ["--configfile", str(overlay)] if overlay.exists() else []
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    started = time.time()
    subprocess.run(
        [*command, "--cores", "all", "--directory", folder, *layers],
        cwd=ROOT,
        check=True,
        stdout=sys.stderr,
    )
    wall = time.time() - started
    run = Run.read(Path(folder) / "results" / name / RECORD)
    assert run is not None
    return run, wall


def main() -> None:
    """Print the parts of a run and the share that jobs filled."""
    name = sys.argv[1] if len(sys.argv) > 1 else "smoke"
    with tempfile.TemporaryDirectory() as folder:
        run, wall = run_study(name, folder)
    cores = len(os.sched_getaffinity(0))
    done = run.in_state("done")
    spent = sum(job.took for job in done)
    ends = sorted(job.ended for job in done)[-cores:]
    waited = sum(run.ended - end for end in ends)
    print(
        f"{name}: {len(done)} jobs, {wall:.0f} s on {cores} cores; in jobs {spent:.0f} s of "
        f"{cores * wall:.0f} s; idle after their last job {waited:.0f} s"
    )
    tell("jobs", spent / (cores * wall))


if __name__ == "__main__":
    main()
