"""Tokens per second of searches and labels by vLLM's running batch, against one big batch.

Run as `.venv-vllm/bin/python benchmarks/loop.py MODEL`, with a chat model's folder or hub name.
Beam search, DVTS and MCTS search, with a stand-in for a reward model that takes no time, and trees
of OmegaPRM label. What they ask of the policy is written down and asked again at once: that is the
baseline, which no search can reach, because it must wait for its own replies. Both begin with an
empty prefix cache.
"""

import re
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from engines import problems

from prmscale import seeds
from prmscale.engines.aggregation import AGGREGATIONS
from prmscale.engines.backends.loading import Weights, choose_dtype
from prmscale.engines.backends.vllm_policy import VllmPolicy
from prmscale.engines.cached import CachedPolicy
from prmscale.engines.flops import Shape
from prmscale.engines.requests import Extension, Scored
from prmscale.engines.scheduler import Run, run
from prmscale.labels.omega import omega
from prmscale.search import TREE_STRATEGIES
from prmscale.study import OmegaTree, Prompting, Sampling, TreeSearch
from prmscale.tasks.base import Grade, Prefix, Problem

PROBLEMS, TOKENS, BATCH, ROUNDS = 64, 48, 256, 3
SETTINGS = {"beam": 4, "dvts": 8, "mcts": 8}  # budgets in samples' worth


class Recorded(VllmPolicy):
    """The engine; it writes down what it is asked, and counts the tokens that it writes."""

    asked: list[Extension]
    written: int

    def start(self, extensions: Sequence[Extension]) -> int:
        """Begin to sample these extensions."""
        self.asked += extensions
        return super().start(extensions)

    def _record(self, draw: Any, extension: Extension, output: Any) -> None:
        self.written += len(output.token_ids)
        super()._record(draw, extension, output)


class NoTime:
    """A scorer whose scores are random numbers of the text."""

    shape, writes, seconds_per_token = Shape(0, 0, 0), False, 0.0

    def score(self, items: Sequence[Any], progress: str | None = None) -> list[Scored]:
        """One score a step."""
        found = []
        for problem, steps in items:
            scores = [
                seeds.generator(0, problem.problem_id, steps[: n + 1]).random()
                for n in range(len(steps))
            ]
            found.append(Scored(np.array(scores), tuple(range(len(steps) + 1))))
        return found


def measure(engine: Recorded, work: Any) -> float:
    """The tokens a second of this work, which begins with an empty prefix cache."""
    engine.forget()
    engine.written = 0
    started = time.perf_counter()
    work()
    return engine.written / (time.perf_counter() - started)


def grade(asked: Sequence[Problem], solutions: Sequence[Prefix]) -> list[Grade]:
    """A solution is right if its last number is."""
    grades = []
    for problem, steps in zip(asked, solutions, strict=True):
        numbers = re.findall(r"\d+", " ".join(steps)) or [None]
        grades.append(Grade(numbers[-1], numbers[-1] == problem.answer))
    return grades


def search(engine: Recorded, name: str) -> None:
    """Search all problems by a strategy, or label them by trees."""
    if name == "omega":
        run([(p, omega(8, OmegaTree())) for p in problems(PROBLEMS)], engine, grader=grade)
        return
    budget = SETTINGS[name]
    runs = []
    for problem in problems(PROBLEMS):
        strategy = TREE_STRATEGIES[name].start(budget, AGGREGATIONS["product"], TreeSearch())
        runs.append(Run(problem, strategy, budget, budget * TOKENS))
    run(runs, CachedPolicy(engine), NoTime())


def main() -> None:
    """Print tokens per second by the loop and in one batch, and their ratio."""
    sampling = Sampling(engine="vllm", max_tokens=TOKENS, batch=BATCH, temperature=0.8)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    weights = Weights(sys.argv[1], choose_dtype("auto", device))
    chat = Prompting(style="chat", steps={"math": "line"})
    engine = Recorded("model", weights, chat, sampling, gpus=int(device == "cuda"), seed=0)
    engine.asked, engine.written = [], 0
    print(f"{PROBLEMS} problems, batches of {BATCH}, {engine.dtype}: tokens/s")
    for turn in range(ROUNDS):
        for name in (*SETTINGS, "omega"):
            engine.asked = []
            by_loop = measure(engine, lambda name=name: search(engine, name))
            asked = list(engine.asked)
            at_once = measure(engine, lambda asked=asked: engine.extend(asked))
            print(
                f"round {turn + 1} {name:5s} {len(asked):5d} requests   one batch {at_once:7.1f}   "
                f"loop {by_loop:7.1f}   x{by_loop / at_once:.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
