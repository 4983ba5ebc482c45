"""What a reward model is trained to minimise."""

from __future__ import annotations

import torch
from torch.nn.functional import binary_cross_entropy_with_logits, softplus


def binary_cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy, the paper's loss: the mean over the positions [rows, length] whose
    target is not NaN.
    """
    used = ~torch.isnan(targets)
    if not used.any():
        return (
            logits.sum() * 0.0
        )  # a part of a batch without a supervised step: zero, with a gradient
    return binary_cross_entropy_with_logits(logits[used], targets[used])


def ranking(logits: torch.Tensor, right: torch.Tensor, problem: torch.Tensor) -> torch.Tensor:
    """-log sigmoid(right - wrong): the mean over a problem's pairs of a right and a wrong solution.

    All arguments are [rows]: a solution's logit, whether it is right, the number of its problem.
    This is the loss of reward models for preferences (Ouyang et al. 2022, arXiv 2203.02155). What a
    problem's solutions share, above all its difficulty, cancels in the difference. Without a pair
    the loss is 0.
    """
    pairs = right[:, None] & ~right[None, :] & (problem[:, None] == problem[None, :])
    # a sum over nothing keeps the graph, a mean over nothing would be NaN
    return softplus(logits[None, :] - logits[:, None])[pairs].sum() / max(1, int(pairs.sum()))
