"""How well a reward model tells right from wrong: within problems first, pooled beside it.

Pooled AUC alone is misleading: a model that only tells easy problems from hard ones scores well on
it and is of no use for choosing among solutions of one problem.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from sklearn.metrics import roc_auc_score

from prmscale.engines.aggregation import AGGREGATIONS
from prmscale.rewards.examples import Example


def auc(right: np.ndarray, scores: np.ndarray) -> float:
    """Area under the ROC curve; NaN where only one class is present."""
    return float(roc_auc_score(right, scores)) if len(np.unique(right)) == 2 else float("nan")


def binary_cross_entropy(targets: np.ndarray, scores: np.ndarray) -> float:
    """Mean over steps that carry a target, in nats."""
    used = ~np.isnan(targets)
    p = np.clip(scores[used], 1e-7, 1 - 1e-7)
    return float(-(targets[used] * np.log(p) + (1 - targets[used]) * np.log(1 - p)).mean())


def metrics(examples: Sequence[Example], scores: Sequence[np.ndarray]) -> dict[str, float]:
    """Loss against the labels; step AUC and accuracy against truth (labels where it is unknown);
    within problems.

    `within_auc`: AUC of the solutions' minimum score against correctness, averaged over problems
    that have both right and wrong solutions. `pair_accuracy`: share of (right, wrong) pairs of one
    problem ranked rightly. `best_of_n_*` and `one_sample` are those of `best_of_n`. Solutions that
    are not whole count for their steps alone.
    """
    targets, flat = np.concatenate([e.targets for e in examples]), np.concatenate(scores)
    truth = np.concatenate([np.where(np.isnan(e.truth), e.targets, e.truth) for e in examples])
    known = ~np.isnan(truth)
    by_problem: dict[str, list[tuple[bool, float]]] = defaultdict(list)
    for example, own in zip(examples, scores, strict=True):
        if example.whole:
            by_problem[example.problem.problem_id].append(
                (example.correct, float(own.min()) if len(own) else 0.0)
            )
    aucs, pairs = [], []
    for group in by_problem.values():
        right = np.array([correct for correct, _ in group])
        values = np.array([value for _, value in group])
        if right.any() and not right.all():
            aucs.append(auc(right, values))
            difference = values[right][:, None] - values[~right][None, :]
            pairs.append(((difference > 0) + 0.5 * (difference == 0)).ravel())
    return {
        "loss": binary_cross_entropy(targets, flat),
        "step_auc": auc(truth[known] > 0.5, flat[known]),
        "step_accuracy": float(((flat[known] > 0.5) == (truth[known] > 0.5)).mean()),
        "within_auc": float(np.mean(aucs)) if aucs else float("nan"),
        "pair_accuracy": float(np.concatenate(pairs).mean()) if pairs else float("nan"),
        "problems": len(by_problem),
        "mixed_problems": len(aucs),
        **best_of_n(examples, scores),
    }


def best_of_n(examples: Sequence[Example], scores: Sequence[np.ndarray]) -> dict[str, float]:
    """Accuracy of taking each problem's best solution (the first of equals), by every aggregation
    of step scores.

    `best_of_n_{aggregation}` is the share of problems answered rightly so; `one_sample` is what
    choosing blindly gives on average. Solutions that are not whole take no part; there is nothing
    to tell without any that is.
    """
    by_problem: dict[str, list[int]] = defaultdict(list)
    for i, example in enumerate(examples):
        if example.whole:
            by_problem[example.problem.problem_id].append(i)
    groups = list(by_problem.values())
    if not groups:
        return {}
    found = {
        "one_sample": float(
            np.mean([np.mean([examples[i].correct for i in group]) for group in groups])
        )
    }
    for name, aggregate in AGGREGATIONS.items():
        values = [aggregate(own) for own in scores]
        best = [max(group, key=values.__getitem__) for group in groups]
        found[f"best_of_n_{name}"] = float(np.mean([examples[i].correct for i in best]))
    return found
