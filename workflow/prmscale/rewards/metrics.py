"""How well a reward model tells right from wrong, within problems and pooled over problems.

Pooled AUC alone is misleading: a model that only tells easy problems from hard problems scores well
on it, and is of no use for choosing among solutions of one problem.
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
    """Loss against the labels; step AUC and step accuracy against the truth, or against the labels
    where it is unknown; and within problems:

    `within_auc`: AUC of the solutions' minimum score against correctness, averaged over problems
    that have both right and wrong solutions. `pair_accuracy`: share of (right, wrong) pairs of one
    problem that are ranked correctly. `best_of_n_*` and `one_sample`: see `best_of_n`. Solutions
    that are not whole count in the metrics of steps alone.
    """
    targets, flat = np.concatenate([e.targets for e in examples]), np.concatenate(scores)
    truth = np.concatenate([e.truth for e in examples])
    known = ~np.isnan(truth)
    return {
        "loss": binary_cross_entropy(targets, flat),
        "step_auc": auc(truth[known] > 0.5, flat[known]),
        "step_accuracy": float(((flat[known] > 0.5) == (truth[known] > 0.5)).mean()),
        **_rank_within_problems(examples, scores),
        **best_of_n(examples, scores),
    }


def _rank_within_problems(
    examples: Sequence[Example], scores: Sequence[np.ndarray]
) -> dict[str, float]:
    """How the minimum scores rank the whole solutions of each problem."""
    lowest = [float(of_steps.min()) if len(of_steps) else 0.0 for of_steps in scores]
    aucs, pairs = [], []
    groups = _group_by_problem(examples)
    for group in groups:
        right = np.array([examples[i].correct for i in group])
        values = np.array([lowest[i] for i in group])
        if right.any() and not right.all():
            aucs.append(auc(right, values))
            difference = values[right][:, None] - values[~right][None, :]
            pairs.append(((difference > 0) + 0.5 * (difference == 0)).ravel())
    return {
        "within_auc": float(np.mean(aucs)) if aucs else float("nan"),
        "pair_accuracy": float(np.concatenate(pairs).mean()) if pairs else float("nan"),
        "problems": len(groups),
        "mixed_problems": len(aucs),
    }


def _group_by_problem(examples: Sequence[Example]) -> list[list[int]]:
    """The indices of each problem's whole solutions."""
    groups: dict[str, list[int]] = defaultdict(list)
    for i, example in enumerate(examples):
        if example.whole:
            groups[example.problem.problem_id].append(i)
    return list(groups.values())


def best_of_n(examples: Sequence[Example], scores: Sequence[np.ndarray]) -> dict[str, float]:
    """Accuracy of selecting each problem's best solution, by every aggregation of step scores.

    `best_of_n_{aggregation}` is the share of problems whose selected solution (of equals the first)
    is right; `one_sample` is the expected accuracy of a random choice. Solutions that are not whole
    are ignored; without whole solutions the result is empty.
    """
    groups = _group_by_problem(examples)
    if not groups:
        return {}
    correct = np.array([example.correct for example in examples])
    found = {"one_sample": float(np.mean([correct[group].mean() for group in groups]))}
    for name, aggregate in AGGREGATIONS.items():
        values = [aggregate(of_steps) for of_steps in scores]
        best = [max(group, key=values.__getitem__) for group in groups]
        found[f"best_of_n_{name}"] = float(correct[best].mean())
    return found
