"""The transformers engine: samples large batches from a causal language model with a KV cache.

Identical prefixes of a batch are read once and their samples share the cache. Rows that have ended
are dropped from the batch. Every draw has a separate stream of random numbers, so the samples do
not depend on the batch (up to the rounding of matrix products, which may depend on its size).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from tqdm import tqdm
from transformers import AutoModelForCausalLM

from prmscale import seeds
from prmscale.engines import memory
from prmscale.engines.backends.loading import Weights, load_pretrained, place
from prmscale.engines.backends.shared_prefix import (
    ATTENTION,
    Seating,
    SharedPrefixCache,
    seat,
)
from prmscale.engines.backends.transformers_scorer import batches
from prmscale.engines.flops import Shape
from prmscale.engines.policy import Draw, SamplingPolicy
from prmscale.engines.requests import Extension
from prmscale.study import Prompting, Sampling


@dataclass
class _Row(Draw):
    """An unfinished draw and its random numbers, one per token."""

    uniforms: np.ndarray = field(default_factory=lambda: np.empty(0))


@dataclass
class _Batch:
    """Rows that decode together: their seats, cache and attention mask [seats, positions].

    `prefixes` maps each row to its prefix; the prefixes have `shared` positions with padding.
    """

    prefixes: dict[int, int]
    shared: int
    seating: Seating
    cache: SharedPrefixCache
    mask: torch.Tensor

    def reseat(self, rows: Sequence[int]) -> list[int]:
        """Keep only these rows; returns the former seat of each seat (0 for an empty one)."""
        old = self.seating
        written = self.mask.shape[1] - self.shared
        self.seating = seat({i: self.prefixes[i] for i in rows}, self.shared, written)
        seat_of = {i: number for number, i in enumerate(old.rows)}
        entry_of = {prefix: number for number, prefix in enumerate(old.entries)}
        seats = [0 if i is None else seat_of[i] for i in self.seating.rows]
        self.cache.move([entry_of[prefix] for prefix in self.seating.entries], seats)
        self.mask = self.mask[seats]
        return seats


class TransformersPolicy(SamplingPolicy):
    """A policy sampled by transformers; the reference for other engines."""

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
        self.model = place(model, device)
        self.model.set_attn_implementation(ATTENTION)
        self.shape = Shape.from_model(self.model)
        self.device = device

    @torch.inference_mode()
    def next_logprobs(
        self, texts: Sequence[list[int]], words: Sequence[int], progress: str | None = None
    ) -> np.ndarray:
        """The log-probabilities [texts, words] of these tokens after each text."""
        found = np.empty((len(texts), len(words)))
        with tqdm(total=len(texts), desc=progress, unit="text", disable=progress is None) as bar:
            for batch in batches([len(text) for text in texts], memory.READ_TOGETHER):
                _, logits, _ = self._read([texts[i] for i in batch])
                logprobs = torch.log_softmax(logits.float(), -1)[:, list(words)]
                found[batch] = logprobs.cpu().numpy()
                bar.update(len(batch))
        return found

    def _draws(
        self, extensions: Sequence[Extension], ids: Sequence[list[int]], progress: str | None
    ) -> Iterator[Draw]:
        # similar lengths together: less padding, and rows that end at about the same time
        going = self._find_room(extensions, ids)
        order = sorted((i for i, _ in going), key=lambda i: len(ids[i]))
        total = sum(e.samples for _, e in going)
        with tqdm(total=total, desc=progress, unit="sample", disable=progress is None) as bar:
            for chunk in self._chunks(order, extensions):
                yield from self._sample(chunk, extensions, ids)
                bar.update(len(chunk))

    def _chunks(
        self, order: list[int], extensions: Sequence[Extension]
    ) -> list[list[tuple[int, int]]]:
        """(extension, draw) pairs in batches of at most `sampling.batch` rows."""
        draws = []
        for i in order:
            first = extensions[i].first_draw
            draws += [(i, first + n) for n in range(extensions[i].samples)]
        size = self.sampling.batch
        return [draws[at : at + size] for at in range(0, len(draws), size)]

    @torch.inference_mode()
    def _sample(
        self,
        chunk: list[tuple[int, int]],
        extensions: Sequence[Extension],
        ids: Sequence[list[int]],
    ) -> list[_Row]:
        """The draws of one batch, sampled to their ends."""
        rows = [self._row(extensions[owner], owner, draw, len(ids[owner])) for owner, draw in chunk]
        batch, logits = self._start([ids[owner] for owner, _ in chunk])
        while True:
            seated = [None if i is None else rows[i] for i in batch.seating.rows]
            tokens = self._draw(logits, seated)
            going = [
                i
                for i, row, token in zip(batch.seating.rows, seated, tokens, strict=True)
                if i is not None and row and not self._advance(row, token, extensions[row.owner])
            ]
            if not going:
                return rows
            # dropping rows copies the cache: worth it once a quarter is gone
            if len(going) <= 0.75 * len(seated):
                tokens = tokens[batch.reseat(going)]
            logits = self._decode(batch, tokens)

    def _start(self, prompts: Sequence[list[int]]) -> tuple[_Batch, torch.Tensor]:
        """Read the distinct prompts and seat a row for each prompt; returns next-token logits."""
        distinct = list(dict.fromkeys(map(tuple, prompts)))
        cache, logits, mask = self._read(distinct)
        number = {prompt: at for at, prompt in enumerate(distinct)}
        prefixes = {i: number[tuple(prompt)] for i, prompt in enumerate(prompts)}
        seating = seat(prefixes, shared=mask.shape[1], written=0)
        cache.share(seating.entries)
        slots = seating.slots
        batch = _Batch(
            prefixes,
            mask.shape[1],
            seating,
            cache,
            mask[seating.entries].repeat_interleave(slots, 0),
        )
        return batch, logits[seating.entries].repeat_interleave(slots, 0)

    def _decode(self, batch: _Batch, tokens: np.ndarray) -> torch.Tensor:
        """Append a token to each seat; returns the logits of the next ones."""
        batch.mask = torch.cat([batch.mask, batch.mask.new_ones(len(tokens), 1)], dim=1)
        out = self.model(
            torch.as_tensor(tokens, device=self.device)[:, None],
            attention_mask=batch.mask,
            position_ids=batch.mask.sum(1, keepdim=True) - 1,
            past_key_values=batch.cache,
            use_cache=True,
        )
        return out.logits[:, -1]

    def _row(self, extension: Extension, owner: int, draw: int, context: int) -> _Row:
        limit = self._limit(extension.problem, context)
        stream = seeds.generator(
            self.seed, self.name, extension.problem.problem_id, extension.prefix, draw
        )
        return _Row(owner, draw, limit, self._open_tag(extension), uniforms=stream.random(limit))

    def _read(
        self, prompts: Sequence[Sequence[int]]
    ) -> tuple[SharedPrefixCache, torch.Tensor, torch.Tensor]:
        """Left-pad and read the prompts; returns cache, next-token logits and attention mask."""
        longest = max(map(len, prompts))
        pad = self.tokenizer.pad_token_id
        if pad is None:
            pad = next(iter(self._ends))
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
        """Sample the next token of each seat and append it to its row, if that is unfinished."""
        logs = torch.log_softmax(logits.float(), dim=-1)
        numbers = []
        for row in seated:
            numbers.append(row.uniforms[min(len(row.tokens), row.limit - 1)] if row else 0.0)
        uniforms = torch.tensor(numbers, device=logits.device)
        tokens = sample(logits.float(), uniforms, self.sampling.temperature, self.sampling.top_p)
        chosen = logs.gather(1, tokens[:, None])[:, 0].tolist()
        # KL(uniform || p), the mean over the vocabulary of log(1 / (V p))
        certainty = (-logs.clamp(min=-100).mean(1) - np.log(logs.shape[1])).tolist()
        drawn = tokens.cpu().numpy()
        for i, row in enumerate(seated):
            if row and row.finish_reason is None:
                row.tokens.append(int(drawn[i]))
                row.logprobs.append(chosen[i])
                row.certainties.append(certainty[i])
        return drawn

    def _advance(self, row: _Row, token: int, extension: Extension) -> bool:
        """Update an unfinished row by its new token; returns whether the row is finished."""
        if row.finish_reason is None:
            self._end(row, extension, int(token) in self._ends)
        return row.finish_reason is not None


def sample(
    logits: torch.Tensor, uniforms: torch.Tensor, temperature: float, top_p: float
) -> torch.Tensor:
    """Draw one token per row by inverse transform sampling.

    logits [rows, vocabulary]; uniforms [rows] in [0, 1). Temperature 0 takes the most likely token.
    `top_p` < 1 samples from the smallest set of most likely tokens whose probability reaches it
    (Holtzman et al. 2020, arXiv 1904.09751).
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
