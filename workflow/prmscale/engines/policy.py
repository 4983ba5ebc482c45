"""What every engine that samples from a language model shares: prompts, token ids, limits, and what it hands back.

An engine is a subclass that says how the tokens of many draws are sampled together.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Literal

import numpy as np
from transformers import AutoConfig, AutoTokenizer, GenerationConfig

from prmscale.engines.flops import Shape
from prmscale.engines.loading import load_pretrained
from prmscale.engines.requests import Continuation, Prefix, Until
from prmscale.study import Prompting, Sampling
from prmscale.tasks import steps as step_text
from prmscale.tasks.base import Problem


@dataclass(frozen=True)
class Extension:
    """One prefix of one problem to extend `samples` times; its draws are numbered from `first_draw`."""

    problem: Problem
    prefix: Prefix
    samples: int
    first_draw: int
    until: Until


@dataclass
class Draw:
    """Draw number `draw` of extension number `owner`: at most `limit` tokens, and what is known of those sampled.

    `confidence` is the sum of their self-certainty, NaN where an engine cannot tell it.
    """

    owner: int
    draw: int
    limit: int
    tokens: list[int] = field(default_factory=list)
    logprob: float = 0.0
    min_logprob: float = 0.0
    confidence: float = 0.0
    finish_reason: Literal["stop", "step", "length"] | None = None


class SamplingPolicy(ABC):
    """A causal language model of a Hugging Face folder or hub name, sampling steps or whole solutions."""

    shape: Shape

    def __init__(self, name: str, folder: str | Path, prompting: Prompting, sampling: Sampling, seed: int) -> None:
        self.name, self.prompting, self.sampling, self.seed = name, prompting, sampling, seed
        self.tokenizer = load_pretrained(AutoTokenizer, folder, revision=prompting.revision)
        ends = _generation_config(folder, prompting.revision).eos_token_id or self.tokenizer.eos_token_id
        self._ends = set(ends if isinstance(ends, list) else [ends])
        self.seconds, self.generated = 0.0, 0
        self._prompt_lengths: dict[str, int] = {}
        texts = self.tokenizer.batch_decode([[i] for i in range(len(self.tokenizer))])
        self._closes_step = np.array([step_text.STEP_END in text for text in texts])
        self._is_blank = np.array([not text.strip() for text in texts])

    @property
    def seconds_per_token(self) -> float:
        """Measured wall time of a generated token, with full batches."""
        return self.seconds / max(self.generated, 1)

    def extend(self, extensions: Sequence[Extension], progress: str | None = None) -> list[list[Continuation]]:
        """Sample every extension; reply i holds the continuations of extension i in order of their draws."""
        started = perf_counter()
        ids = [self._ids(e.problem, e.prefix) for e in extensions]
        replies: list[list[Continuation]] = [[] for _ in extensions]
        for draw in self._draws(extensions, ids, progress):
            replies[draw.owner].append(self._continuation(draw, len(ids[draw.owner])))
        self.seconds += perf_counter() - started
        self.generated += sum(c.tokens for reply in replies for c in reply)
        return replies

    def forget(self) -> None:  # noqa: B027  (most engines have nothing to forget)
        """Drop what was read so far: what is sampled from here on depends on nothing before, to the last bit."""

    @abstractmethod
    def _draws(self, extensions: Sequence[Extension], ids: Sequence[list[int]], progress: str | None) -> Iterable[Draw]:
        """All draws, sampled to their ends, those of an extension in order; `ids` are the tokens that it continues."""

    def _ids(self, problem: Problem, prefix: Prefix) -> list[int]:
        plain = self.prompting.style == "plain"
        return step_text.encode(self.tokenizer, self._prompt(problem), prefix, special=plain)[0]

    def _prompt(self, problem: Problem) -> str:
        if self.prompting.style == "plain":
            return problem.prompt
        instruction = self.prompting.instructions[problem.domain]
        chat = [{"role": "user", "content": f"{instruction}\n\n{problem.prompt}"}]
        return str(self.tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True))

    def _limit(self, problem: Problem, context: int) -> int:
        """Tokens that a draw may have: those of a whole solution less those of the steps it continues."""
        if problem.problem_id not in self._prompt_lengths:
            self._prompt_lengths[problem.problem_id] = len(self._ids(problem, ()))
        return max(1, self.sampling.max_tokens - (context - self._prompt_lengths[problem.problem_id]))

    def _continuation(self, draw: Draw, context: int) -> Continuation:
        ended = draw.finish_reason == "stop"
        text = self.tokenizer.decode(draw.tokens[:-1] if ended else draw.tokens, skip_special_tokens=True)
        reading = self.shape.forward(context)
        return Continuation(
            steps=tuple(step_text.split(text)),
            finish_reason=None if draw.finish_reason == "step" else draw.finish_reason,
            tokens=len(draw.tokens),
            logprob=draw.logprob,
            confidence=draw.confidence / len(draw.tokens),
            prefix_tokens=context,
            flops=reading + self.shape.forward(len(draw.tokens), context),
            min_logprob=draw.min_logprob,
            prefix_flops=reading,
        )


def _generation_config(folder: str | Path, revision: str | None) -> GenerationConfig:
    """How a model says it is generated from: the tokens that end a text are here."""
    try:
        return GenerationConfig.from_pretrained(str(folder), revision=revision or "main")
    except OSError:  # it has no such file: what its config.json says
        return GenerationConfig.from_model_config(load_pretrained(AutoConfig, folder, revision=revision))
