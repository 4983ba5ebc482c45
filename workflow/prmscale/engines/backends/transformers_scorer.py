"""Scores every step of a solution with a reward model: any token-classification folder with one
label.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

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
from prmscale.engines.backends.loading import load_pretrained, placed
from prmscale.engines.flops import Shape
from prmscale.engines.scorer import StepScorer
from prmscale.tasks import steps as step_text


def batches(lengths: Sequence[int], tokens: int) -> list[list[int]]:
    """Indices in batches of alike lengths, each of at most `tokens` positions once padded."""
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
    """What the model reads of a batch: token ids [rows, longest], and which belong to the solution
    if it asks for it.

    Padding stands on the right of a causal model: no mask is needed, and the fast kernel is used.
    """
    read = {"input_ids": pad([e.ids for e in batch], tokenizer.pad_token_id or 0)}
    if getattr(model, "reads_token_types", False):
        read["token_type_ids"] = pad(
            [[0] * e.start + [1] * (len(e.ids) - e.start) for e in batch], 0
        )
    return {name: tensor.to(model.device) for name, tensor in read.items()}


class TransformersScorer(StepScorer):
    """A reward model read by transformers' own model; the reference for other engines."""

    def __init__(self, folder: str | Path, device: str, batch_tokens: int = 16384) -> None:
        super().__init__()
        model, self.tokenizer = self.load(str(folder))
        self.model = placed(model, device)
        self.shape = Shape.of(self.model)
        self.batch_tokens = batch_tokens

    def load(self, folder: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
        """The reward model of a folder and its tokenizer."""
        return load_pretrained(AutoModelForTokenClassification, folder), load_pretrained(
            AutoTokenizer, folder
        )

    def _scores(
        self, encoded: Sequence[step_text.Encoded], progress: str | None
    ) -> list[np.ndarray]:
        return score_encoded(self.model, self.tokenizer, encoded, self.batch_tokens, progress)


def right(logits: torch.Tensor) -> torch.Tensor:
    """P(right) [...] of logits [..., classes]: the sigmoid of a single one, or the softmax over
    wrong and right.
    """
    return torch.sigmoid(
        logits[..., 0] if logits.shape[-1] == 1 else logits[..., 1] - logits[..., 0]
    )


@torch.inference_mode()
def score_encoded(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    encoded: Sequence[step_text.Encoded],
    batch_tokens: int,
    progress: str | None = None,
) -> list[np.ndarray]:
    """Step scores of encoded solutions, each text read once, in batches of at most `batch_tokens`
    positions.
    """
    keys = [(tuple(e.ids), tuple(e.ends), e.start) for e in encoded]
    texts = dict(zip(keys, encoded, strict=True))
    distinct = list(texts.values())
    scores: list[np.ndarray] = [np.empty(0)] * len(distinct)
    split = _in_trees if prefix_tree.readable(model) else _in_rows
    with tqdm(total=len(distinct), desc=progress, unit="solution", disable=progress is None) as bar:
        for read, marks in split(model, tokenizer, distinct, batch_tokens):
            probabilities = right(model(**read).logits.float()).cpu().numpy()
            for i, row, places in marks:
                scores[i] = probabilities[row, places].astype(np.float64)
            bar.update(len(marks))
    by_key = dict(zip(texts, scores, strict=True))
    return [by_key[key] for key in keys]


# what the model reads of a batch, and for each text in it its number, its row and where its steps
# end
Batch = tuple[
    dict[str, torch.Tensor], Sequence[tuple[int, int, Sequence[int] | prefix_tree.Numbers]]
]


def _in_rows(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[step_text.Encoded],
    batch_tokens: int,
) -> Iterator[Batch]:
    """A row for each text."""
    for batch in batches([len(e.ids) for e in texts], batch_tokens):
        read = inputs(model, tokenizer, [texts[i] for i in batch])
        yield read, [(i, row, texts[i].ends) for row, i in enumerate(batch)]


def _in_trees(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[step_text.Encoded],
    batch_tokens: int,
) -> Iterator[Batch]:
    """A row for each tree of texts that begin alike; as many as have a mask of 64 positions for
    every token.
    """
    trees = prefix_tree.pack([e.ids for e in texts], model.config.get_text_config().hidden_size)
    for batch in batches([len(tree.ids) ** 2 for tree in trees], 64 * batch_tokens):
        rows = [trees[i] for i in batch]
        marks = [
            (i, row, places[[*texts[i].ends]])
            for row, tree in enumerate(rows)
            for i, places in tree.places.items()
        ]
        yield prefix_tree.inputs(rows, model), marks
