"""Tokens per second of the vLLM engine against the transformers engine, and their right answers.

Run as `.venv-vllm/bin/python benchmarks/engines.py MODEL`, with a chat model's folder or hub name
(`make vllm` sets up that environment). Both engines write solutions of up to 32 tokens to sums, in
the number format that suits the device: one to each of several sums, or several, which share a
prefix, to each of a few. The engines take turns, so that other work on the machine affects both; in
each round the transformers engine is the baseline.
"""

import re
import sys
import time
from collections import defaultdict
from statistics import median

import torch

from prmscale.engines.backends.loading import Weights
from prmscale.engines.models import Device, load_policy
from prmscale.engines.policy import SamplingPolicy
from prmscale.engines.requests import Extension
from prmscale.study import Prompting, Sampling
from prmscale.tasks.base import Problem

CASES = ((1, 1), (16, 1), (64, 1), (256, 1), (8, 4))  # problems, samples of each
ENGINES, ROUNDS, TOKENS = ("transformers", "vllm"), 3, 32


def problems(count: int) -> list[Problem]:
    """Sums of two numbers, in words."""
    made = []
    for i in range(count):
        first, second = i % 9 + 2, i // 9 % 9 + 3
        text = f"Tom has {first} apples and buys {second} more. How many apples does he have now?"
        answer = str(first + second)
        made.append(
            Problem(f"sums/test/{i:05d}", "math", "test", text, answer, None, 1, "sums", "none")
        )
    return made


def load(engine: str) -> SamplingPolicy:
    """The model on an engine, warmed up."""
    settings = Sampling(
        engine=engine, max_tokens=TOKENS, batch=max(p * s for p, s in CASES), temperature=0.6
    )
    device = Device("cuda", 1) if torch.cuda.is_available() else Device()
    policy = load_policy(
        "model", Weights(sys.argv[1], "auto"), Prompting(style="chat"), settings, device, seed=0
    )
    policy.extend([Extension(p, (), 1, 0, "end") for p in problems(4)])
    return policy


def measure(policy: SamplingPolicy, case: tuple[int, int], turn: int) -> tuple[float, int]:
    """Tokens per second of an engine in a case, and the number of right answers."""
    count, samples = case
    asked = problems(count)
    policy.forget()
    started = time.perf_counter()
    replies = policy.extend([Extension(p, (), samples, turn * samples, "end") for p in asked])
    seconds = time.perf_counter() - started
    tokens = right = 0
    for problem, reply in zip(asked, replies, strict=True):
        answer = re.compile(rf"\b{problem.answer}\b")
        for solution in reply:
            tokens += solution.tokens
            right += bool(answer.search(" ".join(solution.steps)))
    return tokens / seconds, right


def main() -> None:
    """Print tokens per second in each case, their ratio, and the share of right answers."""
    policies = {engine: load(engine) for engine in ENGINES}
    speeds: dict[tuple[int, int], list[list[float]]] = defaultdict(list)
    right = dict.fromkeys(ENGINES, 0)
    for turn in range(ROUNDS):
        for case in CASES:
            round_speeds = []
            for engine, policy in policies.items():
                speed, correct = measure(policy, case, turn)
                round_speeds.append(speed)
                right[engine] += correct
            speeds[case].append(round_speeds)
    print(
        f"{torch.get_num_threads()} threads, {TOKENS} tokens, median of {ROUNDS} rounds: tokens/s, "
        "and their ratio"
    )
    for (count, samples), rounds in speeds.items():
        ratios = [vllm / baseline for baseline, vllm in rounds]
        baseline, vllm = (median(column) for column in zip(*rounds, strict=True))
        print(
            f"{count:4d} problems x {samples:2d}   transformers {baseline:7.1f}   "
            f"vllm {vllm:7.1f}   x{median(ratios):.2f} [{min(ratios):.2f}, {max(ratios):.2f}]"
        )
    total = ROUNDS * sum(p * s for p, s in CASES)
    print("right of", total, *(f"{name} {count}" for name, count in right.items()))


if __name__ == "__main__":
    main()
