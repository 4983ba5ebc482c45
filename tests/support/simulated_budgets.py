"""Reward models over a grid of pre-training and reward-model training whose accuracy is a known
function of both.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import simulated
from simulated import BUDGETS, SIZES, Prm

from prmscale.analysis.scaling_law import Budgets
from prmscale.analysis.tradeoff import Points

TOKENS = (500_000, 1_000_000, 2_000_000)
FRACTIONS = (0.05, 0.15, 0.4, 1.0)
STEPS = 600
# FLOPs of a whole training of the reward model, in FLOPs of the pre-training on the most tokens
TRAINING = 2.0
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
    of: list[Prm],
    truth: Truth,
    problems: int = 200,
    seeds: int = 2,
    seed: int = 0,
    spread: float = 0.01,
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
        shape = {
            "problem_id": [f"{dataset}-{i}" for i in range(problems)],
            "domain": domain,
            "dataset": dataset,
        }
        shape |= {
            "difficulty": 3,
            "policy": "s64",
            "reward_model": "",
            "training_step": -1,
            "aggregation": "",
        }
        one = {
            "strategy": "one_sample",
            "budget": 1,
            "replicate": 1,
            "correct": (common < 0.3).astype(float),
        }
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
                    luck = np.where(
                        generator.random(problems) < 0.5, common, generator.random(problems)
                    )
                    correct = (luck < chance + ease + spread * generator.normal()).astype(float)
                    which = {
                        "reward_model": model.name,
                        "training_step": round(STEPS * fraction),
                        "replicate": replicate,
                    }
                    found.append(pd.DataFrame({**shape, **which, "correct": correct}))
    return pd.concat(found, ignore_index=True)


DESK_SIZES = (
    43_009,
    168_961,
    305_153,
    669_697,
    1_044_481,
)  # the desk study's ladder, and the PRM's checkpoints
EARLY, ALONG = (0.3, 1.0), (0.05, 0.15, 0.3, 0.5, 0.75, 1.0)
Accuracy = Callable[
    [np.ndarray, np.ndarray, np.ndarray], np.ndarray
]  # of log2 size, tokens, steps; 0 at m's end


def desk(
    truth: Accuracy,
    seed: int,
    problems: int = 500,
    seeds: int = 3,
    of_run: float = 0.03,
    of_base: float = 0.01,
) -> Points:
    """The points of the desk study's grid: a quarter, half and all of the pre-training of all sizes
    but the largest.

    Each training run's accuracy differs from the truth by `of_run` at each checkpoint, and each
    base's by `of_base` (standard deviations at an accuracy of one half; the logits' are alike at
    all). Half of the luck of a problem is shared by all reward models.
    """
    generator = np.random.default_rng(seed)
    grid = [(n, d) for n in DESK_SIZES for d in (0.25, 0.5, 1.0) if n < max(DESK_SIZES) or d == 1]
    places = [
        (n, d, s) for n, d in grid for s in (ALONG if (n, d) == (DESK_SIZES[2], 1) else EARLY)
    ]
    sizes, tokens, steps = np.array(places).T
    chances = truth(np.log2(sizes / DESK_SIZES[2]), np.log2(tokens), np.log2(steps))
    noise = of_base * generator.normal(size=len(places)) + of_run * generator.normal(
        size=(seeds, len(places))
    )
    chances = 1 / (1 + (1 / np.clip(chances, 0.01, 0.99) - 1) * np.exp(-4 * noise))
    shape = (problems, seeds, len(places))
    common = generator.random(problems)[:, None, None]
    luck = np.where(generator.random(shape) < 0.5, common, generator.random(shape))
    values = (luck < chances).astype(float)
    budgets = Budgets(6 * sizes * tokens * 2.4e6, 6 * sizes * steps * 0.9e6)
    bases = [f"{n}@{100 * d:g}" for n, d, _ in places]
    return Points("simulated", bases, sizes, tokens * 2.4e6, steps * 600, budgets, values)


def tables(own: Points) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The search table and the table of reward models that have these points."""
    bases = pd.DataFrame(
        {"base": own.bases, "base_parameters": own.sizes, "base_tokens": own.tokens}
    )
    bases = (
        bases.assign(base_flops=own.budgets.pretraining, train_flops=own.budgets.training)
        .groupby("base")
        .max()
    )
    models = [
        Prm(f"prm_{base}", "s96", "both", "monte_carlo", lambda d: 0.0) for base in bases.index
    ]
    facts = simulated.reward_models(models, own.values.shape[1])
    facts["base"] = facts["reward_model"].str.removeprefix("prm_")
    facts = facts.drop(columns=bases.columns).join(bases, on="base")
    problems, seeds, places = (grid.ravel() for grid in np.indices(own.values.shape))
    shape = {
        "domain": "math",
        "dataset": own.dataset,
        "difficulty": 3,
        "policy": "s64",
        "strategy": "best_of_n",
    }
    shape |= {"aggregation": "min", "budget": max(BUDGETS), **simulated.costs(max(BUDGETS), 1)}
    own_rows = {
        "problem_id": problems,
        "replicate": seeds + 1,
        "reward_model": "prm_" + np.array(own.bases, dtype=object)[places],
        "training_step": own.steps.round().astype(int)[places],
        "correct": own.values.ravel(),
    }
    return pd.DataFrame({**shape, **own_rows}), facts
