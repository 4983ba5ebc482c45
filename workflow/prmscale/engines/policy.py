"""The base class of engines that sample: prompts, token ids, limits, steps and continuations.

A subclass defines how the tokens of many draws are sampled together.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from time import perf_counter
from typing import Literal

import numpy as np
from transformers import AutoConfig, AutoTokenizer, GenerationConfig, PreTrainedTokenizerBase

from prmscale.engines.backends.loading import Weights, load_pretrained
from prmscale.engines.chat import Chat
from prmscale.engines.finite import require_finite
from prmscale.engines.flops import Shape
from prmscale.engines.requests import Asked, Continuation, Extension, Written
from prmscale.study import Prompting, Sampling
from prmscale.tasks import steps as step_text
from prmscale.tasks import thoughts
from prmscale.tasks.base import Prefix, Problem


@dataclass
class Draw:
    """Draw number `draw` of extension number `owner`: at most `limit` sampled tokens.

    Each token has a log-probability and a self-certainty (NaN if the engine does not know it). If
    one step was asked for, `step` is its text and the first `kept` tokens form it; more may have
    been sampled to detect its end. `opened` is the tag of a hidden thought that the prompt opens.
    `thinking`: the draw is in a hidden thought, and its first `looked` tokens do not close it.
    """

    owner: int
    draw: int
    limit: int
    opened: str = ""
    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    certainties: list[float] = field(default_factory=list)
    finish_reason: Literal["stop", "step", "length"] | None = None
    step: str | None = None
    kept: int | None = None
    looked: int = 0
    judged: int = 0  # the number of lines that are known not to begin a second step
    thinking: bool = field(init=False)

    def __post_init__(self) -> None:
        self.thinking = bool(self.opened)

    @property
    def is_cut(self) -> bool:
        """Whether the draw was cut at its limit."""
        return self.finish_reason == "length"


class SamplingPolicy(ABC):
    """A causal language model (Hugging Face folder or hub name) that samples steps or solutions.

    `dtype` is the number format of its weights. `is_certainty_asked`: an engine to which
    self-certainty costs something measures it then alone.
    """

    shape: Shape
    is_certainty_asked = False

    def __init__(
        self, name: str, weights: Weights, prompting: Prompting, sampling: Sampling, seed: int
    ) -> None:
        self.name, self.prompting, self.sampling, self.seed = name, prompting, sampling, seed
        self.dtype = weights.dtype
        self.tokenizer = load_pretrained(AutoTokenizer, weights.folder, revision=weights.revision)
        ends = _generation_config(weights.folder, weights.revision).eos_token_id
        ends = self.tokenizer.eos_token_id if ends is None else ends
        self._ends = set(ends if isinstance(ends, list) else [ends])
        self.chat = Chat(name, self.tokenizer, prompting)
        self.seconds, self.generated = 0.0, 0
        self._prompts: dict[str, list[int]] = {}
        token_ids = [[i] for i in range(len(self.tokenizer))]
        texts = self.tokenizer.batch_decode(token_ids)
        self._holds_line_end = np.array([step_text.STEP_END in text for text in texts])
        self._omitted = _find_special(self.tokenizer)

    @property
    def seconds_per_token(self) -> float:
        """Measured wall time of a generated token, with full batches, in seconds."""
        return self.seconds / max(self.generated, 1)

    def extend(
        self, extensions: Sequence[Extension], progress: str | None = None
    ) -> list[list[Continuation]]:
        """Sample every extension; reply i holds the continuations of extension i, in draw order."""
        started = perf_counter()
        ids = [self._ids(e.problem, e.prefix) for e in extensions]
        replies = self._reply(extensions, ids, self._draws(extensions, ids, progress))
        self.seconds += perf_counter() - started
        return replies

    def _reply(
        self, extensions: Sequence[Extension], ids: Sequence[list[int]], draws: Iterable[Draw]
    ) -> list[list[Continuation]]:
        """The continuations that finished draws stand for; an extension without room for a token
        has none.
        """
        replies: list[list[Continuation]] = [[] for _ in extensions]
        for draw in draws:
            extension, context = extensions[draw.owner], len(ids[draw.owner])
            replies[draw.owner].append(self._continuation(draw, extension, context))
        for e, reply in zip(extensions, replies, strict=True):
            cut = Continuation((), "length", 0)  # before its first token
            reply += [cut] * (e.samples - len(reply))
        self.generated += sum(c.tokens for c in chain.from_iterable(replies))
        return replies

    def write(
        self, texts: Sequence[Asked], samples: int, progress: str | None = None
    ) -> list[list[Written]]:
        """Continue each text `samples` times, by at most `sampling.max_tokens` tokens."""
        extensions = []
        for text in texts:
            stand_in = Problem(text.name, "math", "test", "", None, None, 0, "", "")
            extensions.append(Extension(stand_in, (), samples, 0, "end", text.stops))
            self._prompts[text.name] = text.ids
        replies: list[list[Written]] = [[] for _ in texts]
        for draw in self._draws(extensions, [text.ids for text in texts], progress):
            replies[draw.owner].append(self._written(draw, texts[draw.owner].stops))
        for text in texts:
            del self._prompts[text.name]
        return replies

    def _written(self, draw: Draw, stops: Sequence[str]) -> Written:
        text = self._text([token for token in draw.tokens if token not in self._ends])
        ends = [at for at in map(text.find, stops) if at >= 0]
        return Written(text[: min(ends, default=None)], len(draw.tokens), draw.is_cut)

    @abstractmethod
    def next_logprobs(
        self, texts: Sequence[list[int]], words: Sequence[int], progress: str | None = None
    ) -> np.ndarray:
        """The log-probabilities [texts, words] of these tokens after each text (temperature 1)."""

    def forget(self) -> None:  # noqa: B027  (most engines have nothing to forget)
        """Drop all caches, so that later samples do not depend on earlier ones, to the last bit."""

    @abstractmethod
    def _draws(
        self, extensions: Sequence[Extension], ids: Sequence[list[int]], progress: str | None
    ) -> Iterable[Draw]:
        """All draws of the extensions that have room for a token, sampled to their ends, in order
        within an extension.

        `ids` are the tokens that each extension continues.
        """

    def _find_room(
        self, extensions: Sequence[Extension], ids: Sequence[list[int]]
    ) -> list[tuple[int, Extension]]:
        """The extensions that have room for a token, with their numbers."""
        return [(i, e) for i, e in enumerate(extensions) if self._limit(e.problem, len(ids[i])) > 0]

    def _ids(self, problem: Problem, prefix: Prefix) -> list[int]:
        prompt = self._prompt(problem)
        if prefix and self.chat.opened and self._hides:
            prompt = prompt + self.chat.closing_ids  # the steps are the reply, not the thought
        return step_text.extend(self.tokenizer, prompt, prefix)[0]

    def _prompt(self, problem: Problem) -> list[int]:
        if problem.problem_id not in self._prompts:
            self._prompts[problem.problem_id] = self.chat.ids(problem)
        return self._prompts[problem.problem_id]

    def _limit(self, problem: Problem, context: int) -> int:
        """The most tokens of a draw: a solution's limit less the tokens of the prefix's steps."""
        return self.sampling.max_tokens - (context - len(self._prompt(problem)))

    def _open_tag(self, extension: Extension) -> str:
        """The tag of the hidden thought that a draw begins in, or empty."""
        return self.chat.opened if self._hides and not extension.prefix else ""

    @property
    def _hides(self) -> bool:
        return self.prompting.thoughts == "hidden"

    def _end(self, draw: Draw, extension: Extension, ended: bool) -> None:
        """Set a draw's finish_reason if it is finished.

        `ended`: its last token ends the solution.
        """
        ended = ended or self._holds_stop(draw, extension.stops)
        if ended or len(draw.tokens) >= draw.limit:
            draw.finish_reason = "stop" if ended else "length"
        # a padded vocabulary has tokens that the tokenizer does not know
        last = draw.tokens[-1]
        ends_line = last < len(self._holds_line_end) and self._holds_line_end[last]
        if extension.until == "step" and (draw.finish_reason or ends_line):
            self._find_step(draw, extension, ended)

    def _holds_stop(self, draw: Draw, stops: Sequence[str]) -> bool:
        """Whether the draw's last tokens complete one of these texts."""
        if not stops:
            return False
        end = self._text(draw.tokens[-max(map(len, stops)) :])  # a token has a character or more
        return any(stop in end for stop in stops)

    def _find_step(self, draw: Draw, extension: Extension, ended: bool) -> None:
        """End a draw with its first step, unless the step may go on or ends the solution."""
        if draw.thinking and not self._leaves_thought(draw):
            return
        tokens = draw.tokens[:-1] if ended else draw.tokens
        thought, text = self._separate(draw, tokens)
        if thoughts.is_open(thought):
            draw.thinking, draw.looked = True, len(tokens)
            return
        # the last line of an ended solution is complete
        whole = text + step_text.STEP_END * ended
        end = step_text.end_of_first(
            whole, self.prompting.step_rule(extension.problem.domain), draw.judged
        )
        draw.judged = text.count(step_text.STEP_END)
        if end is None or (ended and not text[end:].strip()):
            return
        kept = len(tokens)
        while kept > 1 and len(self._separate(draw, tokens[: kept - 1])[1]) >= end:
            kept -= 1
        draw.finish_reason, draw.step, draw.kept = "step", text[:end], kept

    def _leaves_thought(self, draw: Draw) -> bool:
        """Whether a hidden thought has closed; reads only the tokens since the last look."""
        overlap = 16  # tokens, more than a tag has
        new = self._text(draw.tokens[max(0, draw.looked - overlap) :])
        draw.thinking, draw.looked = not thoughts.is_closed(new), len(draw.tokens)
        return not draw.thinking

    def _separate(self, draw: Draw, tokens: Sequence[int]) -> tuple[str, str]:
        """The text of these tokens: the hidden thought and the rest."""
        text = self._text(tokens)
        return thoughts.separate(draw.opened + text) if self._hides else ("", text)

    def _text(self, tokens: Sequence[int]) -> str:
        return step_text.decode(self.tokenizer, [t for t in tokens if t not in self._omitted])

    def _continuation(self, draw: Draw, extension: Extension, context: int) -> Continuation:
        ended = draw.finish_reason == "stop"
        kept = draw.kept or len(draw.tokens)
        logprob = sum(draw.logprobs[:kept])
        require_finite(logprob, "the log-probability of the sampled tokens")
        thought, text = self._separate(draw, draw.tokens[: kept - ended])
        rule = self.prompting.step_rule(extension.problem.domain)
        steps = step_text.split(draw.step or text, rule)
        if ended and not self._hides:
            written = self.chat.opened + step_text.join(extension.prefix) + text
            if thoughts.is_open(written):  # the thought, split into steps, never led to a reply
                draw.finish_reason = "length"
        reading = self.shape.forward_flops(context)
        return Continuation(
            steps=tuple(steps),
            finish_reason=None if draw.finish_reason == "step" else draw.finish_reason,
            tokens=len(draw.tokens),
            logprob=logprob,
            self_certainty=sum(draw.certainties[:kept]) / kept,
            prefix_tokens=context,
            flops=reading + self.shape.forward_flops(len(draw.tokens), context),
            min_logprob=min(draw.logprobs[:kept]),
            prefix_flops=reading,
            thought=thought,
            kept=kept,
        )


def _find_special(tokenizer: PreTrainedTokenizerBase) -> set[int]:
    """The special tokens, which are not part of a text; tags of thoughts are part of it."""
    special = {i for i, token in tokenizer.added_tokens_decoder.items() if token.special}
    special |= {*tokenizer.all_special_ids}
    return {i for i in special if str(tokenizer.decode([i])).strip() not in thoughts.TAGS}


def _generation_config(folder: str | Path, revision: str | None) -> GenerationConfig:
    """The generation settings of a model, among them the tokens that end a text."""
    try:
        return GenerationConfig.from_pretrained(str(folder), revision=revision or "main")
    except OSError:  # without such a file they are in config.json
        return GenerationConfig.from_model_config(
            load_pretrained(AutoConfig, folder, revision=revision)
        )
