"""Which weights of a language model a response rests on: A_i = |θ_i · ∂F(θ, response)/∂θ_i| over
all weights.

The activation patterns of Wang et al. 2025 ("Exploring activation patterns of parameters in
language models"), which the paper's table 2 compares. F is the log-likelihood of the response given
its problem. Only directions are compared (normalised dot products), so it does not matter that a
longer response has larger gradients.

A is as long as the model is large, so a count sketch of it is kept (Charikar et al. 2002): weight
number i is added to place i mod `size` under a random sign. Dot products keep their expectation,
with a standard error of about sqrt((1 + c²) / size) for two patterns of length one and dot product
c (`benchmarks/sensitivity.py` measures it); where the model has no more than `size` weights they
are exact. Every block of weights is sketched as soon as its gradient is known, and the gradient is
dropped: beside the model and a sign for each weight (a byte), only the largest block's gradient is
ever held.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from tqdm import tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer

from prmscale import seeds
from prmscale.engines.backends.loading import load_pretrained, placed
from prmscale.engines.backends.transformers_likelihood import encode
from prmscale.tasks.base import Prefix, Problem
from prmscale.tasks.steps import Encoded


class Sensitivity:
    """A causal language model as the reference by which responses are compared.

    A prime `size` serves best: alike places of a matrix's rows then fall to different places of the
    sketch.
    """

    def __init__(
        self, folder: str | Path, device: str, size: int, seed: int, revision: str | None = None
    ) -> None:
        self.tokenizer = load_pretrained(AutoTokenizer, folder, revision=revision)
        model = load_pretrained(
            AutoModelForCausalLM, folder, revision=revision, dtype=torch.float32
        )
        self.model, self.size = placed(model, device), size
        self._sketch, self._square = torch.zeros(size), 0.0
        first = 0
        for name, weight in self.model.named_parameters():
            stream = torch.Generator(weight.device).manual_seed(
                seeds.seed_of(seed, "sketch", name) >> 1
            )
            signs = torch.randint(
                2, weight.shape, generator=stream, dtype=torch.int8, device=weight.device
            )
            weight.register_post_accumulate_grad_hook(self._taking(first, signs.mul_(2).sub_(1)))
            first += weight.numel()

    def patterns(
        self, items: Sequence[tuple[Problem, Prefix, bool]], progress: str | None = None
    ) -> np.ndarray:
        """The sketched pattern, of length one, of each (problem, steps, whether its policy ended
        it).

        [items, size]; dot products of rows estimate normalised dot products of patterns.
        """
        found = np.empty((len(items), self.size), dtype=np.float32)
        for row, item in enumerate(
            tqdm(items, desc=progress, unit="response", disable=progress is None)
        ):
            found[row] = self._pattern(encode(self.tokenizer, *item))
        return found

    def _pattern(self, text: Encoded) -> np.ndarray:
        self._sketch.zero_()
        self._square = 0.0
        ids = torch.tensor([text.ids], device=self.model.device)
        logits = self.model(input_ids=ids, use_cache=False).logits[0, text.start - 1 : -1]
        cross_entropy(logits, ids[0, text.start :].to(logits.device), reduction="sum").backward()
        return (
            self._sketch / (self._square**0.5 or 1.0)
        ).numpy()  # an empty response has no pattern

    def _taking(self, first: int, signs: torch.Tensor) -> Callable[[torch.Tensor], None]:
        """What is done with the gradient of the block whose first weight has this number."""
        offset = first % self.size

        def take(weight: torch.Tensor) -> None:
            assert weight.grad is not None
            block = weight.grad.mul_(weight.detach()).abs_()
            weight.grad = None
            self._square += float(block.pow(2).sum(dtype=torch.float64))
            block = block.mul_(signs).flatten()
            head, rest = block[: self.size - offset], block[self.size - offset :]
            rows = len(rest) // self.size
            self._sketch[offset : offset + len(head)] += head.to(self._sketch)
            if rows:
                self._sketch += (
                    rest[: rows * self.size].view(rows, self.size).sum(0).to(self._sketch)
                )
            tail = rest[rows * self.size :]
            self._sketch[: len(tail)] += tail.to(self._sketch)

        return take
