"""The transformers engine: samples large batches from a causal language model with a KV cache.

Identical prefixes of a batch are read once and their samples share the cache; rows that have ended
are dropped from the batch as it shrinks. Every draw has its own stream of random numbers, so what
is sampled does not depend on the batch (up to the rounding of the matrix products, which may differ
with the batch's size).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from tqdm import tqdm
from transformers import AutoModelForCausalLM

from prmscale import seeds
from prmscale.engines.backends.loading import Weights, load_pretrained, placed
from prmscale.engines.backends.shared_prefix import ATTENTION, SharedPrefixCache, seat
from prmscale.engines.flops import Shape
from prmscale.engines.policy import Draw, Extension, SamplingPolicy
from prmscale.study import Prompting, Sampling


@dataclass
class _Row(Draw):
    """A draw in the making and its random numbers, one a token."""

    uniforms: np.ndarray = field(default_factory=lambda: np.empty(0))


class TransformersPolicy(SamplingPolicy):
    """A policy sampled by transformers' own model; the reference for other engines."""

    def __init__(
        self,
        name: str,
        weights: Weights,
        prompting: Prompting,
        sampling: Sampling,
        device: str,
        seed: int,
    ) -> None:
        super().__init__(name, weights, prompting, sampling, seed)
        model = load_pretrained(
            AutoModelForCausalLM,
            weights.folder,
            revision=weights.revision,
            dtype=getattr(torch, weights.dtype),
        )
        self.model = placed(model, device)
        self.model.set_attn_implementation(ATTENTION)
        self.shape = Shape.of(self.model)
        self.device = device

    def _draws(
        self, extensions: Sequence[Extension], ids: Sequence[list[int]], progress: str | None
    ) -> Iterator[Draw]:
        # alike lengths together: less padding, and rows that end at about the same time
        order = sorted(range(len(extensions)), key=lambda i: len(ids[i]))
        total = sum(e.samples for e in extensions)
        with tqdm(total=total, desc=progress, unit="sample", disable=progress is None) as bar:
            for chunk in self._chunks(order, extensions):
                yield from self._sample(chunk, extensions, ids)
                bar.update(len(chunk))

    def _chunks(
        self, order: list[int], extensions: Sequence[Extension]
    ) -> list[list[tuple[int, int]]]:
        """(extension, draw) pairs in batches of at most `sampling.batch` rows."""
        draws = [
            (i, extensions[i].first_draw + n) for i in order for n in range(extensions[i].samples)
        ]
        size = self.sampling.batch
        return [draws[at : at + size] for at in range(0, len(draws), size)]

    @torch.inference_mode()
    def _sample(
        self,
        chunk: list[tuple[int, int]],
        extensions: Sequence[Extension],
        ids: Sequence[list[int]],
    ) -> list[_Row]:
        rows = [self._row(extensions[owner], owner, draw, len(ids[owner])) for owner, draw in chunk]
        unique = list(dict.fromkeys(tuple(ids[owner]) for owner, _ in chunk))
        cache, logits, read = self._read(unique)
        number = {prefix: at for at, prefix in enumerate(unique)}
        prefixes = {i: number[tuple(ids[row.owner])] for i, row in enumerate(rows)}
        seating = seat(prefixes, read.shape[1], 0)
        cache.share(seating.entries)
        mask = read[seating.entries].repeat_interleave(seating.slots, 0)
        logits = logits[seating.entries].repeat_interleave(seating.slots, 0)
        while True:
            seated = [None if i is None else rows[i] for i in seating.rows]
            tokens = self._draw(logits, seated)
            going = [
                i
                for i, row, token in zip(seating.rows, seated, tokens, strict=True)
                if i is not None and row and not self._ended(row, token, extensions[row.owner])
            ]
            if not going:
                return rows
            # dropping rows copies the cache: worth it once a quarter is gone
            if len(going) <= 0.75 * len(seated):
                written = mask.shape[1] - read.shape[1]
                old, seating = (
                    seating,
                    seat({i: prefixes[i] for i in going}, read.shape[1], written),
                )
                at = {i: place for place, i in enumerate(old.rows)}
                seats = [0 if i is None else at[i] for i in seating.rows]
                entry = {prefix: place for place, prefix in enumerate(old.entries)}
                cache.move([entry[prefix] for prefix in seating.entries], seats)
                mask, tokens = mask[seats], tokens[seats]
            mask = torch.cat([mask, mask.new_ones(len(tokens), 1)], dim=1)
            out = self.model(
                torch.as_tensor(tokens, device=self.device)[:, None],
                attention_mask=mask,
                position_ids=mask.sum(1, keepdim=True) - 1,
                past_key_values=cache,
                use_cache=True,
            )
            logits = out.logits[:, -1]

    def _row(self, extension: Extension, owner: int, draw: int, context: int) -> _Row:
        limit = self._limit(extension.problem, context)
        stream = seeds.generator(
            self.seed, self.name, extension.problem.problem_id, extension.prefix, draw
        )
        return _Row(owner, draw, limit, self._opened(extension), uniforms=stream.random(limit))

    def _read(
        self, prompts: Sequence[Sequence[int]]
    ) -> tuple[SharedPrefixCache, torch.Tensor, torch.Tensor]:
        """Left-pad and read the prompts; returns the cache, the next-token logits and the attention
        mask.
        """
        longest = max(map(len, prompts))
        pad = (
            self.tokenizer.pad_token_id
            if self.tokenizer.pad_token_id is not None
            else next(iter(self._ends))
        )
        ids = torch.full((len(prompts), longest), pad)
        mask = torch.zeros_like(ids)
        for i, prompt in enumerate(prompts):
            ids[i, longest - len(prompt) :] = torch.tensor(prompt)
            mask[i, longest - len(prompt) :] = 1
        ids, mask = ids.to(self.device), mask.to(self.device)
        cache = SharedPrefixCache(self.model.config)
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        out = self.model(
            ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return cache, out.logits[:, -1], mask

    def _draw(self, logits: torch.Tensor, seated: Sequence[_Row | None]) -> np.ndarray:
        """The next token of each seat by inverse transform sampling, recorded in its row unless
        that has ended.
        """
        logs = torch.log_softmax(logits.float(), dim=-1)
        uniforms = torch.tensor(
            [row.uniforms[min(len(row.tokens), row.limit - 1)] if row else 0.0 for row in seated],
            device=logits.device,
        )
        tokens = sample(logits.float(), uniforms, self.sampling.temperature, self.sampling.top_p)
        chosen = logs.gather(1, tokens[:, None])[:, 0].tolist()
        # mean over the vocabulary of log(1 / (V p)): KL divergence from uniform to the next-token
        # distribution
        confidence = (-logs.clamp(min=-100).mean(1) - np.log(logs.shape[1])).tolist()
        drawn = tokens.cpu().numpy()
        for i, row in enumerate(seated):
            if row and row.finish_reason is None:
                row.tokens.append(int(drawn[i]))
                row.logprobs.append(chosen[i])
                row.certainties.append(confidence[i])
        return drawn

    def _ended(self, row: _Row, token: int, extension: Extension) -> bool:
        """Whether the row needs no more tokens; a row that ended stays so while it waits to be
        dropped.
        """
        if row.finish_reason is None:
            self._end(row, extension, int(token) in self._ends)
        return row.finish_reason is not None


def sample(
    logits: torch.Tensor, uniforms: torch.Tensor, temperature: float, top_p: float
) -> torch.Tensor:
    """Draw one token per row by inverse transform sampling.

    logits [rows, vocabulary]; uniforms [rows] in [0, 1). Temperature 0 takes the most likely token.
    `top_p` < 1 keeps the smallest set of most likely tokens whose probability reaches it (Holtzman
    et al. 2020, arXiv 1904.09751).
    """
    if temperature == 0:
        return logits.argmax(-1)
    probabilities = torch.softmax(logits.double() / temperature, dim=-1)
    order = None
    if top_p < 1:
        probabilities, order = probabilities.sort(descending=True)
        probabilities = probabilities * (probabilities.cumsum(-1) - probabilities < top_p)
    cumulative = probabilities.cumsum(-1)
    tokens = torch.searchsorted(
        cumulative, (uniforms.double() * cumulative[:, -1])[:, None], right=True
    )
    tokens = tokens.clamp(max=logits.shape[1] - 1)
    return (tokens if order is None else order.gather(1, tokens))[:, 0]
