"""Rollouts per second of our labelling, against a loop over prefixes with transformers' `generate`.

Run as `python benchmarks/labelling.py [FOLDER]`, with the folder of a causal language model that
solves generated problems; without it one is pre-trained. Its solutions are labelled, as in a study.

The baseline works like public Math-Shepherd and OmegaPRM scripts: K continuations of one prefix of
one solution at a time. Both have the same prefixes, K, token limit and thread. We roll out a prefix
that several solutions share once, the loop once for each solution; the last column counts the
rollouts that each really made.
"""

import sys
import tempfile
import time

import fresh
import torch
from ratios import tell

from prmscale.engines.backends.loading import Weights
from prmscale.engines.backends.transformers_policy import TransformersPolicy
from prmscale.engines.requests import Extension
from prmscale.engines.scheduler import run
from prmscale.labels.monte_carlo import monte_carlo
from prmscale.study import Prompting, Sampling, World
from prmscale.tasks.base import Grade, Problem
from prmscale.tasks.steps import encode
from prmscale.tasks.world.arithmetic import Arithmetic

PROBLEMS, SOLUTIONS, ROLLOUTS, TOKENS = 32, 6, 8, 96
Solutions = list[tuple[tuple[str, ...], bool]]  # the steps, and whether the policy ended them


def write_solutions(policy: TransformersPolicy, problems: list[Problem]) -> list[Solutions]:
    """The policy's solutions of each problem."""
    written = policy.extend([Extension(p, (), SOLUTIONS, 0, "end") for p in problems])
    solutions = []
    for group in written:
        solutions.append([(c.steps, c.finish_reason == "stop") for c in group])
    return solutions


def list_prefixes(solutions: Solutions) -> list[tuple[str, ...]]:
    """The prefixes that are rolled out, repeats included; ended solutions are not."""
    prefixes = []
    for steps, ended in solutions:
        prefixes += [steps[: t + 1] for t in range(len(steps) - ended)]
    return prefixes


def label(policy: TransformersPolicy, problems: list[Problem], solutions: list[Solutions]) -> None:
    """Our labelling, with a grader that takes no time."""

    def grade(several, answers):
        return [Grade(None, False)] * len(answers)

    strategies = []
    for problem, group in zip(problems, solutions, strict=True):
        steps, ended = zip(*group, strict=True)
        strategies.append((problem, monte_carlo(steps, ended, ROLLOUTS)))
    run(strategies, policy, grader=grade)


def label_by_loop(
    policy: TransformersPolicy, problems: list[Problem], solutions: list[Solutions]
) -> None:
    """The baseline: `generate` for one prefix at a time."""
    for problem, group in zip(problems, solutions, strict=True):
        prompt = len(encode(policy.tokenizer, problem.prompt, ())[0])
        for prefix in list_prefixes(group):
            ids = torch.tensor([encode(policy.tokenizer, problem.prompt, prefix)[0]])
            policy.model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                num_return_sequences=ROLLOUTS,
                do_sample=True,
                temperature=0.8,
                top_k=0,
                max_new_tokens=max(1, TOKENS - (ids.shape[1] - prompt)),
            )


def main() -> None:
    """Print rollouts per second and the ratio."""
    torch.set_num_threads(1)
    problems = Arithmetic("arithmetic", World()).load("test", PROBLEMS, 0)
    with tempfile.TemporaryDirectory() as scratch:
        folder = sys.argv[1] if len(sys.argv) > 1 else fresh.policy(scratch)
        settings = Sampling(max_tokens=TOKENS)
        policy = TransformersPolicy("m", Weights(folder), Prompting(), settings, "cpu", seed=0)
    solutions = write_solutions(policy, problems)
    asked = sum(len(list_prefixes(group)) for group in solutions)
    distinct = 0
    for group in solutions:
        whole = {steps for steps, ended in group if ended}
        distinct += len(set(list_prefixes(group)) - whole)
    print(f"K = {ROLLOUTS}, {asked} prefixes of which {distinct} are distinct, one thread")
    baseline = 0.0
    for name, work, rolled in (
        ("generate, one prefix at a time", label_by_loop, asked),
        ("prmscale", label, distinct),
    ):
        started = time.perf_counter()
        work(policy, problems, solutions)
        seconds = time.perf_counter() - started
        baseline = baseline or seconds
        print(
            f"{name:32s} {asked * ROLLOUTS / seconds:8.1f} rollouts/s   "
            f"x{baseline / seconds:.2f}   itself {rolled * ROLLOUTS / seconds:8.1f} rollouts/s"
        )
    tell("labelling", baseline / seconds)


if __name__ == "__main__":
    main()
