"""Rollouts a second of our labelling against a loop that calls transformers' `generate` once for every prefix.

Run as `python benchmarks/labelling.py [FOLDER]`: any causal language model's folder; without one a fresh 300k-parameter
model of the ladder is used. The baseline is the way that public Math-Shepherd and OmegaPRM scripts go: K continuations
of one prefix after the other. Both roll out the same prefixes with the same K, token limit and thread. A fresh model
never ends a solution: both sides then write nearly the same number of tokens.
"""

import sys
import tempfile
import time

import fresh
import torch

from prmscale.engines.scheduler import run
from prmscale.engines.transformers_policy import TransformersPolicy
from prmscale.labels.monte_carlo import monte_carlo
from prmscale.study import Prompting, Sampling, World
from prmscale.tasks import steps
from prmscale.tasks.arithmetic import Arithmetic
from prmscale.tasks.base import Grade

PROBLEMS, ROLLOUTS, TOKENS = 32, 8, 96


def main() -> None:
    """Print rollouts a second and the ratio."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        folder = sys.argv[1] if len(sys.argv) > 1 else fresh.policy(scratch)
        policy = TransformersPolicy("m", folder, Prompting(), Sampling(max_tokens=TOKENS), "cpu", seed=0)
    problems = Arithmetic("arithmetic", World()).load("test", PROBLEMS, 0)
    # the first lines of the problem stand in for steps of a solution that was cut
    solutions = [tuple(p.prompt.split(" ; "))[:3] for p in problems]
    prefixes = [(p, s[: t + 1]) for p, s in zip(problems, solutions, strict=True) for t in range(len(s))]
    count = len(prefixes) * ROLLOUTS

    def wrong(several, answers):
        return [Grade(None, False)] * len(answers)

    def ours():
        strategies = [(p, monte_carlo([s], [False], ROLLOUTS)) for p, s in zip(problems, solutions, strict=True)]
        run(strategies, policy, grader=wrong)

    def one_prefix_at_a_time():
        for problem, prefix in prefixes:
            ids = torch.tensor([steps.encode(policy.tokenizer, problem.prompt, prefix)[0]])
            room = TOKENS - (ids.shape[1] - len(steps.encode(policy.tokenizer, problem.prompt, ())[0]))
            policy.model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                num_return_sequences=ROLLOUTS,
                do_sample=True,
                temperature=0.8,
                top_k=0,
                max_new_tokens=room,
            )

    taken = {}
    for name, work in (("generate, one prefix at a time", one_prefix_at_a_time), ("prmscale", ours)):
        started = time.perf_counter()
        work()
        taken[name] = time.perf_counter() - started
    slowest = max(taken.values())
    print(f"{count} rollouts from {len(prefixes)} prefixes, K = {ROLLOUTS}, one thread")
    for name, seconds in taken.items():
        print(f"{name:32s} {count / seconds:8.1f} rollouts/s   x{slowest / seconds:.2f}")


if __name__ == "__main__":
    main()
