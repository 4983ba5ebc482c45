"""Tokens per second of pre-training as in the pipeline, against alternatives on the same machine.

Run as `python benchmarks/training.py`. The baseline is one job on one thread. The alternatives:
torch.optim.Muon, torch.compile (compilation is timed separately; it needs a C++ compiler), one job
on two threads, and two jobs of one thread in parallel, which is how the pipeline runs them.
"""

import shutil
import subprocess
import sys
import time

import torch

from prmscale.policies.muon import optimizers
from prmscale.policies.pretrain import bucket, build, encode, solution_loss
from prmscale.study import LadderModel, World
from prmscale.tasks.world.corpus import build_tokenizer, corpus

STEPS, WARM = 40, 5


def torch_muon(model: torch.nn.Module) -> list[torch.optim.Optimizer]:
    """The same split of the parameters, with torch.optim.Muon."""
    matrices, rest = [], []
    for name, parameter in model.named_parameters():
        by_muon = ".layers." in name and parameter.ndim == 2
        (matrices if by_muon else rest).append(parameter)
    return [torch.optim.AdamW(rest, lr=0.005), torch.optim.Muon(matrices, lr=0.005)]


def measure(variant: str, threads: int) -> tuple[float, float]:
    """(tokens per second, seconds of the first steps) of a 305k-parameter model on the world."""
    torch.set_num_threads(threads)
    tokenizer = build_tokenizer(World())
    documents = encode(tokenizer, list(corpus(World(), 120_000, 0, 0.7)))
    model = build(LadderModel(name="m", width=64, layers=6, heads=4), tokenizer, 0)
    run = torch.compile(model, dynamic=True) if variant == "compile" else model
    optimisers = torch_muon(model) if variant == "torch muon" else optimizers(model, 0.005, "muon")
    marks, tokens = [time.perf_counter()], 0
    batches = bucket([len(ids) for ids, _ in documents], 32, 0)
    for step, batch in enumerate(batches[: STEPS + WARM]):
        chosen = [documents[i] for i in batch]
        solution_loss(run, chosen).backward()
        for optimiser in optimisers:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        if step < WARM:
            marks[1:] = [time.perf_counter()]
        else:
            tokens += sum(len(ids) for ids, _ in chosen)
    return tokens / (time.perf_counter() - marks[1]), marks[1] - marks[0]


def side_by_side() -> float:
    """Tokens per second of two one-thread processes together."""
    command = [sys.executable, __file__, "worker"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    return sum(float(process.communicate()[0]) for process in both)


def main() -> None:
    """Print tokens per second and the ratio to the baseline."""
    base, _ = measure("ours", 1)
    print(f"one job, one thread (baseline)   {base:8.0f} tokens/s   1.00")
    rows = {"torch.optim.Muon": lambda: measure("torch muon", 1)}
    if shutil.which("g++"):
        rows["torch.compile"] = lambda: measure("compile", 1)
    rows["one job, two threads"] = lambda: measure("ours", 2)
    for name, work in rows.items():
        speed, start = work()
        print(
            f"{name:32s} {speed:8.0f} tokens/s   {speed / base:.2f}   first {WARM} steps "
            f"{start:.0f} s"
        )
    speed = side_by_side()
    print(f"{'two jobs, one thread each':32s} {speed:8.0f} tokens/s   {speed / base:.2f}")


if __name__ == "__main__":
    if sys.argv[1:] == ["worker"]:
        print(measure("ours", 1)[0])
    else:
        main()
