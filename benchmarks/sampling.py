"""Samples per second of our engine against transformers' `generate`, in one batch and in a loop.

Run as `python benchmarks/sampling.py`. The model is small and its weights are random, so that it
ends no solution: all three sample the same number of tokens from the same prompts on one thread.
"""

import tempfile
import time

import fresh
import torch

from prmscale.engines.backends.loading import Weights
from prmscale.engines.backends.transformers_policy import TransformersPolicy
from prmscale.engines.requests import Extension
from prmscale.study import Prompting, Sampling, World
from prmscale.tasks.steps import encode
from prmscale.tasks.world.arithmetic import Arithmetic

PROBLEMS, SAMPLES, TOKENS = 16, 32, 64


OPTIONS = {
    "do_sample": True,
    "temperature": 0.8,
    "top_k": 0,
    "max_new_tokens": TOKENS,
    "min_new_tokens": TOKENS,
}


def measure(work) -> float:
    """Wall time of a call, after a warm-up call."""
    work()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def generate_one_by_one(policy: TransformersPolicy, prompts: list[torch.Tensor]) -> None:
    """A baseline: `generate` for one prompt at a time."""
    for prompt in prompts:
        policy.model.generate(prompt, num_return_sequences=SAMPLES, **OPTIONS)


def generate_one_batch(policy: TransformersPolicy, prompts: list[torch.Tensor]) -> None:
    """A baseline: `generate` for all left-padded prompts, repeated for each sample."""
    longest = max(prompt.shape[1] for prompt in prompts)
    ids, attended = [], []
    for prompt in prompts:
        padding = (longest - prompt.shape[1], 0)
        ids.append(torch.nn.functional.pad(prompt, padding))
        attended.append(torch.nn.functional.pad(torch.ones_like(prompt), padding))
    mask = torch.cat(attended).repeat(SAMPLES, 1)
    policy.model.generate(torch.cat(ids).repeat(SAMPLES, 1), attention_mask=mask, **OPTIONS)


def main() -> None:
    """Print samples per second and the ratios."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        folder = fresh.policy(scratch, tokens=0)
        settings = Sampling(max_tokens=TOKENS)
        policy = TransformersPolicy("m", Weights(folder), Prompting(), settings, "cpu", seed=0)
    problems = Arithmetic("arithmetic", World()).load("test", PROBLEMS, 0)
    prompts = [torch.tensor([encode(policy.tokenizer, p.prompt, ())[0]]) for p in problems]
    extensions = [Extension(p, (), SAMPLES, 0, "end") for p in problems]
    count = PROBLEMS * SAMPLES
    print(f"{count} samples of {TOKENS} tokens, one thread; ratio against generate in one batch")
    baseline = 0.0
    for name, work in (
        ("generate, one batch", lambda: generate_one_batch(policy, prompts)),
        ("generate, one prompt at a time", lambda: generate_one_by_one(policy, prompts)),
        ("prmscale", lambda: policy.extend(extensions)),
    ):
        seconds = measure(work)
        baseline = baseline or seconds
        print(f"{name:32s} {count / seconds:8.1f} samples/s   x{baseline / seconds:.2f}")


if __name__ == "__main__":
    main()
