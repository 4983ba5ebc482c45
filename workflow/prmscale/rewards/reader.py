"""A reward model's logits in training, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase

from prmscale.engines.backends.transformers_scorer import inputs
from prmscale.engines.flops import Shape
from prmscale.tasks.steps import Encoded


class Reader:
    """Logits of training batches. What a frozen part says of an example is computed once; `flops`
    counts all of it.

    `call` is the model as the processes of a group share it.
    """

    def __init__(
        self, model: Any, tokenizer: PreTrainedTokenizerBase, encoded: Sequence[Encoded], call: Any
    ) -> None:
        self.model, self.tokenizer, self.encoded, self.call = model, tokenizer, encoded, call
        self.flops = 0.0
        frozen = getattr(model, "frozen", None)
        self.frozen = Shape.of(frozen) if frozen is not None else None
        self.trained = Shape.of(model).without(self.frozen) if self.frozen else Shape.of(model)
        # adapters: the backward pass goes through frozen weights and makes no gradients of them
        adapted = not self.frozen and not all(p.requires_grad for p in model.parameters())
        self.passes = 2.0 if adapted else 3.0
        self.features: dict[int, torch.Tensor] = {}

    def meet(self, batch: Sequence[int]) -> None:
        """Count a step's whole batch, and read what is frozen of the examples that are new.

        Called for the steps of a training that is taken up again, it makes the same features and
        FLOPs as before.
        """
        lengths = [len(self.encoded[i].ids) for i in batch]
        self.flops += self.passes * sum(map(self.trained.forward, lengths))
        if self.frozen and not all(i in self.features for i in batch):
            read = inputs(self.model, self.tokenizer, [self.encoded[i] for i in batch])
            for i, length, row in zip(
                batch, lengths, self.model.features(read["input_ids"]), strict=True
            ):
                self.features[i] = row[:length].clone()
                self.flops += self.frozen.forward(length)

    def logits(self, part: Sequence[int]) -> torch.Tensor:
        """Logits [rows, longest] of some examples of the batch that was met last, with their graph."""
        read = inputs(self.model, self.tokenizer, [self.encoded[i] for i in part])
        if self.frozen:
            rows = [self.features[i] for i in part]
            read["features"] = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
        return self.call(**read).logits[..., 0].float()
