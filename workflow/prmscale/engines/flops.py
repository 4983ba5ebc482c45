"""Floating-point operations of transformer language models, by one formula used everywhere.

A forward pass over one token takes 2 operations per weight of every linear layer (including the
output head, excluding the embedding look-up) and 4 * layers * width for each position that the
token attends to (query-key and value products). A training step takes three times the forward pass
(Kaplan et al. 2020, arXiv 2001.08361, appendix B).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the formula needs no torch
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Shape:
    """What the formula needs: a model's weights in linear layers, layers and attention width."""

    linear_weights: int
    layers: int
    width: int

    @classmethod
    def from_model(cls, model: PreTrainedModel) -> Shape:
        """The shape of a Hugging Face decoder, or of a model of `engines.heads`."""
        from torch import nn  # jobs without a model count operations too
        from transformers import AutoConfig

        config = model.config
        decoders = getattr(config, "backbones", 1)
        config = AutoConfig.for_model(**config.base) if hasattr(config, "backbones") else config
        head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        weights = sum(m.weight.numel() for m in model.modules() if isinstance(m, nn.Linear))
        return cls(weights, decoders * config.num_hidden_layers, head * config.num_attention_heads)

    def freeze(self, part: Shape) -> Shape:
        """The shape of the rest of the model, which is trained when `part` is frozen."""
        return Shape(
            self.linear_weights - part.linear_weights, self.layers - part.layers, self.width
        )

    def forward_flops(self, tokens: int, context: int = 0) -> float:
        """FLOPs to read `tokens` new positions after `context` cached ones (causal attention)."""
        attended = tokens * context + tokens * (tokens + 1) / 2
        return 2.0 * self.linear_weights * tokens + 4.0 * self.layers * self.width * attended

    def training_flops(self, tokens: int) -> float:
        """FLOPs of a forward and backward pass over a sequence of `tokens`."""
        return 3.0 * self.forward_flops(tokens)
