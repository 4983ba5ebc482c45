"""Time and peak memory of sketched activation patterns, against exact ones taken one by one.

Run as `python benchmarks/sensitivity.py MODEL`, with a causal language model's folder or hub name.
The baseline computes all gradients of a response by autograd and keeps them as the exact pattern.
It is run on the first few responses only, because a pattern is as large as the model; the sketch's
error is measured on these. Each way runs in a separate process on all cores, so that its peak
memory can be measured; CPU time is reported because it does not depend on other work on the
machine.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from prmscale.engines.backends.sensitivity import Sensitivity
from prmscale.engines.backends.transformers_likelihood import encode
from prmscale.study import Patterns, World
from prmscale.tasks.base import Problem
from prmscale.tasks.world.arithmetic import Arithmetic
from prmscale.tasks.world.programs import Programs

RESPONSES, TOKENS = 200, 200
EXACT = 6  # responses of the baseline


def responses(folder: str) -> list[tuple[Problem, tuple[str, ...], bool]]:
    """Prompts of both generated domains; the responses are other problems' texts."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    made = []
    for task in (Arithmetic("arithmetic", World()), Programs("programs", World())):
        problems = task.load("test", RESPONSES // 2, 0)
        words = [p.prompt for p in problems]
        length = sum(len(tokenizer(text)["input_ids"]) for text in words) / len(words)
        steps = max(1, round(TOKENS / length))
        for n, problem in enumerate(problems):
            made.append(
                (problem, tuple(words[(n + k) % len(words)] for k in range(1, steps + 1)), True)
            )
    return made


def exact(folder: str, items: list[tuple[Problem, tuple[str, ...], bool]]) -> np.ndarray:
    """The exact patterns, normalized to length one."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    weights = list(model.parameters())
    found = np.empty((len(items), sum(w.numel() for w in weights)), dtype=np.float32)
    for row, item in enumerate(items):
        ids, _, start = encode(tokenizer, *item)
        logs = model(torch.tensor([ids])).logits[0, :-1].log_softmax(-1)
        likelihood = logs.gather(1, torch.tensor(ids[1:])[:, None])[start - 1 :].sum()
        gradients = torch.autograd.grad(likelihood, weights)
        pairs = zip(weights, gradients, strict=True)
        pattern = torch.cat([(weight.detach() * g).abs().flatten() for weight, g in pairs])
        found[row] = pattern / torch.linalg.vector_norm(pattern, dtype=torch.float64).float()
    return found


def work(kind: str, folder: str, output: str) -> None:
    """Run one of the two ways in this process.

    Prints seconds, CPU seconds, the number of responses and peak memory in GiB.
    """
    items = responses(folder)
    started, before = time.perf_counter(), time.process_time()
    if kind == "exact":
        found = exact(folder, items[:EXACT])
    else:
        found = Sensitivity(folder, "cpu", Patterns().sketch, 0).patterns(items)
    seconds, cpu = time.perf_counter() - started, time.process_time() - before
    # in float64 and in parts: a float32 sum of this many small terms would lose precision
    parts = np.array_split(found[:EXACT], 64, axis=1)
    np.save(output, sum(part.astype(float) @ part.astype(float).T for part in parts))
    print(seconds, cpu, len(found), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)


def main() -> None:
    """Print time and peak memory of both, the ratio, and the error of the sketch's dot products."""
    folder = sys.argv[1]
    each, dots = {}, {}
    with tempfile.TemporaryDirectory() as scratch:
        for kind in ("exact", "sketch"):
            output = str(Path(scratch) / f"{kind}.npy")
            command = [sys.executable, __file__, kind, folder, output]
            seconds, cpu, done, peak = map(
                float, subprocess.check_output(command, text=True).split()
            )
            each[kind], dots[kind] = cpu / done, np.load(output)
            summary = (
                f"{int(done):4d} responses in {seconds:6.1f} s ({cpu:.1f} s of CPU), {peak:.2f} GiB"
            )
            print(f"{kind:7s} {summary}", flush=True)
    off = ~np.eye(len(dots["exact"]), dtype=bool)
    error = np.sqrt(np.mean((dots["sketch"] - dots["exact"])[off] ** 2))
    print(
        f"CPU time of a sketch of {Patterns().sketch} numbers: "
        f"x{each['sketch'] / each['exact']:.2f}; rms error of its"
    )
    print(
        f"normalised dot products {error:.4f}, which are {dots['exact'][off].mean():.3f} on average"
    )


if __name__ == "__main__":
    if sys.argv[1] in ("exact", "sketch"):
        work(*sys.argv[1:])
    else:
        main()
