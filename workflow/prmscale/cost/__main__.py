"""Print the projected cost of a study: `python -m prmscale.cost [--gpu h100] config.yaml
workflow/studies/paper.yaml`.

Each file is laid over the files before it, as Snakemake does. Times follow from the data sheet of a
GPU, or with `--calibration results/smoke` from the jobs of a finished study; their range is that
from `machines.LOW` to `machines.HIGH`. If the study itself has run, its measured times stand
beside. The table is also written to results/STUDY/tables/cost.csv.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd

from prmscale import configuration
from prmscale.cost import machines, parts, work
from prmscale.engines import memory
from prmscale.errors import UserError
from prmscale.files import atomic_write
from prmscale.study import Study


def project(study: Study, gpu: machines.Gpu) -> pd.DataFrame:
    """One row for each stage: jobs, most GPUs of a job, GPU hours (on a CPU core hours) and their
    range from `low` to `high`, tokens, FLOPs and GB stored.

    If this study has run on such a device, also the `measured` hours and the `ratio` of the
    projected.
    """

    def price(job: parts.Job, case: machines.Case) -> dict[str, float]:
        gpus = _count_gpus(job, gpu.memory_gb, study.cluster.gpus_per_node)
        return {"gpus": gpus, "hours": gpu.seconds(job, gpus, case) / 3600}

    if study.sampling.engine != "vllm":  # which takes a minute or two to start
        gpu = replace(gpu, start=min(gpu.start, machines.QUICK_START))
    table = _range(study, price)
    if gpu.device == "cuda":
        table = table.rename(columns={"hours": "gpu_hours"})
    else:
        table = table.drop(columns="gpus")
    return _compare(table, study) if study.device == gpu.device else table


def calibrate(study: Study, results: Path) -> pd.DataFrame:
    """One row for each stage: jobs, hours at the speed of a finished study and their range from
    `low` to `high` by the lengths of solutions, tokens, FLOPs and GB stored; `measured` hours and
    the `ratio` of the projected if this study has run.
    """
    known = configuration.load_files([results / "config.yaml"])
    rates = machines.Measured.fit(work.jobs(known), machines.read_seconds(results, known.device))
    table = _range(study, lambda job, case: {"hours": rates.seconds(job) / 3600})
    return _compare(table, study)


def _range(
    study: Study, price: Callable[[parts.Job, machines.Case], dict[str, float]]
) -> pd.DataFrame:
    """One row for each stage: sums over its jobs of what is expected, and of the hours in the best
    and in the worst case.
    """
    rows: list[dict[str, object]] = []
    expected, low, high = (machines.EXPECTED, machines.LOW, machines.HIGH)
    jobs = [work.jobs(study, case.lengths) for case in (expected, low, high)]
    for job, shorter, longer in zip(*jobs, strict=True):
        ends = {"low": price(shorter, low)["hours"], "high": price(longer, high)["hours"]}
        work_done = {"tokens": job.tokens, "flops": job.flops, "gb": job.stored / 1e9}
        stage = {"stage": machines.stage(job), "jobs": 1}
        rows.append({**stage, **price(job, expected), **ends, **work_done})
    return _sum_stages(rows)


def _compare(table: pd.DataFrame, study: Study) -> pd.DataFrame:
    """The table beside the measured hours of each stage, if this study has run."""
    finished, projected = Path("results", study.study), _name_projected(table)
    if (finished / "benchmarks").is_dir():
        table["measured"] = table.stage.map(_sum_hours(study, finished, projected == "gpu_hours"))
        table["ratio"] = table[projected] / table.measured
    return table


def _name_projected(table: pd.DataFrame) -> str:
    """The column of the projected hours."""
    return "gpu_hours" if "gpu_hours" in table else "hours"


def _sum_hours(study: Study, results: Path, of_gpus: bool) -> dict[str, float]:
    """The hours of each stage in the results of this study, over the jobs that have run; GPU hours
    are those of all GPUs that a job asked for.
    """
    measured = machines.read_seconds(results, study.device)
    seconds = measured.set_index(["rule", "name"]).seconds
    cluster, hours = study.cluster, dict[str, float]()
    for job in work.jobs(study):
        if (job.rule, job.name) in seconds.index:
            per_job = _count_gpus(job, cluster.gpu_memory_gb, cluster.gpus_per_node)
            gpus = per_job if of_gpus else 1
            stage = machines.stage(job)
            hours[stage] = hours.get(stage, 0.0) + gpus * seconds[job.rule, job.name] / 3600
    return hours


def _count_gpus(job: parts.Job, memory_gb: float, per_node: int) -> int:
    """GPUs of this memory that a job asks for on nodes of `per_node`; 0 if it runs no model."""
    return memory.gpus(job.needs, memory_gb, per_node) if job.passes else 0


def _sum_stages(rows: list[dict[str, object]]) -> pd.DataFrame:
    """One row for each stage; the hours of one are unknown if those of a job are."""
    table = pd.DataFrame(rows)
    by_stage = table.groupby("stage", sort=False)
    sums = by_stage.sum(numeric_only=True)
    hours = [name for name in ("hours", "low", "high") if name in table]
    sums[hours] = by_stage[hours].agg(lambda values: values.sum(skipna=False))
    if "gpus" in table:
        sums["gpus"] = by_stage.gpus.max()
    return sums.reset_index()


def total(table: pd.DataFrame) -> pd.DataFrame:
    """The table with a last row of sums over the stages with known times, and the ratio of the
    sums.
    """
    whole = table.dropna() if "measured" in table else table
    name = "total" if len(whole) == len(table) else "total of what was measured"
    sums = whole.drop(columns=["stage", "gpus", "ratio"], errors="ignore").sum().to_dict()
    if "measured" in table:
        sums["ratio"] = sums[_name_projected(table)] / sums["measured"]
    if "gpus" in table:
        sums["gpus"] = table.gpus.max()
    return pd.concat([table, pd.DataFrame([{"stage": name, **sums}])], ignore_index=True)


def main() -> None:
    """Print the table and write it to the results."""
    parser = argparse.ArgumentParser(prog="python -m prmscale.cost", description=__doc__)
    configuration.add_files(parser)
    parser.add_argument(
        "--gpu", default="h100", help="a GPU of workflow/prmscale/cost/gpus.csv, or core"
    )
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
    forms |= dict.fromkeys(("hours", "gpu_hours", "low", "high", "measured"), "{:.3g}")
    print(
        table.to_string(
            index=False,
            na_rep="-",
            formatters={k: f.format for k, f in forms.items() if k in table},
        )
    )


if __name__ == "__main__":
    main()
