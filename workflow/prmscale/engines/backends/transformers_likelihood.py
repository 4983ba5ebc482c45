"""The likelihood of solutions under a language model that did not write them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tqdm import tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase

from prmscale.engines.backends.loading import load_pretrained, place
from prmscale.engines.backends.transformers_scorer import batches, pad
from prmscale.engines.finite import require_finite
from prmscale.engines.flops import Shape
from prmscale.engines.heads import log_probability, predictions
from prmscale.tasks import steps as step_text
from prmscale.tasks.base import Prefix, Problem


@dataclass(frozen=True)
class Likelihood:
    """Sum and minimum of a solution's token log-probabilities (nats, temperature 1), and FLOPs."""

    logprob: float
    min_logprob: float
    flops: float


def encode(
    tokenizer: PreTrainedTokenizerBase, problem: Problem, steps: Prefix, ended: bool
) -> step_text.Encoded:
    """The tokens of the plain problem and a solution, with end-of-text if its policy `ended` it."""
    start = len(step_text.encode(tokenizer, problem.prompt, ())[0])
    ids, ends = step_text.encode(tokenizer, problem.prompt, steps)
    if ended and tokenizer.eos_token_id is not None:
        ids.append(tokenizer.eos_token_id)
    return step_text.Encoded(ids, ends, start)


class TransformersLikelihood:
    """A causal language model that judges solutions without reward training."""

    def __init__(
        self,
        folder: str | Path,
        device: str,
        revision: str | None = None,
        batch_tokens: int = 16384,
    ) -> None:
        self.tokenizer = load_pretrained(AutoTokenizer, folder, revision=revision)
        self.model = place(load_pretrained(AutoModelForCausalLM, folder, revision=revision), device)
        self.shape = Shape.from_model(self.model)
        self.batch_tokens = batch_tokens

    def read(
        self, items: Sequence[tuple[Problem, Prefix, bool]], progress: str | None = None
    ) -> list[Likelihood]:
        """The likelihood of each (problem, steps, ended).

        `ended`: its policy ended the solution, so the end-of-text token counts as well. The same
        solution of a problem is read only once.
        """
        keys = [(p.problem_id, steps, ended) for p, steps, ended in items]
        unique = dict(zip(keys, items, strict=True))
        known = dict(zip(unique, self._read(list(unique.values()), progress), strict=True))
        return [known[key] for key in keys]

    @torch.inference_mode()
    def _read(
        self, items: Sequence[tuple[Problem, Prefix, bool]], progress: str | None
    ) -> list[Likelihood]:
        texts = [encode(self.tokenizer, *item) for item in items]
        encoded = [text.ids for text in texts]
        found = [Likelihood(0.0, 0.0, 0.0)] * len(items)
        with tqdm(
            total=len(items), desc=progress, unit="solution", disable=progress is None
        ) as bar:
            for batch in batches([len(ids) for ids in encoded], self.batch_tokens):
                ids = pad([encoded[i] for i in batch], 0).to(self.model.device)
                logprobs = predictions(self.model, ids, log_probability)[..., 0].cpu()
                for row, i in enumerate(batch):
                    length = len(encoded[i])
                    tokens = logprobs[row, texts[i].start : length]
                    total = float(tokens.sum())
                    require_finite(total, "the log-probability of the tokens")
                    lowest = float(tokens.min()) if len(tokens) else 0.0
                    flops = self.shape.forward_flops(length)
                    found[i] = Likelihood(total, lowest, flops)
                bar.update(len(batch))
        return found
