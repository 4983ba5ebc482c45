"""Muon: momentum whose update of each matrix is made orthogonal (Jordan et al. 2024), with AdamW
for the rest.

Written here because torch's own orthogonalises in bfloat16, which is several times slower on CPUs;
matrices of one shape are orthogonalised together.
"""

from __future__ import annotations

from collections import defaultdict

import torch
from torch import nn

# quintic Newton-Schulz iteration whose fixed points are near 1 for singular values in (0, 1]
_A, _B, _C = 3.4445, -4.7750, 2.0315


def orthogonalise(matrices: torch.Tensor, iterations: int = 5) -> torch.Tensor:
    """Nearest semi-orthogonal matrices, roughly: singular values in about [0.7, 1.2]. Shape [n,
    rows, columns].
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
    """Nesterov momentum with orthogonalised updates, for weight matrices; decoupled weight decay."""

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
            alike: dict[torch.Size, list[nn.Parameter]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    alike[parameter.shape].append(parameter)
            for shape, parameters in alike.items():
                updates = []
                for parameter in parameters:
                    state, gradient = self.state[parameter], parameter.grad
                    assert gradient is not None  # filtered above
                    if not state:
                        state["momentum"] = torch.zeros_like(parameter)
                    state["momentum"].lerp_(gradient, 1 - group["momentum"])
                    updates.append(torch.lerp(gradient, state["momentum"], group["momentum"]))
                # scale of the update's RMS as in Moonlight (arXiv 2502.16982) so that AdamW's rates
                # carry over
                scale = 0.2 * max(shape) ** 0.5
                for parameter, update in zip(
                    parameters, orthogonalise(torch.stack(updates)), strict=True
                ):
                    parameter.mul_(1 - group["lr"] * group["weight_decay"]).add_(
                        update, alpha=-group["lr"] * scale
                    )


def optimizers(
    model: nn.Module, learning_rate: float, kind: str, weight_decay: float = 0.0
) -> list[torch.optim.Optimizer]:
    """Muon for the decoder's matrices and AdamW for embeddings, norms and heads; or AdamW
    throughout.
    """
    matrices: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        (
            matrices if kind == "muon" and ".layers." in name and parameter.ndim == 2 else rest
        ).append(parameter)
    chosen: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(rest, lr=learning_rate, betas=(0.9, 0.95), weight_decay=weight_decay)
    ]
    if matrices:
        chosen.append(Muon(matrices, lr=learning_rate, weight_decay=weight_decay))
    return chosen


def cosine(step: int, steps: int, warmup: float = 0.05) -> float:
    """Share of the peak learning rate at a step: linear warm-up, then a cosine down to a tenth."""
    begin = max(1, round(warmup * steps))
    if step < begin:
        return (step + 1) / begin
    progress = (step - begin) / max(1, steps - begin)
    return float(0.1 + 0.45 * (1 + torch.cos(torch.tensor(torch.pi * progress)).item()))
