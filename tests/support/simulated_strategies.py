"""Rows of search strategies whose crossovers with best-of-n are known, for tests and for looking at
figures.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import simulated
from simulated import BUDGETS, SAMPLE

from prmscale.analysis.strategies import TREE

BASE, GAIN = 0.30, 0.05  # best-of-n's accuracy at budget 1, and what a doubling adds
STEEPER = 0.04  # what a doubling adds to the lead of a strategy with a crossover
PRM = "prm_s96"
CROSSING = {
    "beam": 4.0,
    "lookahead": 16.0,
    "dvts": 8.0,
    "particle_filtering": 6.0,
    "mcts": 11.0,
    "puct": 40.0,
}
SHIFT = {
    "majority": -0.15,
    "weighted_best_of_n": 0.02,
    "adaptive_best_of_n": 0.01,
}
# with random numbers of their own, so that the draws of the others do not depend on them
LATER = {"calibrated_majority": 0.0, "filtered_best_of_n": 0.015}
READING = {
    "beam": 2.0,
    "lookahead": 4.0,
    "dvts": 2.0,
    "mcts": 3.0,
    "puct": 3.0,
}  # tokens read for one generated
UNSOLVED = {
    "mcts": (1, 2),
    "puct": (1, 2),
    "beam": (1,),
    "lookahead": (1, 2),
    "dvts": (1,),
}  # budgets
STOPPED = (0.96, 1.0)  # of a budget, what a tree strategy spends that is stopped by it
USED = {"lookahead": (0.7, 0.9), "adaptive_best_of_n": (0.6, 0.6)}  # and those that end before


def truth(strategy: str, spent: float, crossing: Mapping[str, float] = CROSSING) -> float:
    """The expected accuracy of a strategy that spent so many samples' worth."""
    lead = (SHIFT | LATER).get(strategy, 0.0)
    if strategy in crossing:
        lead = STEEPER * (np.log2(spent) - np.log2(crossing[strategy]))
    return float(BASE + GAIN * np.log2(spent) + lead)


def rows(
    problems: int = 120,
    seeds: int = 2,
    seed: int = 0,
    crossing: Mapping[str, float] = CROSSING,
    seed_spread: float = 0.01,
    datasets: Mapping[str, str] = {"arithmetic": "math", "programs": "code"},
) -> pd.DataFrame:
    """Rows of majority, best-of-n by a reward model and every other strategy, with costs and what
    they spent.

    Problems differ in how likely they are solved; luck is shared along budgets, and in part by
    strategies.
    """
    generator, later = np.random.default_rng(seed), np.random.default_rng((seed, 1))
    found = []
    for dataset, domain in datasets.items():
        difficulty = generator.integers(3, 6, problems)
        ease = 0.12 * (generator.random(problems) - 0.5) - 0.05 * (difficulty - 4.0)
        common = generator.random(problems)
        for strategy in ("best_of_n", *SHIFT, *crossing, *LATER):
            stream = later if strategy in LATER else generator
            for replicate in range(1, 2 if strategy == "majority" else seeds + 1):
                shared = stream.random(problems) < 0.5
                luck = np.where(shared, common, stream.random(problems))
                moved = seed_spread * stream.normal()
                for budget in BUDGETS:
                    used = 1.0 if budget == 1 else _used(strategy, stream)
                    solved = luck < truth(strategy, used * budget, crossing) + ease + moved
                    what = (strategy, budget, replicate, dataset, domain, used)
                    found.append(_table(*what, difficulty, solved, stream))
    return pd.concat(found, ignore_index=True)


def plain(strategy: str, budget: int, correct: np.ndarray, used: float = 1.0) -> pd.DataFrame:
    """Rows of one strategy, budget and seed on one data set, of these accuracies by problem; the
    rest is the same.
    """
    problems = len(correct)
    return pd.DataFrame(
        {
            "dataset": "arithmetic", "problem_id": np.arange(problems), "difficulty": 0,
            "strategy": strategy, "budget": budget, "replicate": 1, "correct": correct,
            "policy_tokens": used * SAMPLE * budget,
            "finish_reason": "stop",
        }
    )  # fmt: skip


def _used(strategy: str, generator: np.random.Generator) -> float:
    """The share of a budget that a strategy spends."""
    return float(
        generator.uniform(*USED.get(strategy, STOPPED if strategy in TREE else (1.0, 1.0)))
    )


def _table(
    strategy: str,
    budget: int,
    replicate: int,
    dataset: str,
    domain: str,
    used: float,
    difficulty: np.ndarray,
    solved: np.ndarray,
    generator: np.random.Generator,
) -> pd.DataFrame:
    """One strategy's rows at one budget."""
    guided = strategy != "majority"
    empty = budget in UNSOLVED.get(strategy, ())
    # some of those not solved have no answer, which changes no accuracy
    unanswered = ~solved & (
        generator.random(len(solved)) < (0.4 if empty else 0.02 * (strategy in TREE))
    )
    reading = READING.get(strategy, float(guided))
    spent = simulated.costs(budget, round(reading * simulated.SAMPLE * budget))
    tokens = round(used * simulated.SAMPLE * budget)
    scale = used * (0.8 if strategy in TREE else 1.0)
    return pd.DataFrame(
        {
            "problem_id": [f"{dataset}-{i}" for i in range(len(solved))],
            "domain": domain,
            "dataset": dataset,
            "difficulty": difficulty,
            "policy": "s64",
            "reward_model": PRM if guided else "",
            "training_step": 600 if guided else -1,
            "strategy": strategy,
            "aggregation": "" if not guided else "sum" if strategy == "beam" else "min",
            "budget": budget,
            "replicate": replicate,
            "correct": solved.astype(float),
            **spent,
            "policy_tokens": tokens,
            "flops_cached": spent["flops_cached"] * scale,
            "finish_reason": np.where(unanswered, "budget", "stop"),
        }
    )
