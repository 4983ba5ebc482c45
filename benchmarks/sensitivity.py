"""Responses a second and peak memory of sketched activation patterns, against exact ones taken one by one.

Run as `python benchmarks/sensitivity.py MODEL [RESPONSES [TOKENS]]`: a causal language model's folder or hub name. The
baseline takes all gradients of a response by autograd, keeps them as the exact pattern, and is run on the first few
responses alone, because a pattern is as long as the model; on those, the sketch's error is told. Each runs in a process
of its own, on all cores, so that its peak memory is its own.
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

from prmscale.engines.sensitivity import Sensitivity
from prmscale.engines.transformers_likelihood import encode
from prmscale.study import Patterns, World
from prmscale.tasks.arithmetic import Arithmetic
from prmscale.tasks.base import Problem
from prmscale.tasks.programs import Programs

EXACT = 8  # responses of the baseline


def responses(count: int, tokens: int, folder: str) -> list[tuple[Problem, tuple[str, ...], bool]]:
    """Prompts of both generated domains, each with other problems' texts as a response of about so many tokens."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    made = []
    for task in (Arithmetic("arithmetic", World()), Programs("programs", World())):
        problems = task.load("test", (count + 1) // 2, 0)
        words = [p.prompt for p in problems]
        length = sum(len(tokenizer(text)["input_ids"]) for text in words) / len(words)
        steps = max(1, round(tokens / length))
        for n, problem in enumerate(problems):
            made.append((problem, tuple(words[(n + k) % len(words)] for k in range(1, steps + 1)), True))
    return made[:count]


def exact(folder: str, items: list[tuple[Problem, tuple[str, ...], bool]]) -> np.ndarray:
    """The exact patterns, of length one."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    rows = []
    for item in items:
        ids, _, start = encode(tokenizer, *item)
        logs = model(torch.tensor([ids])).logits[0, :-1].log_softmax(-1)
        likelihood = logs.gather(1, torch.tensor(ids[1:])[:, None])[start - 1 :].sum()
        gradients = torch.autograd.grad(likelihood, list(model.parameters()))
        pattern = torch.cat([(w.detach() * g).abs().flatten() for w, g in zip(model.parameters(), gradients)])  # noqa: B905
        rows.append((pattern / pattern.norm()).numpy())
    return np.stack(rows)


def work(kind: str, folder: str, count: int, tokens: int, output: str) -> None:
    """One of the two ways in this process: prints seconds and peak memory in GiB, keeps the first dot products."""
    items = responses(count, tokens, folder)
    started = time.perf_counter()
    if kind == "exact":
        found = exact(folder, items[:EXACT])
    else:
        found = Sensitivity(folder, "cpu", Patterns().sketch, 0).patterns(items)
    seconds = time.perf_counter() - started
    first = found[:EXACT]
    np.save(output, first @ first.T)
    print(seconds, len(found), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)


def main() -> None:
    """Print responses a second, peak memory, their ratios, and the error of the sketch's dot products."""
    folder, count, tokens = sys.argv[1], *(int(text) for text in [*sys.argv[2:], *["200", "200"][len(sys.argv) - 2 :]])
    speeds, peaks, dots = {}, {}, {}
    with tempfile.TemporaryDirectory() as scratch:
        for kind in ("exact", "sketch"):
            output = str(Path(scratch) / f"{kind}.npy")
            command = [sys.executable, __file__, kind, folder, str(count), str(tokens), output]
            seconds, done, peak = map(float, subprocess.check_output(command, text=True).split())
            speeds[kind], peaks[kind], dots[kind] = done / seconds, peak, np.load(output)
            print(f"{kind:7s} {int(done):4d} responses in {seconds:6.1f} s, {peak:.2f} GiB", flush=True)
    off = ~np.eye(len(dots["exact"]), dtype=bool)
    error = np.sqrt(np.mean((dots["sketch"] - dots["exact"])[off] ** 2))
    print(f"sketch of {Patterns().sketch} numbers: x{speeds['sketch'] / speeds['exact']:.2f} responses/s; rms error of")
    print(f"normalised dot products {error:.4f}, which are {dots['exact'][off].mean():.3f} on average")


if __name__ == "__main__":
    if sys.argv[1] in ("exact", "sketch"):
        work(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
    else:
        main()
