"""Scores of steps whose truth is known by simulation: calibrated, or wrong by a known amount."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy.special import expit, logit

SAMPLES, STEPS = 4, 4  # solutions of a problem, steps of a solution


def reliability(
    models: Iterable[str],
    problems: int,
    seeds: int = 1,
    over: float = 0.0,
    slope: float = 1.0,
    deep: float = 0.0,
    seed: int = 0,
    spread: float = 0.0,
    datasets: tuple[str, ...] = ("arithmetic", "programs"),
) -> pd.DataFrame:
    """The table `reliability` of these reward models.

    A step is right with a probability p that depends on the problem and on luck. Scores are p with
    its logit times `slope`, plus `over`, plus `deep` times the part of the solution before the
    step, plus for each training a normal shift of `spread`: by default they are probabilities.
    """
    generator = np.random.default_rng(seed)
    count = problems * SAMPLES * STEPS
    parts = []
    for dataset in datasets:
        problem = np.repeat(np.arange(problems), SAMPLES * STEPS)
        ease = 0.8 + generator.normal(size=problems)[problem]
        step = np.tile(np.arange(STEPS), problems * SAMPLES)
        chance = expit(ease + 1.2 * generator.normal(size=count))
        columns = {
            "dataset": dataset,
            "policy": "s64",
            "split": "test",
            "problem_id": [f"{dataset}-{number}" for number in problem],
            "solution_id": np.repeat(np.arange(problems * SAMPLES), STEPS),
            "step": step,
            "steps": STEPS,
            "truth": (generator.random(count) < chance).astype(float),
            "value": np.nan,
        }
        for name in models:
            for replicate in range(1, seeds + 1):
                shift = over + deep * step / STEPS + spread * generator.normal()
                score = expit(slope * logit(chance) + shift)
                table = pd.DataFrame(columns).assign(score=score)
                parts.append(table.assign(reward_model=name, replicate=replicate))
    return pd.concat(parts, ignore_index=True)
