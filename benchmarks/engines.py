"""Tokens a second of the vLLM engine against the transformers engine, and how many of their answers
are right.

Run as `.venv-vllm/bin/python benchmarks/engines.py MODEL`: a chat model's folder or hub name (`make
vllm` sets up that environment). Both engines write solutions of up to 32 tokens to sums, on GPUs
(bfloat16) or cores (float32): one to each of several, or several to each of a few, which share a
prefix. The engines take turns, so that other work on the machine meets both; the transformers
engine in the same round is the baseline.
"""

import re
import sys
import time
from collections import defaultdict
from statistics import median

import torch

from prmscale.engines.backends.loading import Weights
from prmscale.engines.models import load_policy
from prmscale.engines.policy import Extension, SamplingPolicy
from prmscale.study import Prompting, Sampling
from prmscale.tasks.base import Problem

CASES = ((1, 1), (16, 1), (8, 4))  # problems, samples of each
ENGINES, ROUNDS, TOKENS = ("transformers", "vllm"), 2, 32


def problems(count: int) -> list[Problem]:
    """Sums of two numbers, in words."""
    made = []
    for i in range(count):
        text = f"Tom has {i % 9 + 2} apples and buys {i // 9 % 9 + 3} more. How many apples does he have now?"
        answer = str(i % 9 + 2 + i // 9 % 9 + 3)
        made.append(
            Problem(f"sums/test/{i:05d}", "math", "test", text, answer, None, 1, "sums", "none")
        )
    return made


def load(engine: str) -> SamplingPolicy:
    """The model on an engine, warm."""
    settings = Sampling(
        engine=engine, max_tokens=TOKENS, batch=max(p * s for p, s in CASES), temperature=0.6
    )
    gpu = torch.cuda.is_available()
    weights = Weights(sys.argv[1], "bfloat16" if gpu else "float32")
    policy = load_policy(
        "model",
        weights,
        Prompting(style="chat"),
        settings,
        "cuda" if gpu else "cpu",
        int(gpu),
        seed=0,
    )
    policy.extend([Extension(p, (), 1, 0, "end") for p in problems(4)])
    return policy


def main() -> None:
    """Print tokens a second in each case, their ratio, and the share of right answers."""
    policies = {engine: load(engine) for engine in ENGINES}
    speeds: dict[tuple[int, int], list[list[float]]] = defaultdict(list)
    right = dict.fromkeys(ENGINES, 0)
    for turn in range(ROUNDS):
        for case in CASES:
            asked, found = problems(case[0]), []
            for engine, policy in policies.items():
                policy.forget()
                started = time.perf_counter()
                replies = policy.extend(
                    [Extension(p, (), case[1], turn * case[1], "end") for p in asked]
                )
                found.append(
                    sum(c.tokens for reply in replies for c in reply)
                    / (time.perf_counter() - started)
                )
                right[engine] += sum(
                    bool(re.search(rf"\b{p.answer}\b", " ".join(c.steps)))
                    for p, reply in zip(asked, replies, strict=True)
                    for c in reply
                )
            speeds[case].append(found)
    print(
        f"{torch.get_num_threads()} threads, {TOKENS} tokens, median of {ROUNDS} rounds: tokens/s, "
        "and their ratio"
    )
    for (count, samples), found in speeds.items():
        ratios = [theirs / ours for ours, theirs in found]
        ours, theirs = (median(column) for column in zip(*found, strict=True))
        print(
            f"{count:4d} problems x {samples:2d}   transformers {ours:7.1f}   vllm {theirs:7.1f}   "
            f"x{median(ratios):.2f} [{min(ratios):.2f}, {max(ratios):.2f}]"
        )
    print(
        "right of",
        ROUNDS * sum(p * s for p, s in CASES),
        *(f"{name} {count}" for name, count in right.items()),
    )


if __name__ == "__main__":
    main()
