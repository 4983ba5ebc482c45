"""Reward models over a grid of pre-training and reward-model training whose accuracy is a known function of both."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import simulated
from simulated import BUDGETS, SIZES, Prm

TOKENS = (500_000, 1_000_000, 2_000_000)
FRACTIONS = (0.05, 0.15, 0.4, 1.0)
STEPS = 600
TRAINING = 2.0  # FLOPs of a whole training of the reward model, in FLOPs of the pre-training on the most tokens
Truth = Callable[[np.ndarray, np.ndarray], np.ndarray]  # of both FLOPs


def models(sizes: tuple[str, ...] = tuple(SIZES)) -> list[Prm]:
    """One recipe on every size at every pre-training."""
    return [
        Prm(
            f"prm_{s}_{t}",
            f"{s}@{t // 20_000}" if t < max(TOKENS) else s,
            "both",
            "monte_carlo",
            lambda d: 0.0,
            tokens=t,
        )
        for s in sizes
        for t in TOKENS
    ]


def facts(of: list[Prm], seeds: int = 2) -> pd.DataFrame:
    """Their table of facts; training costs in proportion to the size."""
    table = simulated.reward_models(of, seeds)
    return table.assign(train_flops=TRAINING * 6.0 * table["base_parameters"] * max(TOKENS))


def rows(
    of: list[Prm], truth: Truth, problems: int = 200, seeds: int = 2, seed: int = 0, spread: float = 0.01
) -> pd.DataFrame:
    """The search table: best-of-n by each at four checkpoints of its training, and one sample.

    Problems differ in how likely they are solved; half of the luck is shared by all reward models.
    """
    generator = np.random.default_rng(seed)
    table = facts(of, 1)
    pretraining, whole = table["base_flops"].to_numpy(), table["train_flops"].to_numpy()
    found = []
    for dataset, domain in (("arithmetic", "math"), ("programs", "code")):
        ease, common = 0.2 * (generator.random(problems) - 0.5), generator.random(problems)
        shape = {"problem_id": [f"{dataset}-{i}" for i in range(problems)], "domain": domain, "dataset": dataset}
        shape |= {"difficulty": 3, "policy": "s64", "reward_model": "", "training_step": -1, "aggregation": ""}
        one = {"strategy": "one_sample", "budget": 1, "seed": 1, "correct": (common < 0.3).astype(float)}
        found.append(pd.DataFrame({**shape, **one, **simulated.costs(1, 0)}))
        shape |= {
            "strategy": "best_of_n",
            "aggregation": "min",
            "budget": max(BUDGETS),
            **simulated.costs(max(BUDGETS), 1),
        }
        for model, p, most in zip(of, pretraining, whole, strict=True):
            for fraction in FRACTIONS:
                chance = float(truth(p, fraction * most))
                for replicate in range(1, seeds + 1):
                    luck = np.where(generator.random(problems) < 0.5, common, generator.random(problems))
                    correct = (luck < chance + ease + spread * generator.normal()).astype(float)
                    which = {"reward_model": model.name, "training_step": round(STEPS * fraction), "seed": replicate}
                    found.append(pd.DataFrame({**shape, **which, "correct": correct}))
    return pd.concat(found, ignore_index=True)
