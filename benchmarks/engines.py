"""Tokens a second of the vLLM engine against the transformers engine, and how many of their answers are right.

Run as `.venv-vllm/bin/python benchmarks/engines.py MODEL`: a chat model's folder or hub name (`make vllm` sets up that
environment). Both engines write one solution of up to 64 tokens to each of 1 to 256 sums, in bfloat16 on the cores or
GPUs there are; the transformers engine at the same batch is the baseline.
"""

import re
import sys
import time

import torch

from prmscale.engines.policy import Extension
from prmscale.policies.engine import load_policy
from prmscale.study import Prompting, Sampling
from prmscale.tasks.base import Problem

BATCHES, TOKENS = (1, 16, 64, 256), 64


def problems(count: int) -> list[Problem]:
    """Sums of two numbers, in words."""
    made = []
    for i in range(count):
        text = f"Tom has {i % 9 + 2} apples and buys {i // 9 % 9 + 3} more. How many apples does he have now?"
        answer = str(i % 9 + 2 + i // 9 % 9 + 3)
        made.append(Problem(f"sums/test/{i:05d}", "math", "test", text, answer, None, 1, "sums", "none"))
    return made


def main() -> None:
    """Print tokens a second at each batch, their ratio, and the share of right answers at the largest."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    speeds: dict[str, list[float]] = {}
    right: dict[str, int] = {}
    for engine in ("transformers", "vllm"):
        settings = Sampling(engine=engine, max_tokens=TOKENS, batch=max(BATCHES), temperature=0.6)
        prompting = Prompting(style="chat", dtype="bfloat16")
        policy = load_policy("model", sys.argv[1], prompting, settings, device, int(device == "cuda"), seed=0)
        policy.extend([Extension(p, (), 1, 0, "end") for p in problems(4)])  # to warm up
        speeds[engine] = []
        for batch in BATCHES:
            asked = problems(batch)
            policy.forget()
            started = time.perf_counter()
            replies = policy.extend([Extension(p, (), 1, 0, "end") for p in asked])
            taken = time.perf_counter() - started
            speeds[engine].append(sum(c.tokens for (c,) in replies) / taken)
        said = [" ".join(c.steps) for (c,) in replies]
        right[engine] = sum(bool(re.search(rf"\b{p.answer}\b", text)) for p, text in zip(asked, said, strict=True))
        del policy
    print(f"{torch.get_num_threads()} threads on {device}, {TOKENS} tokens; tokens/s, ratio against transformers")
    for batch, base, found in zip(BATCHES, speeds["transformers"], speeds["vllm"], strict=True):
        print(f"batch {batch:4d}   transformers {base:8.1f}   vllm {found:8.1f}   x{found / base:.2f}")
    print("right answers of", max(BATCHES), *(f"{name} {count}" for name, count in right.items()))


if __name__ == "__main__":
    main()
