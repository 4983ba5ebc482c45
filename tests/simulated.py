"""A simulated study with known effects, for tests and for looking at figures; never a result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

BUDGETS = (1, 2, 4, 8, 16, 32, 64)
SIZES = {"s32": 77_000, "s48": 173_000, "s64": 301_000, "s96": 671_000}


@dataclass(frozen=True)
class Prm:
    """A simulated reward model; `quality(domain)` separates right from wrong solutions by that many sigma."""

    name: str
    base: str
    train_on: str
    labels: str
    quality: Callable[[str], float]
    fractions: tuple[float, ...] = (1.0,)
    untrained: bool = False


def flattening(size: str) -> float:
    """Quality that rises with the first doublings of the size and hardly after."""
    return {"s32": 0.1, "s48": 1.2, "s64": 1.7, "s96": 1.75}[size]


def prms(
    of_size: Callable[[str], float] = flattening, both: float = 1.0, own: float = 0.75, other: float = 0.5
) -> list[Prm]:
    """A ladder trained on both domains, and the largest on each domain and with true labels.

    `both`, `own` and `other` scale the quality of one trained on both domains, on the data set's own and on the other.
    """
    top = of_size("s96")
    models = [Prm(f"prm_{s}", s, "both", "monte_carlo", lambda d, s=s: both * of_size(s)) for s in SIZES if s != "s96"]
    checkpoints = (0.1, 0.25, 0.5, 0.75, 1.0)
    models.append(Prm("prm_s96", "s96", "both", "monte_carlo", lambda d: both * top, checkpoints))
    models.append(Prm("prm_s96_oracle", "s96", "both", "oracle", lambda d: 1.2 * both * top))
    for domain in ("math", "code"):
        models.append(
            Prm(f"prm_{domain}", "s96", domain, "monte_carlo", lambda d, t=domain: (own if d == t else other) * top)
        )
    return [*models, Prm("prm_untrained", "s96", "both", "monte_carlo", lambda d: 0.0, untrained=True)]


def reward_models(models: list[Prm]) -> pd.DataFrame:
    """Their table of facts."""
    columns = (
        "reward_model base base_parameters base_tokens base_flops train_on labels seed steps train_flops untrained"
    )
    rows = [
        {
            "reward_model": m.name,
            "base": m.base,
            "base_parameters": SIZES[m.base],
            "base_tokens": 2_000_000,
            "base_flops": 6.0 * SIZES[m.base] * 2e6,
            "train_on": m.train_on,
            "labels": m.labels,
            "seed": 0,
            "steps": 0 if m.untrained else 600,
            "train_flops": 0.0 if m.untrained else 1e12,
            "untrained": m.untrained,
        }
        for m in models
    ]
    return pd.DataFrame(rows, columns=columns.split())


def search(models: list[Prm], problems: int = 120, policies: tuple[str, ...] = ("s64",), seed: int = 0) -> pd.DataFrame:
    """The search table of these reward models on two data sets, from 64 simulated draws a problem."""
    generator = np.random.default_rng(seed)
    rows: list[pd.DataFrame] = []
    for policy in policies:
        for dataset, domain in (("arithmetic", "math"), ("programs", "code")):
            correct = generator.random((problems, 64)) < generator.beta(0.9, 2.1, (problems, 1))
            for name, prm, step, picked, budget in _choices(correct, models, domain, generator):
                rows.append(
                    pd.DataFrame(
                        {
                            "problem_id": [f"{dataset}-{i}" for i in range(problems)],
                            "domain": domain,
                            "dataset": dataset,
                            "policy": policy,
                            "reward_model": prm,
                            "training_step": step,
                            "strategy": name,
                            "aggregation": "min" if prm else "",
                            "budget": budget,
                            "seed": 0,
                            "correct": picked,
                        }
                    )
                )
    return pd.concat(rows, ignore_index=True)


def _choices(
    correct: np.ndarray, models: list[Prm], domain: str, generator: np.random.Generator
) -> Iterator[tuple[str, str, int, np.ndarray, int]]:
    """Strategy, reward model, training step, correctness by problem, budget."""
    yield "one_sample", "", -1, correct.mean(axis=1), 1
    noise = generator.normal(size=correct.shape)
    likelihood = -0.1 * correct + generator.normal(size=correct.shape)
    for n in BUDGETS:
        first = correct[:, :n]
        yield "random", "", -1, first.mean(axis=1), n
        yield "oracle", "", -1, first.any(axis=1).astype(float), n
        yield "majority", "", -1, (first.mean(axis=1) + 0.1 > 0.5).astype(float), n
        yield "likelihood", "", -1, _best(first, likelihood[:, :n]), n
    for model in models:
        for fraction in model.fractions:
            gain = model.quality(domain) * (1 / (1 + np.exp(-12 * (fraction - 0.4))) if fraction < 1 else 1)
            scores = gain * correct + 0.8 * noise + 0.6 * generator.normal(size=correct.shape)
            step = 0 if model.untrained else round(600 * fraction)
            for n in BUDGETS:
                yield "best_of_n", model.name, step, _best(correct[:, :n], scores[:, :n]), n


def _best(correct: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Whether the highest score is a right one."""
    return correct[np.arange(len(correct)), scores.argmax(axis=1)].astype(float)
