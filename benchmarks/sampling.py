"""Samples a second of our engine against transformers' `generate` and against a loop over prompts.

Run as `python benchmarks/sampling.py [FOLDER]`: any causal language model's folder; without one a
fresh 300k-parameter model of the ladder is used. All three sample the same number of tokens from
the same prompts on one thread.
"""

import sys
import tempfile
import time

import fresh
import torch

from prmscale.engines.backends.loading import Weights
from prmscale.engines.backends.transformers_policy import TransformersPolicy
from prmscale.engines.policy import Extension
from prmscale.study import Prompting, Sampling, World
from prmscale.tasks import steps
from prmscale.tasks.world.arithmetic import Arithmetic

PROBLEMS, SAMPLES, TOKENS = 16, 32, 64


def seconds(work) -> float:
    """Wall time of a call, after one to warm up."""
    work()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    """Print samples a second and the ratios."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        folder = sys.argv[1] if len(sys.argv) > 1 else fresh.policy(scratch)
        policy = TransformersPolicy(
            "m", Weights(folder), Prompting(), Sampling(max_tokens=TOKENS), "cpu", seed=0
        )
    problems = Arithmetic("arithmetic", World()).load("test", PROBLEMS, 0)
    prompts = [torch.tensor([steps.encode(policy.tokenizer, p.prompt, ())[0]]) for p in problems]
    options = {
        "do_sample": True,
        "temperature": 0.8,
        "top_k": 0,
        "max_new_tokens": TOKENS,
        "min_new_tokens": TOKENS,
    }

    def ours():
        policy.extend([Extension(p, (), SAMPLES, 0, "end") for p in problems])

    def one_prompt_at_a_time():
        for prompt in prompts:
            policy.model.generate(prompt, num_return_sequences=SAMPLES, **options)

    def one_batch():
        longest = max(p.shape[1] for p in prompts)
        padded = [torch.nn.functional.pad(p, (longest - p.shape[1], 0)) for p in prompts]
        mask = [
            torch.nn.functional.pad(torch.ones_like(p), (longest - p.shape[1], 0)) for p in prompts
        ]
        ids, attended = torch.cat(padded).repeat(SAMPLES, 1), torch.cat(mask).repeat(SAMPLES, 1)
        policy.model.generate(ids, attention_mask=attended, **options)

    base = seconds(one_batch)
    print(
        f"{PROBLEMS * SAMPLES} samples of {TOKENS} tokens, one thread; ratio against generate in "
        "one batch"
    )
    for name, taken in (
        ("generate, one batch", base),
        ("generate, one prompt at a time", seconds(one_prompt_at_a_time)),
        ("prmscale", seconds(ours)),
    ):
        print(f"{name:32s} {PROBLEMS * SAMPLES / taken:8.1f} samples/s   x{base / taken:.2f}")


if __name__ == "__main__":
    main()
