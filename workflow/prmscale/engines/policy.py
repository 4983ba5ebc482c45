"""What every engine that samples from a language model shares: prompts, token ids, limits, and what
it hands back.

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
from transformers import AutoConfig, AutoTokenizer, GenerationConfig, PreTrainedTokenizerBase

from prmscale.engines.backends.loading import Weights, load_pretrained
from prmscale.engines.chat import Chat
from prmscale.engines.flops import Shape
from prmscale.engines.requests import Continuation, Until
from prmscale.study import Prompting, Sampling
from prmscale.tasks import steps as step_text
from prmscale.tasks import thoughts
from prmscale.tasks.base import Prefix, Problem


@dataclass(frozen=True)
class Extension:
    """One prefix of one problem to extend `samples` times; its draws are numbered from
    `first_draw`.
    """

    problem: Problem
    prefix: Prefix
    samples: int
    first_draw: int
    until: Until


@dataclass
class Draw:
    """Draw number `draw` of extension number `owner`: at most `limit` tokens, and what is known of
    those sampled.

    Of each token there is its log-probability and its self-certainty (NaN where an engine cannot
    tell it). Where one step was asked for, `step` is its text and `kept` of the tokens make it:
    more may have been sampled to see that it ends. `opened` is the tag of a hidden thought that the
    prompt opens; `thinking`: the draw is in a hidden thought, of which the first `looked` tokens do
    not close it.
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
    judged: int = 0  # lines that are known to begin no second step
    thinking: bool = field(init=False)

    def __post_init__(self) -> None:
        self.thinking = bool(self.opened)


class SamplingPolicy(ABC):
    """A causal language model of a Hugging Face folder or hub name, sampling steps or whole
    solutions.
    """

    shape: Shape

    def __init__(
        self, name: str, weights: Weights, prompting: Prompting, sampling: Sampling, seed: int
    ) -> None:
        self.name, self.prompting, self.sampling, self.seed = name, prompting, sampling, seed
        self.tokenizer = load_pretrained(AutoTokenizer, weights.folder, revision=weights.revision)
        told = _generation_config(weights.folder, weights.revision).eos_token_id
        ends = self.tokenizer.eos_token_id if told is None else told
        self._ends = set(ends if isinstance(ends, list) else [ends])
        self.chat = Chat(name, self.tokenizer, prompting)
        self.seconds, self.generated = 0.0, 0
        self._prompts: dict[str, list[int]] = {}
        texts = self.tokenizer.batch_decode([[i] for i in range(len(self.tokenizer))])
        self._holds_line_end = np.array([step_text.STEP_END in text for text in texts])
        self._unspoken = _special(self.tokenizer)

    @property
    def seconds_per_token(self) -> float:
        """Measured wall time of a generated token, with full batches."""
        return self.seconds / max(self.generated, 1)

    def extend(
        self, extensions: Sequence[Extension], progress: str | None = None
    ) -> list[list[Continuation]]:
        """Sample every extension; reply i holds the continuations of extension i in order of their
        draws.
        """
        started = perf_counter()
        ids = [self._ids(e.problem, e.prefix) for e in extensions]
        replies: list[list[Continuation]] = [[] for _ in extensions]
        going = [i for i, e in enumerate(extensions) if self._limit(e.problem, len(ids[i])) > 0]
        for draw in self._draws([extensions[i] for i in going], [ids[i] for i in going], progress):
            owner = going[draw.owner]
            replies[owner].append(self._continuation(draw, extensions[owner], len(ids[owner])))
        for e, reply in zip(extensions, replies, strict=True):
            reply += [Continuation((), "length", 0)] * (
                e.samples - len(reply)
            )  # cut before they began
        self.seconds += perf_counter() - started
        self.generated += sum(c.tokens for reply in replies for c in reply)
        return replies

    def forget(self) -> None:  # noqa: B027  (most engines have nothing to forget)
        """Drop what was read so far: what is sampled from here on depends on nothing before, to the
        last bit.
        """

    @abstractmethod
    def _draws(
        self, extensions: Sequence[Extension], ids: Sequence[list[int]], progress: str | None
    ) -> Iterable[Draw]:
        """All draws, sampled to their ends, those of an extension in order; `ids` are the tokens
        that it continues.
        """

    def _ids(self, problem: Problem, prefix: Prefix) -> list[int]:
        asked = self._prompt(problem)
        if prefix and self.chat.opened and self._hides:
            asked = asked + self.chat.closing_ids  # the steps are the reply, not the thought
        return step_text.extend(self.tokenizer, asked, prefix)[0]

    def _prompt(self, problem: Problem) -> list[int]:
        if problem.problem_id not in self._prompts:
            self._prompts[problem.problem_id] = self.chat.ids(problem)
        return self._prompts[problem.problem_id]

    def _limit(self, problem: Problem, context: int) -> int:
        """Tokens that a draw may have: what is left of a whole solution's after the steps that it
        continues.
        """
        return self.sampling.max_tokens - (context - len(self._prompt(problem)))

    def _opened(self, extension: Extension) -> str:
        """The tag of the hidden thought that a draw begins in; empty where it begins in none."""
        return self.chat.opened if self._hides and not extension.prefix else ""

    @property
    def _hides(self) -> bool:
        return self.prompting.thoughts == "hidden"

    def _end(self, draw: Draw, extension: Extension, ended: bool) -> None:
        """Say how a draw ends, if it does; its policy may have `ended` the solution with its last
        token.
        """
        if ended or len(draw.tokens) >= draw.limit:
            draw.finish_reason = "stop" if ended else "length"
        # a padded vocabulary has tokens that its tokenizer does not know
        last = draw.tokens[-1]
        ends_line = last < len(self._holds_line_end) and self._holds_line_end[last]
        if extension.until == "step" and (draw.finish_reason or ends_line):
            self._find_step(draw, extension, ended)

    def _find_step(self, draw: Draw, extension: Extension, ended: bool) -> None:
        """End a draw with its first step, unless that may go on or is all there is of the solution."""
        if draw.thinking and not self._leaves_thought(draw):
            return
        tokens = draw.tokens[:-1] if ended else draw.tokens
        thought, text = self._said(draw, tokens)
        if thoughts.is_open(thought):
            draw.thinking, draw.looked = True, len(tokens)
            return
        # the last line of an ended solution is whole
        whole = text + step_text.STEP_END * ended
        end = step_text.end_of_first(
            whole, self.prompting.step_rule(extension.problem.domain), draw.judged
        )
        draw.judged = text.count(step_text.STEP_END)
        if end is None or (ended and not text[end:].strip()):
            return
        count = len(tokens)
        while count > 1 and len(self._said(draw, tokens[: count - 1])[1]) >= end:
            count -= 1
        draw.finish_reason, draw.step, draw.kept = "step", text[:end], count

    def _leaves_thought(self, draw: Draw) -> bool:
        """Whether a hidden thought has closed; only what is new since the last look is read."""
        overlap = 16  # tokens: more than a tag has
        new = self._text(draw.tokens[max(0, draw.looked - overlap) :])
        draw.thinking, draw.looked = not thoughts.is_closed(new), len(draw.tokens)
        return not draw.thinking

    def _said(self, draw: Draw, tokens: Sequence[int]) -> tuple[str, str]:
        """What a policy says by these tokens: the thought that is kept hidden, and the rest."""
        text = self._text(tokens)
        return thoughts.separate(draw.opened + text) if self._hides else ("", text)

    def _text(self, tokens: Sequence[int]) -> str:
        return step_text.decode(self.tokenizer, [t for t in tokens if t not in self._unspoken])

    def _continuation(self, draw: Draw, extension: Extension, context: int) -> Continuation:
        ended = draw.finish_reason == "stop"
        kept = draw.kept or len(draw.tokens)
        thought, text = self._said(draw, draw.tokens[: kept - ended])
        steps = step_text.split(
            draw.step or text, self.prompting.step_rule(extension.problem.domain)
        )
        # who never left a thought that is cut in steps has given no reply
        if (
            ended
            and not self._hides
            and thoughts.is_open(self.chat.opened + step_text.join(extension.prefix) + text)
        ):
            draw.finish_reason = "length"
        reading = self.shape.forward(context)
        return Continuation(
            steps=tuple(steps),
            finish_reason=None if draw.finish_reason == "step" else draw.finish_reason,
            tokens=len(draw.tokens),
            logprob=sum(draw.logprobs[:kept]),
            self_certainty=sum(draw.certainties[:kept]) / kept,
            prefix_tokens=context,
            flops=reading + self.shape.forward(len(draw.tokens), context),
            min_logprob=min(draw.logprobs[:kept]),
            prefix_flops=reading,
            thought=thought,
            kept=kept,
        )


def _special(tokenizer: PreTrainedTokenizerBase) -> set[int]:
    """The special tokens, which are no part of a text; the tags of thoughts are, even where they
    are special.
    """
    special = {i for i, token in tokenizer.added_tokens_decoder.items() if token.special} | {
        *tokenizer.all_special_ids
    }
    return {i for i in special if str(tokenizer.decode([i])).strip() not in thoughts.TAGS}


def _generation_config(folder: str | Path, revision: str | None) -> GenerationConfig:
    """How a model says it is generated from: the tokens that end a text are here."""
    try:
        return GenerationConfig.from_pretrained(str(folder), revision=revision or "main")
    except OSError:  # it has no such file: what its config.json says
        return GenerationConfig.from_model_config(
            load_pretrained(AutoConfig, folder, revision=revision)
        )
