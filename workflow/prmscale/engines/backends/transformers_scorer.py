"""Scores every step of a solution with a reward model: any token-classification folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from tqdm import tqdm
from transformers import (
    AutoModelForTokenClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from prmscale.engines.backends import prefix_tree
from prmscale.engines.backends.loading import load_pretrained, place
from prmscale.engines.flops import Shape
from prmscale.engines.scorer import SolutionReader
from prmscale.tasks import steps as step_text


def batches(lengths: Sequence[int], tokens: int) -> list[list[int]]:
    """Indices in batches of similar lengths, each of at most `tokens` positions once padded."""
    order = sorted(range(len(lengths)), key=lambda i: lengths[i])
    out: list[list[int]] = []
    for i in order:
        if not out or (len(out[-1]) + 1) * lengths[i] > tokens:
            out.append([])
        out[-1].append(i)
    return out


def pad(sequences: Sequence[Sequence[int]], fill: int) -> torch.Tensor:
    """Right-pad to a tensor [rows, longest]."""
    longest = max(map(len, sequences))
    return torch.tensor([[*row, *[fill] * (longest - len(row))] for row in sequences])


def inputs(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, batch: Sequence[step_text.Encoded]
) -> dict[str, torch.Tensor]:
    """The model's arguments for a batch: token ids [rows, longest].

    A model that reads token types also gets 1 for the solution's tokens, 0 for all others. Padding
    is on the right of a causal model: it needs no mask, and the fast kernel is used.
    """
    arguments = {"input_ids": pad([e.ids for e in batch], tokenizer.pad_token_id or 0)}
    if getattr(model, "reads_token_types", False):
        types = [[0] * e.start + [1] * (len(e.ids) - e.start) for e in batch]
        arguments["token_type_ids"] = pad(types, 0)
    return {name: tensor.to(model.device) for name, tensor in arguments.items()}


class TransformersScorer(SolutionReader):
    """A reward model run by transformers; the reference for other engines."""

    def __init__(self, folder: str | Path, device: str, batch_tokens: int = 16384) -> None:
        super().__init__()
        model, self.tokenizer = self.load(str(folder))
        self.model = place(model, device)
        self.shape = Shape.from_model(self.model)
        self.batch_tokens = batch_tokens

    def load(self, folder: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
        """The reward model of a folder and its tokenizer."""
        model = load_pretrained(AutoModelForTokenClassification, folder)
        return model, load_pretrained(AutoTokenizer, folder)

    def _scores(
        self, encoded: Sequence[step_text.Encoded], progress: str | None
    ) -> list[np.ndarray]:
        return score_encoded(self.model, self.tokenizer, encoded, self.batch_tokens, progress)


def to_probabilities(logits: torch.Tensor) -> torch.Tensor:
    """P(right) [...] of logits [..., classes].

    The sigmoid of a single class, or the softmax over wrong and right.
    """
    if logits.shape[-1] == 1:
        return torch.sigmoid(logits[..., 0])
    return torch.sigmoid(logits[..., 1] - logits[..., 0])


@torch.inference_mode()
def score_encoded(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    encoded: Sequence[step_text.Encoded],
    batch_tokens: int,
    progress: str | None = None,
) -> list[np.ndarray]:
    """Step scores of encoded solutions; equal ones are read once.

    A batch has at most `batch_tokens` positions.
    """
    keys = [(tuple(e.ids), tuple(e.ends), e.start) for e in encoded]
    texts = dict(zip(keys, encoded, strict=True))
    distinct = list(texts.values())
    if prefix_tree.accepts_trees(model):
        parts = _batch_trees(model, distinct, batch_tokens)
    else:
        parts = _batch_rows(model, tokenizer, distinct, batch_tokens)
    scores: list[np.ndarray] = [np.empty(0)] * len(distinct)
    with tqdm(total=len(distinct), desc=progress, unit="solution", disable=progress is None) as bar:
        for part in parts:
            logits = model(**part.arguments).logits.float()
            probabilities = to_probabilities(logits).cpu().numpy()
            for i, row, ends in part.places:
                scores[i] = probabilities[row, ends].astype(np.float64)
            bar.update(len(part.places))
    by_key = dict(zip(texts, scores, strict=True))
    return [by_key[key] for key in keys]


class Part(NamedTuple):
    """The model's arguments, and each text's number, row and places of its steps' ends."""

    arguments: dict[str, torch.Tensor]
    places: Sequence[tuple[int, int, Sequence[int] | prefix_tree.Numbers]]


def arrange_rows(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[step_text.Encoded],
    numbers: Sequence[int],
) -> Part:
    """A row for each of the numbered texts."""
    arguments = inputs(model, tokenizer, [texts[i] for i in numbers])
    return Part(arguments, [(i, row, texts[i].ends) for row, i in enumerate(numbers)])


def arrange_trees(
    model: PreTrainedModel, texts: Sequence[step_text.Encoded], trees: Sequence[prefix_tree.Tree]
) -> Part:
    """A row for each tree of texts that share prefixes."""
    places = []
    for row, tree in enumerate(trees):
        places += [(i, row, where[[*texts[i].ends]]) for i, where in tree.places.items()]
    return Part(prefix_tree.inputs(trees, model), places)


def _batch_rows(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[step_text.Encoded],
    batch_tokens: int,
) -> Iterator[Part]:
    """Batches with a row for each text."""
    for batch in batches([len(e.ids) for e in texts], batch_tokens):
        yield arrange_rows(model, tokenizer, texts, batch)


def _batch_trees(
    model: PreTrainedModel, texts: Sequence[step_text.Encoded], batch_tokens: int
) -> Iterator[Part]:
    """Batches with a row for each tree; the masks of a batch have at most 64 * `batch_tokens`
    entries.
    """
    trees = prefix_tree.pack([e.ids for e in texts], model.config.get_text_config().hidden_size)
    for batch in batches([len(tree.ids) ** 2 for tree in trees], 64 * batch_tokens):
        yield arrange_trees(model, texts, [trees[i] for i in batch])
