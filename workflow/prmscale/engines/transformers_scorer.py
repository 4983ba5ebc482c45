"""Scores every step of a solution with a reward model: any token-classification folder with one label."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from tqdm import tqdm
from transformers import AutoModelForTokenClassification, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from prmscale.engines.flops import Shape
from prmscale.engines.loading import load_pretrained, placed
from prmscale.engines.requests import Prefix, Scored
from prmscale.tasks import steps as step_text
from prmscale.tasks.base import Problem


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
    """What the model reads of a batch: token ids [rows, longest], and which belong to the solution if it asks for it.

    Padding stands on the right of a causal model: no mask is needed, and the fast kernel is used.
    """
    read = {"input_ids": pad([e.ids for e in batch], tokenizer.pad_token_id or 0)}
    if getattr(model, "reads_token_types", False):
        read["token_type_ids"] = pad([[0] * e.start + [1] * (len(e.ids) - e.start) for e in batch], 0)
    return {name: tensor.to(model.device) for name, tensor in read.items()}


class TransformersScorer:
    """A process reward model read at each step's end; scores are probabilities that the step is right."""

    def __init__(self, folder: str | Path, device: str, batch_tokens: int = 16384) -> None:
        model, self.tokenizer = self.load(str(folder))
        self.model = placed(model, device)
        self.shape = Shape.of(self.model)
        self.batch_tokens = batch_tokens
        self.seconds, self.read = 0.0, 0
        self._known: dict[tuple[str, Prefix], Scored] = {}

    def load(self, folder: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
        """The reward model of a folder and its tokenizer."""
        return load_pretrained(AutoModelForTokenClassification, folder), load_pretrained(AutoTokenizer, folder)

    def encode(self, problem: Problem, steps: Prefix) -> step_text.Encoded:
        """A solution as the reward model reads it."""
        return step_text.encode_solution(self.tokenizer, problem.prompt, steps)

    @property
    def seconds_per_token(self) -> float:
        """Measured wall time of a token read, with full batches."""
        return self.seconds / max(self.read, 1)

    def score(self, items: Sequence[tuple[Problem, Prefix]], progress: str | None = None) -> list[Scored]:
        """Step scores of each solution, and what was read; the same solution of a problem is read only once."""
        started = perf_counter()
        new = {(p.problem_id, s): (p, s) for p, s in items if (p.problem_id, s) not in self._known}
        encoded = [self.encode(problem, steps) for problem, steps in new.values()]
        scores = score_encoded(self.model, self.tokenizer, encoded, self.batch_tokens, progress)
        for key, own, each in zip(new, scores, encoded, strict=True):
            self._known[key] = Scored(own, (each.start, *(end + 1 for end in each.ends)))
        self.seconds += perf_counter() - started
        self.read += sum(len(e.ids) for e in encoded)
        return [self._known[problem.problem_id, steps] for problem, steps in items]

    def forget(self) -> None:
        """Drop the scores known so far: what is read together from here on depends on nothing before."""
        self._known.clear()


def right(logits: torch.Tensor) -> torch.Tensor:
    """P(right) [...] of logits [..., classes]: the sigmoid of a single one, or the softmax over wrong and right."""
    return torch.sigmoid(logits[..., 0] if logits.shape[-1] == 1 else logits[..., 1] - logits[..., 0])


@torch.inference_mode()
def score_encoded(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    encoded: Sequence[step_text.Encoded],
    batch_tokens: int,
    progress: str | None = None,
) -> list[np.ndarray]:
    """Step scores of encoded solutions: one score a step, always."""
    scores: list[np.ndarray] = [np.empty(0)] * len(encoded)
    with tqdm(total=len(encoded), desc=progress, unit="solution", disable=progress is None) as bar:
        for batch in batches([len(e.ids) for e in encoded], batch_tokens):
            logits = model(**inputs(model, tokenizer, [encoded[i] for i in batch])).logits.float()
            probabilities = right(logits).cpu().numpy()
            for row, i in enumerate(batch):
                scores[i] = probabilities[row, encoded[i].ends].astype(np.float64)
            bar.update(len(batch))
    return scores
