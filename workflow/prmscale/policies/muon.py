"""Muon: momentum with orthogonalized updates of matrices, and AdamW for all other parameters.

Jordan et al. 2024. torch.optim.Muon orthogonalizes in bfloat16, which is several times slower on
CPUs; this one uses the weights' precision and handles matrices of one shape together.
"""

from __future__ import annotations

from collections import defaultdict

import torch
from torch import nn

# quintic Newton-Schulz iteration whose fixed points are near 1 for singular values in (0, 1]
_A, _B, _C = 3.4445, -4.7750, 2.0315


def orthogonalise(matrices: torch.Tensor, iterations: int = 5) -> torch.Tensor:
    """Approximate nearest semi-orthogonal matrices [n, rows, columns].

    Their singular values are in about [0.7, 1.2].
    """
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(iterations):
        gram = x @ x.mT
        # A x + (B gram + C gram²) x in two fused products
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=_B, alpha=_C), x, beta=_A)
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Nesterov momentum with orthogonalized updates and decoupled weight decay, for matrices."""

    def __init__(
        self,
        params: list[nn.Parameter],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every matrix that has a gradient."""
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[nn.Parameter]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    by_shape[parameter.shape].append(parameter)
            rate, decay = group["lr"], 1 - group["lr"] * group["weight_decay"]
            for shape, parameters in by_shape.items():
                # the update's RMS as in Moonlight (arXiv 2502.16982): AdamW's rates carry over
                scale = 0.2 * max(shape) ** 0.5
                moments = [self._add_momentum(each, group["momentum"]) for each in parameters]
                updates = orthogonalise(torch.stack(moments))
                for parameter, update in zip(parameters, updates, strict=True):
                    parameter.mul_(decay).add_(update, alpha=-rate * scale)

    def _add_momentum(self, parameter: nn.Parameter, momentum: float) -> torch.Tensor:
        """Update a parameter's momentum by its gradient; returns their Nesterov combination."""
        state, gradient = self.state[parameter], parameter.grad
        assert gradient is not None, "parameters without a gradient are left out"
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        state["momentum"].lerp_(gradient, 1 - momentum)
        return torch.lerp(gradient, state["momentum"], momentum)


def optimizers(
    model: nn.Module, learning_rate: float, kind: str, weight_decay: float = 0.0
) -> list[torch.optim.Optimizer]:
    """Muon for the decoder's matrices and AdamW for embeddings, norms and heads (`kind` "muon").

    Any other kind is AdamW for all parameters.
    """
    matrices: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        by_muon = kind == "muon" and ".layers." in name and parameter.ndim == 2
        (matrices if by_muon else rest).append(parameter)
    chosen: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(rest, lr=learning_rate, betas=(0.9, 0.95), weight_decay=weight_decay)
    ]
    if matrices:
        chosen.append(Muon(matrices, lr=learning_rate, weight_decay=weight_decay))
    return chosen


def cosine(step: int, steps: int, warmup: float = 0.05) -> float:
    """Fraction of the peak learning rate at a step: linear warm-up, then a cosine to a tenth."""
    begin = max(1, round(warmup * steps))
    if step < begin:
        return (step + 1) / begin
    progress = (step - begin) / max(1, steps - begin)
    return float(0.1 + 0.45 * (1 + torch.cos(torch.tensor(torch.pi * progress)).item()))
