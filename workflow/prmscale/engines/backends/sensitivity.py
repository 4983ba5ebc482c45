"""Activation patterns: how much a response depends on each weight of a language model.

A_i = |θ_i · ∂F(θ, response)/∂θ_i|, where F is the log-likelihood of the response given its problem
(Wang et al. 2025, "Exploring activation patterns of parameters in language models"; table 2 of the
paper compares them). Patterns are compared by normalized dot products, so the larger gradients of a
longer response do not matter.

A has as many entries as the model has weights, so a count sketch of it is kept (Charikar et al.
2002): weight i is added to entry i mod `size` with a random sign. Dot products keep their
expectation, with a standard error of about sqrt((1 + c²) / size) for two patterns of length one and
dot product c (`benchmarks/sensitivity.py` measures it); they are exact if the model has at most
`size` weights. Every block of weights is sketched as soon as its gradient is known, and the
gradient is dropped: memory holds the model, a sign per weight (a byte), and the gradient of one
block.
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
from prmscale.engines.backends.loading import load_pretrained, place
from prmscale.engines.backends.transformers_likelihood import encode
from prmscale.tasks.base import Prefix, Problem
from prmscale.tasks.steps import Encoded


class Sensitivity:
    """A causal language model as the reference by which responses are compared.

    `size` should be prime: the entries of a matrix's column then fall into different places of the
    sketch.
    """

    def __init__(
        self, folder: str | Path, device: str, size: int, seed: int, revision: str | None = None
    ) -> None:
        self.tokenizer = load_pretrained(AutoTokenizer, folder, revision=revision)
        model = load_pretrained(
            AutoModelForCausalLM, folder, revision=revision, dtype=torch.float32
        )
        self.model, self.size = place(model, device), size
        self._sketch, self._square = torch.zeros(size), 0.0
        first = 0
        for name, weight in self.model.named_parameters():
            stream = torch.Generator(weight.device)
            stream.manual_seed(seeds.seed_of(seed, "sketch", name) >> 1)
            bits = torch.randint(
                2, weight.shape, generator=stream, dtype=torch.int8, device=weight.device
            )
            signs = bits.mul_(2).sub_(1)
            weight.register_post_accumulate_grad_hook(self._make_hook(first, signs))
            first += weight.numel()

    def patterns(
        self, items: Sequence[tuple[Problem, Prefix, bool]], progress: str | None = None
    ) -> np.ndarray:
        """The sketched pattern [items, size] of each (problem, steps, ended), of length one.

        `ended`: its policy ended the solution. Dot products of rows estimate normalized dot
        products of patterns.
        """
        found = np.empty((len(items), self.size), dtype=np.float32)
        bar = tqdm(items, desc=progress, unit="response", disable=progress is None)
        for row, item in enumerate(bar):
            found[row] = self._pattern(encode(self.tokenizer, *item))
        return found

    def _pattern(self, text: Encoded) -> np.ndarray:
        self._sketch.zero_()
        self._square = 0.0
        ids = torch.tensor([text.ids], device=self.model.device)
        logits = self.model(input_ids=ids, use_cache=False).logits[0, text.start - 1 : -1]
        cross_entropy(logits, ids[0, text.start :].to(logits.device), reduction="sum").backward()
        length = self._square**0.5 or 1.0  # an empty response has no pattern
        return (self._sketch / length).numpy()

    def _make_hook(self, first: int, signs: torch.Tensor) -> Callable[[torch.Tensor], None]:
        """A hook that sketches and drops the gradient of the block from weight `first` on."""
        offset = first % self.size

        def sketch(weight: torch.Tensor) -> None:
            assert weight.grad is not None
            block = weight.grad.mul_(weight.detach()).abs_()
            weight.grad = None
            self._square += float(block.pow(2).sum(dtype=torch.float64))
            block = block.mul_(signs).flatten()
            head, rest = block[: self.size - offset], block[self.size - offset :]
            rows = len(rest) // self.size
            whole, tail = rest[: rows * self.size], rest[rows * self.size :]
            self._sketch[offset : offset + len(head)] += head.to(self._sketch)
            if rows:
                self._sketch += whole.view(rows, self.size).sum(0).to(self._sketch)
            self._sketch[: len(tail)] += tail.to(self._sketch)

        return sketch
