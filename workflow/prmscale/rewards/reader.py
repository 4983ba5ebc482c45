"""A reward model's logits in training, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from prmscale.engines.backends import prefix_tree
from prmscale.engines.backends.transformers_scorer import (
    Part,
    arrange_rows,
    arrange_trees,
    inputs,
)
from prmscale.engines.flops import Shape
from prmscale.rewards.examples import Texts
from prmscale.tasks.steps import Encoded


class Reader:
    """Logits of training batches, and the FLOPs of training so far.

    With `shares_prefixes` a prefix that solutions of a batch share is read once where that is
    cheaper; the gradients are those of a row for each solution, up to rounding. FLOPs count a row
    for each solution.

    The features that a frozen part makes of an example are computed once. `call` is the model as
    the processes of a group share it.
    """

    def __init__(self, model: Any, texts: Texts, call: Any, shares_prefixes: bool) -> None:
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
        # adapters pass on what they do not know
        reads = model.get_base_model() if hasattr(model, "get_base_model") else model
        self.in_trees = shares_prefixes and not self.frozen and prefix_tree.accepts_trees(reads)

    def meet(self, batch: Sequence[int]) -> None:
        """Count a step's whole batch, and compute the frozen features of new examples.

        A training that resumes calls this for the steps already done, so features and FLOPs are
        those of a training without an interruption.
        """
        lengths = [len(self.texts.encoded[i].ids) for i in batch]
        self.flops += self.passes * sum(map(self.trained.forward_flops, lengths))
        if self.frozen and not all(i in self.features for i in batch):
            texts = [self.texts.encoded[i] for i in batch]
            arguments = inputs(self.model, self.texts.tokenizer, texts)
            rows = self.model.features(arguments["input_ids"])
            for i, length, row in zip(batch, lengths, rows, strict=True):
                self.features[i] = row[:length].clone()
                self.flops += self.frozen.forward_flops(length)

    def logits(self, part: Sequence[int]) -> torch.Tensor:
        """Logits [solutions, most steps] at the ends of steps, with gradients, of examples of the
        batch that was met last; what follows a solution's last step has no meaning.
        """
        texts = [self.texts.encoded[i] for i in part]
        read = self._arrange(part, texts)
        logits = self.call(**read.arguments).logits[..., 0].float()
        most = max(len(text.ends) for text in texts)
        rows, ends = np.zeros((2, len(texts), most), dtype=np.int64)
        for number, row, at in read.places:
            rows[number] = row
            ends[number, : len(at)] = at
        where = [torch.from_numpy(places).to(logits.device) for places in (rows, ends)]
        return logits[where[0], where[1]]

    def _arrange(self, part: Sequence[int], texts: Sequence[Encoded]) -> Part:
        """Trees or rows, whichever are cheaper, both padded to the longest."""
        if self.in_trees:
            width = self.model.config.get_text_config().hidden_size
            trees = prefix_tree.pack([text.ids for text in texts], width)
            in_trees = len(trees) * prefix_tree.cost(max(len(tree.ids) for tree in trees), width)
            longest = max(len(text.ids) for text in texts)
            if in_trees < len(texts) * prefix_tree.cost(longest, width):
                return arrange_trees(self.model, texts, trees)
        read = arrange_rows(self.model, self.texts.tokenizer, texts, range(len(texts)))
        if self.frozen:
            rows = [self.features[i] for i in part]
            read.arguments["features"] = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
        return read
