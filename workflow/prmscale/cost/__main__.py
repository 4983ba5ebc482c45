"""Print what a study would take: `python -m prmscale.cost [--gpu h100] config.yaml
workflow/studies/paper.yaml`.

Each file is laid over those before it, as Snakemake does. `--calibration results/smoke` tells times
from a finished study instead of a GPU's data sheet. Where the study itself has run, what it took
stands beside. The table is also written to results/STUDY/tables/cost.csv.
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


def gpus_of(study: Study, job: parts.Job, gpu_memory_gb: float) -> int:
    """GPUs that hold a job's models: weights and KV cache, and in training gradients and the
    optimiser's state.
    """
    needs: dict[int, memory.Need] = {}
    for each in job.passes:
        size = memory.Size(each.model.parameters, each.model.cached)
        if each.kind == "train":
            training = study.reward_training(job.name) if job.rule == "train_reward_model" else None
            adapters = training is not None and training.lora is not None
            need = memory.training(
                size, training.optimizer if training else "muon", adapters=adapters
            )
        elif each.kind == "write":
            need = memory.generating(
                size, each.dtype, each.batch, study.policies.sampling.max_tokens
            )
        else:
            need = memory.reading(size)
        known = needs.get(id(each.model), memory.Need())
        needs[id(each.model)] = max(known, need, key=lambda n: n.total)
    return memory.gpus(needs.values(), gpu_memory_gb)


def project(study: Study, gpu: machines.Gpu) -> pd.DataFrame:
    """One row a stage: jobs, most GPUs of one, GPU hours, tokens, FLOPs and GB stored."""
    rows = []
    for job in work.jobs(study):
        gpus = gpus_of(study, job, gpu.memory_gb) if job.passes else 0
        rows.append({**_facts(job), "gpus": gpus, "gpu_hours": gpu.seconds(job, gpus) / 3600})
    return _by_stage(rows, {"jobs": "sum", "gpus": "max", "gpu_hours": "sum"})


def calibrated(study: Study, results: Path) -> pd.DataFrame:
    """One row a stage: jobs, hours as the jobs of a finished study took, tokens, FLOPs and GB
    stored.
    """
    known = load([results / "config.yaml"])
    rates = machines.Measured.of(work.jobs(known), machines.measured_seconds(results, known.device))
    rows = [{**_facts(job), "hours": rates.seconds(job) / 3600} for job in work.jobs(study)]
    table = _by_stage(rows, {"jobs": "sum", "hours": lambda hours: hours.sum(skipna=False)})
    own = Path("results", study.study)
    if (own / "benchmarks").is_dir():
        took = (
            machines.measured_seconds(own, study.device).set_index(["rule", "name"]).seconds / 3600
        )
        jobs = [job for job in work.jobs(study) if (job.rule, job.name) in took.index]
        hours = (
            pd.Series([took[j.rule, j.name] for j in jobs])
            .groupby([machines.stage(j) for j in jobs])
            .sum()
        )
        table["measured"] = table.stage.map(hours)
        table["ratio"] = table.hours / table.measured
    return table


def _facts(job: parts.Job) -> dict[str, object]:
    return {
        "stage": machines.stage(job), "jobs": 1, "tokens": job.tokens, "flops": job.flops, "gb": job.stored / 1e9,
    }  # fmt: skip


def _by_stage(rows: list[dict[str, object]], how: dict[str, Any]) -> pd.DataFrame:
    every = {**how, "tokens": "sum", "flops": "sum", "gb": "sum"}
    return pd.DataFrame(rows).groupby("stage", sort=False).agg(every).reset_index()


def total(table: pd.DataFrame) -> pd.DataFrame:
    """The table with a last row of sums over the stages that are known; the ratio is that of the
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


def load(files: list[Path]) -> Study:
    """The study of these files, each laid over those before it; raises UserError where one is
    missing or faulty.
    """
    config: dict[str, Any] = {}
    for file in files:
        if not file.exists():
            raise UserError(f"{file}: no such file")
        _lay_over(config, configuration.read_yaml(file))
    return configuration.load(config, files)


def _lay_over(config: dict[str, Any], other: dict[str, Any]) -> None:
    """Merge keys as Snakemake does: blocks key by key, lists and values replaced."""
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(config.get(key), dict):
            _lay_over(config[key], value)
        else:
            config[key] = value


def main() -> None:
    """Print the table and keep it."""
    parser = argparse.ArgumentParser(prog="python -m prmscale.cost", description=__doc__)
    parser.add_argument(
        "files", nargs="+", type=Path, help="configuration files, each laid over those before it"
    )
    parser.add_argument("--gpu", default="h100", help="a GPU of workflow/prmscale/cost/gpus.csv")
    parser.add_argument(
        "--calibration", type=Path, help="results folder of a finished study to tell times from"
    )
    given = parser.parse_args()
    try:
        study = load(given.files)
        by = given.calibration
        table = total(calibrated(study, by) if by else project(study, machines.gpu(given.gpu)))
    except UserError as error:
        sys.exit(str(error))
    with atomic_write(Path("results", study.study, "tables/cost.csv")) as aside:
        table.to_csv(aside, index=False)
    print(f"{study.study}, times as {by} took:" if by else f"{study.study} on {given.gpu}:")
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
