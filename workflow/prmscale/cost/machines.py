"""How long work takes: on a GPU by its data sheet and shares of it that are usual, or as a finished
study's jobs took.

A GPU reads and trains at a share of its peak FLOP/s, and writes at whichever is slower: that, or
moving the weights (once for the whole batch) and each sequence's KV cache through its memory (the
roofline of Williams et al. 2009).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import nnls

from prmscale.cost.parts import Job, Pass
from prmscale.engines.memory import BYTES
from prmscale.errors import UserError

# shares of the peak. Trainings of large models reach .38 to .43 (Llama 3, arXiv 2407.21783) and .46
# (PaLM, 2204.02311); here batches are smaller and padded. Reading needs no second pass and no
# optimiser, but is padded likewise
OF_PEAK = {"train": 0.35, "read": 0.4, "write": 0.4}
OF_BANDWIDTH = 0.6  # short reads, and the time between kernels
# seconds that a layer takes at least for a new token: kernels launched one by one by transformers
PER_LAYER = 0.0009
START = 120.0  # seconds until a job has its model, beside reading the weights
DISK = 1e9  # bytes of weights read a second
# seconds to judge a model-written program in the sandbox (107 to 142 a second were measured)
PROGRAM = 0.01


@dataclass(frozen=True)
class Gpu:
    """One GPU by its data sheet: FLOP/s by number format, bytes a second."""

    name: str
    memory_gb: float
    bandwidth: float
    peak: dict[str, float]

    def busy(self, work: Pass) -> float:
        """GPU seconds of a model's work; several GPUs share it evenly."""
        compute = work.flops / (self.peak[work.dtype] * OF_PEAK[work.kind])
        if work.kind != "write":
            return compute
        bytes_ = BYTES[work.dtype] * (
            work.model.parameters / work.batch + work.model.cached * work.context
        )
        moved = work.tokens * bytes_ / (self.bandwidth * OF_BANDWIDTH)
        launched = work.tokens * work.model.shape.layers * PER_LAYER / work.batch
        return max(compute, moved, launched)

    def seconds(self, job: Job, gpus: int) -> float:
        """GPU seconds of a job on so many GPUs, which all wait while it starts and while programs
        are judged.
        """
        weights = sum(
            {id(p.model): BYTES[p.dtype] * p.model.parameters for p in job.passes}.values()
        )
        waiting = START + weights / DISK + PROGRAM * job.programs
        return sum(map(self.busy, job.passes)) + gpus * waiting if job.passes else 0.0


def gpu(name: str) -> Gpu:
    """The GPU of this name in gpus.csv; raises UserError with the names there are."""
    table = pd.read_csv(Path(__file__).with_name("gpus.csv")).set_index("name")
    if name not in table.index:
        raise UserError(
            f"--gpu {name}: not in {Path(__file__).with_name('gpus.csv')}; possible: "
            f"{', '.join(table.index)}"
        )
    row = table.loc[name]
    half = 1e12 * row.tflops_bfloat16
    peak = {"bfloat16": half, "float16": half, "float32": 1e12 * row.tflops_float32}
    return Gpu(name, float(row.memory_gb), 1e12 * row.bandwidth_tb_s, peak)


@dataclass(frozen=True)
class Measured:
    """How long the jobs of a finished study took: by rule, seconds a job, a token and a FLOP (none
    is negative).
    """

    rates: dict[str, np.ndarray]

    @classmethod
    def of(cls, jobs: Sequence[Job], seconds: pd.DataFrame) -> Measured:
        """Fitted by least squares to the jobs of that study and what they took (rule, name,
        seconds).
        """
        took = seconds.set_index(["rule", "name"]).seconds
        rates = {}
        for rule in dict.fromkeys(map(stage, jobs)):
            own = [job for job in jobs if stage(job) == rule and (job.rule, job.name) in took.index]
            if own:
                known = np.array([took[job.rule, job.name] for job in own])
                features, scale = _features(own), _features(own).max(axis=0)
                scale[scale == 0] = 1
                # each job's error counts relative to what it took, so that the short ones are heard
                rates[rule] = nnls(features / scale / known[:, None], np.ones(len(own)))[0] / scale
        return cls(rates)

    def seconds(self, job: Job) -> float:
        """Seconds that a job takes; NaN for a rule that the finished study had no job of."""
        rates = self.rates.get(stage(job))
        return float(_features([job])[0] @ rates) if rates is not None else float("nan")


def stage(job: Job) -> str:
    """The stage a job is counted in: its rule, and apart from it the jobs that run no model."""
    return job.rule if job.passes else f"{job.rule} (no model)"


def _features(jobs: Sequence[Job]) -> np.ndarray:
    """Columns: one, tokens, FLOPs."""
    return np.array([[1.0, job.tokens, job.flops] for job in jobs])


def measured_seconds(results: str | Path, device: str) -> pd.DataFrame:
    """rule, name and seconds of every job of a finished study, from its benchmarks; CPU seconds
    where it ran on CPUs.

    Those do not depend on what else the machine did.
    """
    root = Path(results, "benchmarks")
    rows = []
    for path in sorted(root.rglob("*.tsv")):
        table = pd.read_csv(path, sep="\t", na_values="-")
        rule, _, name = str(path.relative_to(root).with_suffix("")).partition("/")
        rows.append(
            {
                "rule": rule,
                "name": name,
                "seconds": table["cpu_time" if device == "cpu" else "s"].sum(),
            }
        )
    if not rows:
        raise UserError(
            f"{root}: no benchmarks of a finished study; give the results folder of one that has "
            "run"
        )
    return pd.DataFrame(rows)
