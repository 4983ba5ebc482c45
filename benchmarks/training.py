"""Tokens a second of pre-training as the pipeline does it, against what else one could do on the
same machine.

Run as `python benchmarks/training.py`. The baseline is one job on one thread. Beside it: torch's
own Muon, the model through torch.compile (its compilation is told apart; it needs a C++ compiler),
one job on two threads, and two jobs of one thread side by side, as the pipeline runs them.
"""

import shutil
import subprocess
import sys
import time

import torch

from prmscale.engines.backends.transformers_scorer import pad
from prmscale.policies.muon import optimizers
from prmscale.policies.pretrain import IGNORED, bucketed, build, encode
from prmscale.study import LadderModel, World
from prmscale.tasks.world.corpus import build_tokenizer, corpus

STEPS, WARM = 40, 5


def torch_muon(model: torch.nn.Module) -> list[torch.optim.Optimizer]:
    """The same split of the parameters, with torch's Muon."""
    inner = [p for name, p in model.named_parameters() if ".layers." in name and p.ndim == 2]
    rest = [p for name, p in model.named_parameters() if not (".layers." in name and p.ndim == 2)]
    return [torch.optim.AdamW(rest, lr=0.005), torch.optim.Muon(inner, lr=0.005)]


def measure(variant: str, threads: int) -> tuple[float, float]:
    """(tokens a second, seconds of the first steps) of a 305k-parameter model on real documents of
    the world.
    """
    torch.set_num_threads(threads)
    tokenizer = build_tokenizer(World())
    documents = encode(tokenizer, list(corpus(World(), 120_000, 0, 0.7)))
    model = build(LadderModel(name="m", width=64, layers=6, heads=4), tokenizer, 0)
    run = torch.compile(model, dynamic=True) if variant == "compile" else model
    optimisers = torch_muon(model) if variant == "torch muon" else optimizers(model, 0.005, "muon")
    marks, tokens = [time.perf_counter()], 0
    for step, batch in enumerate(
        bucketed([len(ids) for ids, _ in documents], 32, 0)[: STEPS + WARM]
    ):
        chosen = [documents[i] for i in batch]
        targets = pad([[IGNORED] * start + ids[start:] for ids, start in chosen], IGNORED)
        logits = run(input_ids=pad([ids for ids, _ in chosen], 0)).logits
        torch.nn.functional.cross_entropy(
            logits[:, :-1].flatten(0, 1), targets[:, 1:].flatten()
        ).backward()
        for optimiser in optimisers:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        if step < WARM:
            marks[1:] = [time.perf_counter()]
        else:
            tokens += sum(len(ids) for ids, _ in chosen)
    return tokens / (time.perf_counter() - marks[1]), marks[1] - marks[0]


def side_by_side() -> float:
    """Tokens a second of two one-thread processes together."""
    command = [sys.executable, __file__, "worker"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    return sum(float(process.communicate()[0]) for process in both)


def main() -> None:
    """Print tokens a second and the ratio to the baseline."""
    base, _ = measure("ours", 1)
    print(f"one job, one thread (baseline)   {base:8.0f} tokens/s   1.00")
    rows = {"torch's Muon": lambda: measure("torch muon", 1)}
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
