"""A reward model's logits in training, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from prmscale.engines.backends.transformers_scorer import inputs
from prmscale.engines.flops import Shape
from prmscale.rewards.examples import Texts


class Reader:
    """Logits of training batches, and the FLOPs of training so far.

    The features that a frozen part makes of an example are computed once. `call` is the model as
    the processes of a group share it.
    """

    def __init__(self, model: Any, texts: Texts, call: Any) -> None:
        self.model, self.texts, self.call = model, texts, call
        self.flops = 0.0
        frozen = getattr(model, "frozen", None)
        self.frozen = Shape.from_model(frozen) if frozen is not None else None
        shape = Shape.from_model(model)
        self.trained = shape.freeze(self.frozen) if self.frozen else shape
        # with adapters, the backward pass computes no gradients of the frozen weights
        adapted = not self.frozen and not all(p.requires_grad for p in model.parameters())
        self.passes = 2.0 if adapted else 3.0
        self.features: dict[int, torch.Tensor] = {}

    def meet(self, batch: Sequence[int]) -> None:
        """Count a step's whole batch, and compute the frozen features of new examples.

        A training that resumes calls this for the steps already done, so features and FLOPs are
        those of a training without an interruption.
        """
        lengths = [len(self.texts.encoded[i].ids) for i in batch]
        self.flops += self.passes * sum(map(self.trained.forward_flops, lengths))
        if self.frozen and not all(i in self.features for i in batch):
            rows = self.model.features(self._inputs(batch)["input_ids"])
            for i, length, row in zip(batch, lengths, rows, strict=True):
                self.features[i] = row[:length].clone()
                self.flops += self.frozen.forward_flops(length)

    def logits(self, part: Sequence[int]) -> torch.Tensor:
        """Logits [rows, longest], with gradients, of examples of the batch that was met last."""
        read = self._inputs(part)
        if self.frozen:
            rows = [self.features[i] for i in part]
            read["features"] = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
        return self.call(**read).logits[..., 0].float()

    def _inputs(self, indices: Sequence[int]) -> dict[str, torch.Tensor]:
        encoded = [self.texts.encoded[i] for i in indices]
        return inputs(self.model, self.texts.tokenizer, encoded)
