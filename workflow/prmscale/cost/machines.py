"""How long work takes: on a GPU or a CPU core, by usual shares of its data sheet, or at the speed
of a finished study.

A GPU reads and trains at a share of its peak FLOP/s. It writes at the slower of this rate and that
of moving the weights (once for the whole batch) and the KV cache of each sequence through its
memory (the roofline of Williams et al. 2009).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from prmscale import stages
from prmscale.cost.parts import Job, Pass
from prmscale.engines.memory import BYTES
from prmscale.errors import UserError


class Case(NamedTuple):
    """What a projection assumes: the shares of a machine's peak FLOP/s that each kind of work
    reaches, the share of its bandwidth, and the length of solutions as a multiple of `cost`.
    """

    of_peak: dict[str, float]
    of_bandwidth: float
    lengths: float


# Trainings of large models reach .38 to .43 of the peak (Llama 3, arXiv 2407.21783) and .46 (PaLM,
# 2204.02311); batches here are smaller and padded. Reading needs no backward pass and no optimiser,
# but is padded too. Reads of memory are short, and kernels have pauses between them.
EXPECTED = Case({"train": 0.35, "read": 0.4, "write": 0.4}, 0.6, lengths=1.0)
# the ends of the range: in training the best that is reported and else about one and a half times
# of what is expected (assumed), and about half of it; solutions half and twice as long, in as many
# fewer or more steps
LOW = Case({"train": 0.46, "read": 0.6, "write": 0.6}, 0.85, lengths=0.5)
HIGH = Case({"train": 0.2, "read": 0.2, "write": 0.2}, 0.3, lengths=2.0)
# least seconds of a layer for a new token: transformers launches kernels one by one
PER_LAYER = 0.0009
# least seconds of a layer for an update: forward, backward and the optimiser's kernels (assumed)
PER_UPDATE = 0.004
# seconds until a job without vLLM starts to work on a GPU: Python, torch and CUDA (assumed)
QUICK_START = 20.0
DISK = 1e9  # bytes of weights read a second
# seconds to judge a model-written program in the sandbox (107 to 142 a second were measured)
PROGRAM = 0.01


@dataclass(frozen=True)
class Gpu:
    """The data sheet of a GPU, or of a CPU core: bandwidth in bytes a second, peak FLOP/s by number
    format, and seconds until a job starts to work, without reading the weights.
    """

    name: str
    device: str
    memory_gb: float
    bandwidth: float
    peak: dict[str, float]
    start: float

    def busy_seconds(self, work: Pass, case: Case = EXPECTED) -> float:
        """GPU seconds of a model's work, which several GPUs share evenly."""
        compute = work.flops / (self.peak[work.dtype] * case.of_peak[work.kind])
        if work.kind != "write":
            on_gpu = self.device == "cuda"
            launched = work.updates * work.model.shape.layers * PER_UPDATE if on_gpu else 0.0
            return max(compute, launched)
        bytes_ = BYTES[work.dtype] * (
            work.model.parameters / work.batch + work.model.cached * work.context
        )
        moved = work.tokens * bytes_ / (self.bandwidth * case.of_bandwidth)
        launched = work.tokens * work.model.shape.layers * PER_LAYER / work.batch
        return max(compute, moved, launched)

    def seconds(self, job: Job, gpus: int, case: Case = EXPECTED) -> float:
        """GPU seconds of a job on `gpus` GPUs, which all wait while the job starts and while it
        judges programs.
        """
        weights = sum(
            {id(p.model): BYTES[p.dtype] * p.model.parameters for p in job.passes}.values()
        )
        waiting = self.start + weights / DISK + PROGRAM * job.programs
        busy = sum(self.busy_seconds(work, case) for work in job.passes)
        return busy + gpus * waiting if job.passes else 0.0


def gpu(name: str) -> Gpu:
    """The GPU of this name in gpus.csv. Raises UserError with the known names."""
    table = pd.read_csv(Path(__file__).with_name("gpus.csv")).set_index("name")
    if name not in table.index:
        raise UserError(
            f"--gpu {name}: not in {Path(__file__).with_name('gpus.csv')}; possible: "
            f"{', '.join(table.index)}"
        )
    row = table.loc[name]
    half = 1e12 * row.tflops_bfloat16
    peak = {"bfloat16": half, "float16": half, "float32": 1e12 * row.tflops_float32}
    bandwidth, start = 1e12 * row.bandwidth_tb_s, float(row.start_s)
    return Gpu(name, row.device, float(row.memory_gb), bandwidth, peak, start)


@dataclass(frozen=True)
class Measured:
    """The speed of a finished study: for each stage, seconds a job, a token and a FLOP, none of
    them negative.
    """

    rates: dict[str, np.ndarray]

    @classmethod
    def fit(cls, jobs: Sequence[Job], seconds: pd.DataFrame) -> Measured:
        """The rates that fit the jobs of the finished study and their times (rule, name, seconds)
        best, by non-negative least squares.
        """
        from scipy.optimize import nnls  # slow, and only a finished study is fitted

        took = seconds.set_index(["rule", "name"]).seconds
        rates = {}
        for rule in dict.fromkeys(map(stage, jobs)):
            done = [
                job for job in jobs if stage(job) == rule and (job.rule, job.name) in took.index
            ]
            if done:
                known = np.array([took[job.rule, job.name] for job in done])
                features, scale = _features(done), _features(done).max(axis=0)
                scale[scale == 0] = 1
                # errors are relative to each job's time, so that short jobs count too
                rates[rule] = nnls(features / scale / known[:, None], np.ones(len(done)))[0] / scale
        return cls(rates)

    def seconds(self, job: Job) -> float:
        """Seconds that a job takes; NaN if the finished study has no job of its stage."""
        rates = self.rates.get(stage(job))
        return float(_features([job])[0] @ rates) if rates is not None else float("nan")


def stage(job: Job) -> str:
    """The stage in which a job is counted: its rule; jobs that run no model have stages apart."""
    return job.rule if job.passes else f"{job.rule} (no model)"


def _features(jobs: Sequence[Job]) -> np.ndarray:
    """Columns: 1, tokens, FLOPs."""
    return np.array([[1.0, job.tokens, job.flops] for job in jobs])


def read_seconds(results: str | Path, device: str) -> pd.DataFrame:
    """`rule`, `name` and `seconds` of every job of a finished study, from its benchmarks; jobs
    that share a table are one.

    The seconds of a study on CPUs are CPU seconds, which do not depend on the machine's other work.
    Raises UserError if there are no benchmarks.
    """
    root = Path(results, "benchmarks")
    rows = []
    for path in sorted(root.rglob("*.tsv")):
        table = pd.read_csv(path, sep="\t", na_values="-")
        rule, name, _ = stages.read_name(path, results)
        seconds = table["cpu_time" if device == "cpu" else "s"].sum()
        rows.append({"rule": rule, "name": name, "seconds": seconds})
    if not rows:
        raise UserError(f"{root}: no benchmarks found; give the results folder of a finished study")
    return pd.DataFrame(rows).groupby(["rule", "name"], as_index=False).sum()
