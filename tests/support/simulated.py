"""A simulated study with known effects, for tests and for looking at figures; never a result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from prmscale.analysis.models import NEEDED
from prmscale.tasks.base import Problem

BUDGETS = (1, 2, 4, 8, 16, 32, 64)
SAMPLE = 50  # tokens
SIZES = {"s32": 77_000, "s48": 173_000, "s64": 301_000, "s96": 671_000}


@dataclass(frozen=True)
class Prm:
    """A simulated reward model; `quality(domain)` separates right from wrong solutions by that many
    sigma.
    """

    name: str
    base: str
    train_on: str
    labels: str
    quality: Callable[[str], float]
    fractions: tuple[float, ...] = (1.0,)
    untrained: bool = False
    shuffled: bool = False
    head: str = "scalar"
    ranking_weight: float = 0.0
    tokens: int = 2_000_000  # of the base's pre-training
    solutions: int = 4800  # in the training set; and what they are about
    problems: int = 1600
    wordings: int = 7
    policies: int = 1
    supervise: str = "first_error"


def flattening(size: str) -> float:
    """Quality that rises with the first doublings of the size and hardly after."""
    return {"s32": 0.1, "s48": 1.2, "s64": 1.7, "s96": 1.75}[size]


def prms(
    of_size: Callable[[str], float] = flattening,
    both: float = 1.0,
    own: float = 0.75,
    other: float = 0.5,
) -> list[Prm]:
    """A ladder trained on both domains, and the largest on each domain and with true labels.

    `both`, `own` and `other` scale the quality of one trained on both domains, on the data set's
    own and on the other.
    """
    top = of_size("s96")
    models = [
        Prm(f"prm_{s}", s, "both", "monte_carlo", lambda d, s=s: both * of_size(s))
        for s in SIZES
        if s != "s96"
    ]
    checkpoints = (0.05, 0.1, 0.25, 0.5, 0.75, 1.0)
    models.append(Prm("prm_s96", "s96", "both", "monte_carlo", lambda d: both * top, checkpoints))
    models.append(Prm("prm_s96_oracle", "s96", "both", "oracle", lambda d: 1.2 * both * top))
    for domain in ("math", "code"):
        models.append(
            Prm(
                f"prm_{domain}",
                "s96",
                domain,
                "monte_carlo",
                lambda d, t=domain: (own if d == t else other) * top,
            )
        )
    return [
        *models,
        Prm("prm_untrained", "s96", "both", "monte_carlo", lambda d: 0.0, untrained=True),
        Prm("prm_shuffled", "s96", "both", "monte_carlo", lambda d: 0.0, shuffled=True),
    ]


def pretraining(
    of_tokens: Callable[[int], float], sizes: tuple[str, ...] = ("s64", "s96")
) -> list[Prm]:
    """PRMs whose bases stopped early in pre-training; at 2M tokens stands the ladder."""
    return [
        Prm(
            f"prm_{size}_{tokens // 1000}k",
            f"{size}@{tokens // 20_000}",
            "both",
            "monte_carlo",
            quality,
            tokens=tokens,
        )
        for size in sizes
        for tokens in (500_000, 1_000_000)
        for quality in [lambda d, t=tokens, s=size: of_tokens(t)]
    ]


def diverse(
    quality: Callable[[int], float], axis: str = "wordings", levels: tuple[int, ...] = (2, 4, 7)
) -> list[Prm]:
    """PRMs of the largest base whose small training sets differ in one respect alone."""
    size = {"solutions": 1500, "problems": 250}
    return [
        Prm(
            f"prm_{axis}_{n}",
            "s96",
            "both",
            "monte_carlo",
            lambda d, n=n: quality(n),
            **{**size, axis: n},
        )
        for n in levels
    ]


def other_heads(quality: float = 1.5) -> list[Prm]:
    """The largest PRM with other heads and losses."""
    kinds = [("evidence", 0.0), ("implicit", 0.0), ("scalar", 1.0)]
    return [
        Prm(
            f"prm_{head}_{weight:g}",
            "s96",
            "both",
            "monte_carlo",
            lambda d: quality,
            head=head,
            ranking_weight=weight,
        )
        for head, weight in kinds
    ]


def outcome_models(quality: Callable[[str], float]) -> list[Prm]:
    """ORMs beside the two largest PRMs of the ladder; `quality` is by size."""
    return [
        Prm(f"orm_{size}", size, "both", "monte_carlo", lambda d, s=size: quality(s),
            supervise="outcome")
        for size in ("s64", "s96")
    ]  # fmt: skip


def reward_models(models: list[Prm], seeds: int = 1) -> pd.DataFrame:
    """Their table of facts; on validation problems `min` is the best aggregation."""
    validation = {
        "last": 0.5,
        "min": 0.6,
        "product": 0.6,
        "mean": 0.4,
        "sum": 0.3,
        "one_sample": 0.3,
    }
    rows = [
        {
            "reward_model": m.name,
            "replicate": replicate,
            "base": m.base,
            "base_parameters": SIZES[m.base.split("@")[0]],
            "base_tokens": m.tokens + replicate,  # corpora end with whole problems
            "base_flops": 6.0 * SIZES[m.base.split("@")[0]] * m.tokens,
            "train_on": m.train_on,
            "labels": m.labels,
            "training_set": f"{m.train_on} {m.labels} {m.solutions} {m.problems} "
            f"{m.wordings} {m.policies}",
            "solutions": m.solutions,
            "problems": m.problems,
            "wordings": m.wordings,
            "policies": m.policies,
            "role": "",
            "seed": 0,
            "steps": 0 if m.untrained else 600,
            "train_flops": 0.0 if m.untrained else 1e12,
            "head": m.head,
            "ranking_weight": m.ranking_weight,
            "supervise": m.supervise,
            "target": "hard",
            "untrained": m.untrained,
            "shuffled": m.shuffled,
            **{
                f"validation_{'' if name == 'one_sample' else 'best_of_n_'}{name}": value
                for name, value in validation.items()
            },
        }
        for m in models
        for replicate in range(1, seeds + 1)
    ]
    return pd.DataFrame(rows, columns=None if rows else NEEDED)


SHARED = ["squared_plus", "taken_from"]


def problems(count: int) -> list[Problem]:
    """The problems of `search`, by turns with two misreadings that both domains share, with two
    that one domain has alone, with one of each, and without any.
    """
    found = []
    for dataset, domain, alone in (
        ("arithmetic", "math", ["less_than", "fewer_than_double"]),
        ("programs", "code", ["twice_the_sum", "more_than_thrice"]),
    ):
        kinds = [SHARED, alone, [SHARED[0], alone[0]], ["plus"]]
        for number in range(count):
            wordings = kinds[number % 4]
            definitions = [[wording, "a", "", 2] for wording in wordings]
            detail = {"specification": {"given": 1, "definitions": definitions}}
            facts = ("test", "", "", None, len(wordings), dataset, "")
            found.append(Problem(f"{dataset}-{number}", domain, *facts, detail))
    return found


def training(models: list[Prm], seeds: int = 1) -> pd.DataFrame:
    """Validation losses along the training of those with checkpoints: a power of the steps, with
    noise.
    """
    generator = np.random.default_rng(7)
    rows = [
        {
            "reward_model": m.name,
            "replicate": replicate,
            "training_step": round(600 * fraction),
            "loss": 0.7 * (30 / (600 * fraction)) ** 0.4 + 0.005 * generator.normal(),
            "problems": 100,
        }
        for m in models
        for replicate in range(1, seeds + 1)
        for fraction in m.fractions
        if len(m.fractions) > 1
    ]
    return pd.DataFrame(
        rows, columns=["reward_model", "replicate", "training_step", "loss", "problems"]
    )


def search(
    models: list[Prm],
    problems: int = 120,
    policies: tuple[str, ...] = ("s64",),
    seed: int = 0,
    seeds: int = 1,
    seed_spread: float = 0.0,
) -> pd.DataFrame:
    """The search table of these reward models on two data sets, from 64 simulated draws a problem.

    Each reward model is trained `seeds` times; `seed_spread` is how much its quality differs
    between them.
    """
    generator = np.random.default_rng(seed)
    luck = {m.name: seed_spread * generator.normal(size=seeds) for m in models}
    rows: list[pd.DataFrame] = []
    for policy in policies:
        for dataset, domain in (("arithmetic", "math"), ("programs", "code")):
            correct = generator.random((problems, 64)) < generator.beta(0.9, 2.1, (problems, 1))
            for name, aggregation, prm, step, replicate, picked, budget in _choices(
                correct, models, domain, luck, generator
            ):
                rows.append(
                    pd.DataFrame(
                        {
                            "problem_id": [f"{dataset}-{i}" for i in range(problems)],
                            "domain": domain,
                            "dataset": dataset,
                            "difficulty": 3 + np.arange(problems) % 3,
                            "policy": policy,
                            "reward_model": prm,
                            "training_step": step,
                            "strategy": name,
                            "aggregation": aggregation,
                            "budget": budget,
                            "replicate": replicate,
                            "correct": picked,
                            "score": 1 - 0.4 / budget if aggregation == "min" and prm else np.nan,
                            **costs(budget, SAMPLE * budget * bool(prm)),
                        }
                    )
                )
    return pd.concat(rows, ignore_index=True)


def costs(budget: int, reward_tokens: int) -> dict[str, object]:
    """What a choice cost: a policy of 300k weights and a reward model of 600k."""
    flops = 6e5 * SAMPLE * budget + 1.2e6 * reward_tokens
    return {
        "policy_tokens": SAMPLE * budget,
        "reward_tokens": reward_tokens,
        "flops": flops,
        "flops_cached": flops,
        "finish_reason": "stop",
    }


Choice = tuple[str, str, str, int, int, np.ndarray, int]


def _choices(
    correct: np.ndarray,
    models: list[Prm],
    domain: str,
    luck: dict[str, np.ndarray],
    generator: np.random.Generator,
) -> Iterator[Choice]:
    """Strategy, aggregation, reward model, training step, seed, correctness by problem, budget."""
    yield "one_sample", "", "", -1, 1, correct.mean(axis=1), 1
    noise = generator.normal(size=correct.shape)
    # the crowd's misreadings look likely to the policy; a larger base is a little less fooled
    ranks = [("self_certainty", "", "", 0.0)]
    ranks += [("likelihood", a, "", -0.1) for a in ("sum", "mean", "min")]
    ranks += [
        ("base_likelihood", a, b, g)
        for b, g in (("s64", -0.1), ("s96", 0.2))
        for a in ("sum", "mean", "min")
    ]
    ranked = [
        (*names, gain * correct + generator.normal(size=correct.shape)) for *names, gain in ranks
    ]
    for n in BUDGETS:
        first = correct[:, :n]
        yield "random", "", "", -1, 1, first.mean(axis=1), n
        yield "oracle", "", "", -1, 1, first.any(axis=1).astype(float), n
        yield "majority", "", "", -1, 1, (first.mean(axis=1) + 0.1 > 0.5).astype(float), n
        for strategy, aggregation, base, scores in ranked:
            yield strategy, aggregation, base, -1, 1, _best(first, scores[:, :n]), n
    for model in models:
        for replicate, extra in enumerate(luck[model.name], start=1):
            own = 0.6 * generator.normal(size=correct.shape)
            for fraction in model.fractions:
                gain = model.quality(domain) + (0.0 if model.untrained or model.shuffled else extra)
                gain *= 1 / (1 + np.exp(-12 * (fraction - 0.4))) if fraction < 1 else 1
                scores = gain * correct + 0.8 * noise + own
                step = 0 if model.untrained else round(600 * fraction)
                for n in BUDGETS:
                    yield (
                        "best_of_n",
                        "last" if model.supervise == "outcome" else "min",
                        model.name,
                        step,
                        replicate,
                        _best(correct[:, :n], scores[:, :n]),
                        n,
                    )


def _best(correct: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Whether the highest score is a right one."""
    return correct[np.arange(len(correct)), scores.argmax(axis=1)].astype(float)


def first_errors(models: list[Prm], problems: int, seeds: int = 1) -> pd.DataFrame:
    """First errors named in two solutions a problem; the better a reward model, the more often
    rightly.
    """
    generator, rows = np.random.default_rng(1), []
    for dataset in ("arithmetic", "ProcessBench gsm8k"):
        truth = generator.integers(-1, 3, (problems, 2))
        for model in models:
            for replicate in range(1, seeds + 1):
                right = generator.random(truth.shape) < 0.2 + 0.4 * min(
                    max(model.quality("math"), 0), 1
                )
                rows.append(
                    pd.DataFrame(
                        {
                            "dataset": dataset,
                            "problem_id": np.repeat([f"{dataset}-{i}" for i in range(problems)], 2),
                            "solution_id": np.arange(2 * problems),
                            "reward_model": model.name,
                            "replicate": replicate,
                            "threshold": 0.5,
                            "first_error": truth.ravel(),
                            "predicted": np.where(right, truth, 3).ravel(),
                        }
                    )
                )
    return pd.concat(rows, ignore_index=True)
