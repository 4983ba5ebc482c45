"""A reward model's logits in training, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from prmscale.engines.backends import prefix_tree
from prmscale.engines.backends.transformers_scorer import inputs
from prmscale.engines.flops import Shape
from prmscale.rewards.examples import Texts


class _Read(NamedTuple):
    """The model's arguments for some texts, and the places of each text's tokens among all that the
    model reads, counted row by row.
    """

    arguments: dict[str, torch.Tensor]
    places: Sequence[prefix_tree.Numbers]


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
            rows = self.model.features(self._rows(batch)["input_ids"])
            for i, length, row in zip(batch, lengths, rows, strict=True):
                self.features[i] = row[:length].clone()
                self.flops += self.frozen.forward_flops(length)

    def logits(self, part: Sequence[int]) -> torch.Tensor:
        """Logits [solutions, most steps] at the ends of steps, with gradients, of examples of the
        batch that was met last; what follows a solution's last step has no meaning.
        """
        read = self._read(part)
        logits = self.call(**read.arguments).logits[..., 0].float().flatten()
        ends = [self.texts.encoded[i].ends for i in part]
        places = np.zeros((len(part), max(map(len, ends))), dtype=np.int64)
        for row, (of_text, at) in enumerate(zip(read.places, ends, strict=True)):
            places[row, : len(at)] = of_text[[*at]]
        return logits[torch.from_numpy(places).to(logits.device)]

    def _read(self, part: Sequence[int]) -> _Read:
        """Trees or rows, whichever are cheaper, both padded to the longest."""
        texts = [self.texts.encoded[i].ids for i in part]
        longest = max(map(len, texts))
        if self.in_trees:
            width = self.model.config.get_text_config().hidden_size
            trees = prefix_tree.pack(texts, width)
            size = max(len(tree.ids) for tree in trees)
            in_trees = len(trees) * prefix_tree.cost(size, width)
            if in_trees < len(texts) * prefix_tree.cost(longest, width):
                return _Read(prefix_tree.inputs(trees, self.model), _locate(trees, size))
        arguments = self._rows(part)
        if self.frozen:
            rows = [self.features[i] for i in part]
            arguments["features"] = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
        return _Read(arguments, [row * longest + np.arange(len(t)) for row, t in enumerate(texts)])

    def _rows(self, indices: Sequence[int]) -> dict[str, torch.Tensor]:
        encoded = [self.texts.encoded[i] for i in indices]
        return inputs(self.model, self.texts.tokenizer, encoded)


def _locate(trees: Sequence[prefix_tree.Tree], size: int) -> list[prefix_tree.Numbers]:
    """The places of each text's tokens, in rows of `size` places, one row for each tree."""
    places: dict[int, prefix_tree.Numbers] = {}
    for row, tree in enumerate(trees):
        places |= {number: row * size + inside for number, inside in tree.places.items()}
    return [places[number] for number in sorted(places)]
