"""Rollouts a second of our labelling against a loop that calls transformers' `generate` once for
every prefix.

Run as `python benchmarks/labelling.py [FOLDER]`: the folder of a causal language model that solves
generated problems, say one that the laptop study pre-trained; its own solutions are labelled, as in
a study. Without one a fresh 300k-parameter model of the ladder is used, which never ends a
solution, and lines of the problem stand in for steps.

The baseline is the way that public Math-Shepherd and OmegaPRM scripts go: K continuations of one
prefix of one solution after the other. Both have the same prefixes, K, token limit and thread. A
prefix that several solutions share is rolled out once by us and again for each by the loop; the
last column counts what each has rolled out itself.
"""

import sys
import tempfile
import time

import fresh
import torch

from prmscale.engines.backends.loading import Weights
from prmscale.engines.backends.transformers_policy import TransformersPolicy
from prmscale.engines.policy import Extension
from prmscale.engines.scheduler import run
from prmscale.labels.monte_carlo import monte_carlo, prefixes_of
from prmscale.study import Prompting, Sampling, World
from prmscale.tasks import steps
from prmscale.tasks.base import Grade
from prmscale.tasks.world.arithmetic import Arithmetic

PROBLEMS, SOLUTIONS, ROLLOUTS, TOKENS = 32, 6, 8, 96


def main() -> None:
    """Print rollouts a second and the ratios."""
    torch.set_num_threads(1)
    problems = Arithmetic("arithmetic", World()).load("test", PROBLEMS, 0)
    with tempfile.TemporaryDirectory() as scratch:
        trained = len(sys.argv) > 1
        folder = sys.argv[1] if trained else fresh.policy(scratch)
        policy = TransformersPolicy(
            "m", Weights(folder), Prompting(), Sampling(max_tokens=TOKENS), "cpu", seed=0
        )
    if trained:
        written = policy.extend([Extension(p, (), SOLUTIONS, 0, "end") for p in problems])
        solutions = [[(c.steps, c.finish_reason == "stop") for c in own] for own in written]
    else:
        solutions = [[(tuple(p.prompt.split(" ; "))[:3], False)] for p in problems]
    asked = [
        (problem, steps_of[: t + 1])
        for problem, own in zip(problems, solutions, strict=True)
        for steps_of, ended in own
        for t in range(len(steps_of) - ended)
    ]
    distinct = sum(
        len({*prefixes_of([s for s, _ in own])} - {s for s, ended in own if ended})
        for own in solutions
    )

    def wrong(several, answers):
        return [Grade(None, False)] * len(answers)

    def ours():
        strategies = [
            (problem, monte_carlo([s for s, _ in own], [ended for _, ended in own], ROLLOUTS))
            for problem, own in zip(problems, solutions, strict=True)
        ]
        run(strategies, policy, grader=wrong)

    def one_prefix_at_a_time():
        for problem, prefix in asked:
            ids = torch.tensor([steps.encode(policy.tokenizer, problem.prompt, prefix)[0]])
            room = max(
                1,
                TOKENS
                - (ids.shape[1] - len(steps.encode(policy.tokenizer, problem.prompt, ())[0])),
            )
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
    for name, work in (
        ("generate, one prefix at a time", one_prefix_at_a_time),
        ("prmscale", ours),
    ):
        started = time.perf_counter()
        work()
        taken[name] = time.perf_counter() - started
    slowest = max(taken.values())
    print(f"K = {ROLLOUTS}, {len(asked)} prefixes of which {distinct} are distinct, one thread")
    for name, seconds in taken.items():
        rolled = distinct if name == "prmscale" else len(asked)
        print(
            f"{name:32s} {len(asked) * ROLLOUTS / seconds:8.1f} rollouts/s   "
            f"x{slowest / seconds:.2f}   itself {rolled * ROLLOUTS / seconds:8.1f} rollouts/s"
        )


if __name__ == "__main__":
    main()
