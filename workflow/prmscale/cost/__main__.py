"""Print the projected cost of a study: `python -m prmscale.cost [--gpu h100] config.yaml
workflow/studies/paper.yaml`.

Each file is laid over the files before it, as Snakemake does. Times follow from the data sheet of a
GPU, or with `--calibration results/smoke` from the jobs of a finished study; if the study itself
has run, its measured times stand beside. The table is also written to
results/STUDY/tables/cost.csv.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from prmscale import configuration
from prmscale.cost import machines, parts, work
from prmscale.engines import memory
from prmscale.errors import UserError
from prmscale.files import atomic_write
from prmscale.study import Study


def project(study: Study, gpu: machines.Gpu) -> pd.DataFrame:
    """One row for each stage: jobs, most GPUs of a job, GPU hours, tokens, FLOPs and GB stored."""
    rows = []
    for job in work.jobs(study):
        gpus = memory.gpus(job.needs, gpu.memory_gb) if job.passes else 0
        rows.append({**_facts(job), "gpus": gpus, "gpu_hours": gpu.seconds(job, gpus) / 3600})
    return _sum_stages(rows, {"jobs": "sum", "gpus": "max", "gpu_hours": "sum"})


def calibrate(study: Study, results: Path) -> pd.DataFrame:
    """One row for each stage: jobs, hours at the speed of a finished study, tokens, FLOPs and GB
    stored; `measured` hours and their `ratio` if this study has run.
    """
    known = configuration.load_files([results / "config.yaml"])
    rates = machines.Measured.fit(work.jobs(known), machines.read_seconds(results, known.device))
    rows = [{**_facts(job), "hours": rates.seconds(job) / 3600} for job in work.jobs(study)]
    table = _sum_stages(rows, {"jobs": "sum", "hours": lambda hours: hours.sum(skipna=False)})
    finished = Path("results", study.study)
    if (finished / "benchmarks").is_dir():
        table["measured"] = table.stage.map(_sum_hours(study, finished))
        table["ratio"] = table.hours / table.measured
    return table


def _sum_hours(study: Study, results: Path) -> dict[str, float]:
    """The hours of each stage in the results of this study, over the jobs that have run."""
    measured = machines.read_seconds(results, study.device)
    seconds = measured.set_index(["rule", "name"]).seconds
    hours: dict[str, float] = {}
    for job in work.jobs(study):
        if (job.rule, job.name) in seconds.index:
            stage = machines.stage(job)
            hours[stage] = hours.get(stage, 0.0) + seconds[job.rule, job.name] / 3600
    return hours


def _facts(job: parts.Job) -> dict[str, object]:
    return {
        "stage": machines.stage(job),
        "jobs": 1,
        "tokens": job.tokens,
        "flops": job.flops,
        "gb": job.stored / 1e9,
    }


def _sum_stages(rows: list[dict[str, object]], how: dict[str, Any]) -> pd.DataFrame:
    every = {**how, "tokens": "sum", "flops": "sum", "gb": "sum"}
    return pd.DataFrame(rows).groupby("stage", sort=False).agg(every).reset_index()


def total(table: pd.DataFrame) -> pd.DataFrame:
    """The table with a last row of sums over the stages with known times, and the ratio of the
    sums.
    """
    whole = table.dropna() if "measured" in table else table
    name = "total" if len(whole) == len(table) else "total of what was measured"
    sums = whole.drop(columns=["stage", "gpus", "ratio"], errors="ignore").sum().to_dict()
    if "measured" in table:
        sums["ratio"] = sums["hours"] / sums["measured"]
    if "gpus" in table:
        sums["gpus"] = table.gpus.max()
    return pd.concat([table, pd.DataFrame([{"stage": name, **sums}])], ignore_index=True)


def main() -> None:
    """Print the table and write it to the results."""
    parser = argparse.ArgumentParser(prog="python -m prmscale.cost", description=__doc__)
    parser.add_argument(
        "files",
        nargs="+",
        type=Path,
        help="configuration files, each laid over the files before it",
    )
    parser.add_argument("--gpu", default="h100", help="a GPU of workflow/prmscale/cost/gpus.csv")
    parser.add_argument(
        "--calibration", type=Path, help="results folder of a finished study whose speed to assume"
    )
    given = parser.parse_args()
    try:
        study = configuration.load_files(given.files)
        by = given.calibration
        table = total(calibrate(study, by) if by else project(study, machines.gpu(given.gpu)))
    except UserError as error:
        sys.exit(str(error))
    with atomic_write(Path("results", study.study, "tables/cost.csv")) as aside:
        table.to_csv(aside, index=False)
    print(f"{study.study}, at the speed of {by}:" if by else f"{study.study} on {given.gpu}:")
    forms = {
        "tokens": "{:.2g}",
        "flops": "{:.2g}",
        "gb": "{:.3g}",
        "ratio": "{:.2f}",
        "jobs": "{:.0f}",
    }
    forms |= dict.fromkeys(("hours", "measured", "gpu_hours"), "{:.3g}")
    print(
        table.to_string(
            index=False,
            na_rep="-",
            formatters={k: f.format for k, f in forms.items() if k in table},
        )
    )


if __name__ == "__main__":
    main()
