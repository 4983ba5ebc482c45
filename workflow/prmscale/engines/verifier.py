"""Scores steps with a language model that is asked for a verdict on each: a generative verifier.

The score of a step is the probability of the good verdict against the bad one, averaged over K
thoughts that the model samples before its verdict. Each question shows the steps up to the one it
is about, so that a prefix has one score whatever follows it. `engines.verdicts` writes the
questions. A verdict is read after every thought: also after one that was cut, or that ended without
a verdict, which the model is then made to give; `counts` tells how often.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from transformers import PreTrainedTokenizerBase

from prmscale import seeds
from prmscale.engines.chat import Chat
from prmscale.engines.finite import require_finite
from prmscale.engines.flops import Shape
from prmscale.engines.requests import Asked, Scored, Spent, Written
from prmscale.engines.scorer import StepScorer
from prmscale.engines.verdicts import FORMS, count_shared, find_words
from prmscale.study import Verifier
from prmscale.tasks import steps as step_text
from prmscale.tasks.base import Prefix, Problem

HALF = 0.5


class Writer(Protocol):
    """An engine that writes thoughts and reads verdicts: every `SamplingPolicy` is one."""

    shape: Shape
    tokenizer: PreTrainedTokenizerBase
    chat: Chat

    def write(
        self, texts: Sequence[Asked], samples: int, progress: str | None = None
    ) -> list[list[Written]]:
        """`samples` continuations of each text."""
        ...

    def next_logprobs(
        self, texts: Sequence[list[int]], words: Sequence[int], progress: str | None = None
    ) -> np.ndarray:
        """The log-probabilities [texts, words] of these tokens after each text."""
        ...

    def forget(self) -> None:
        """Drop all caches."""


class _Question(NamedTuple):
    """A question about the last step of a prefix: its tokens up to the reply's beginning."""

    problem: Problem
    steps: Prefix
    ids: list[int]

    @property
    def name(self) -> str:
        """What its random draws are named by."""
        return f"{self.problem.problem_id}/verdict/{seeds.seed_of(*self.steps)}"


@dataclass(frozen=True)
class _Verdict:
    """The score of a prefix's last step, the first reply, and the cost.

    `shared` are the question's tokens that the question about the prefix before it has too.
    """

    score: float
    reply: str
    spent: Spent
    shared: int


class GenerativeVerifier(StepScorer):
    """A reward model that is asked about each step.

    `counts`: `verdicts` read, `thoughts` written, thoughts that were `cut`
    at the token limit, and verdicts `undecided`: the words of both together had less than half of
    the probability, so that the model would rather have written something else.
    """

    writes = True

    def __init__(self, settings: Verifier, engine: Writer) -> None:
        super().__init__()
        self.settings, self.engine, self.shape = settings, engine, engine.shape
        self.form = FORMS[settings.format](settings)
        self.opening, self.words = find_words(settings.name, engine.tokenizer, self.form.verdicts)
        self._judged: dict[tuple[str, Prefix], _Verdict] = {}

    def forget(self) -> None:
        """Drop all verdicts, so that later ones do not depend on earlier ones."""
        super().forget()
        self._judged.clear()
        self.engine.forget()

    def _score_new(
        self, items: Sequence[tuple[Problem, Prefix]], progress: str | None
    ) -> list[Scored]:
        """Judges first steps, then second steps, and so on, each in one large batch."""
        for number in range(1, 1 + max((len(steps) for _, steps in items), default=0)):
            new = {}
            for problem, steps in items:
                key = (problem.problem_id, steps[:number])
                if len(steps) >= number and key not in self._judged:
                    new[key] = self._question(problem, steps[:number])
            if new:
                self._judged.update(zip(new, self._judge([*new.values()], progress), strict=True))
        return [self._collect(problem, steps) for problem, steps in items]

    def _collect(self, problem: Problem, steps: Prefix) -> Scored:
        verdicts = [self._judged[problem.problem_id, steps[:n]] for n in range(1, len(steps) + 1)]
        # the first question shares with all others of the problem what it shares with an empty one
        common = verdicts[0].shared if verdicts else 0
        flops = self.shape.forward_flops(common)
        spent = [Spent(0, 0.0, flops), *(each.spent for each in verdicts)]
        return Scored(np.array([each.score for each in verdicts]), (), spent)

    def _question(self, problem: Problem, steps: Prefix) -> _Question:
        """The question about the last of these steps; those before it are judged."""
        replies: list[str] = []
        if self.form.remembers:
            known = range(1, len(steps))
            replies = [self._judged[problem.problem_id, steps[:n]].reply for n in known]
        messages = self.form.ask(problem, steps, replies)
        return _Question(problem, steps, self.engine.chat.begin_reply(messages, self._begin(steps)))

    def _begin(self, steps: Prefix) -> str:
        return self.form.begin(len(steps)) if self.settings.thoughts else ""

    def _judge(self, questions: Sequence[_Question], progress: str | None) -> list[_Verdict]:
        """The verdicts on distinct prefixes: thoughts, if any, then one reading after each."""
        thoughts = [[Written("", 0, False)] for _ in questions]
        if self.settings.thoughts:
            asked = [Asked(q.name, q.ids, self.form.stops_for(len(q.steps))) for q in questions]
            thoughts = self.engine.write(asked, self.settings.thoughts, progress)
        texts = []
        for question, group in zip(questions, thoughts, strict=True):
            texts += [question.ids + self._end_reply(thought) for thought in group]
        logprobs = self.engine.next_logprobs(texts, self.words, progress)
        self._count(thoughts, logprobs)
        scores = 1 / (1 + np.exp(logprobs[:, 1] - logprobs[:, 0]))
        require_finite(scores, "the probability of a verdict")
        verdicts, size = [], max(1, self.settings.thoughts)
        for i, (question, group) in enumerate(zip(questions, thoughts, strict=True)):
            part = slice(i * size, (i + 1) * size)
            reply = self._reply(question.steps, group[0], scores[i * size])
            spent, shared = self._spend(question, group, texts[part])
            verdicts.append(_Verdict(float(scores[part].mean()), reply, spent, shared))
        self.read += sum(verdict.spent.tokens for verdict in verdicts)
        return verdicts

    def _close(self, thought: Written) -> str:
        return self.form.close(thought.text, self.engine.chat.opened)

    def _end_reply(self, thought: Written) -> list[int]:
        """The tokens of a reply from its thought up to its verdict."""
        tokenizer = self.engine.tokenizer
        return step_text.tokens_after_line_end(tokenizer, self._close(thought)) + self.opening

    def _reply(self, steps: Prefix, thought: Written, score: float) -> str:
        """A reply with its more probable verdict; empty where no later question shows it."""
        if not self.form.remembers:
            return ""
        good, bad = self.form.verdicts
        return self._begin(steps) + self._close(thought) + (good if score >= HALF else bad)

    def _spend(
        self, question: _Question, thoughts: Sequence[Written], texts: Sequence[list[int]]
    ) -> tuple[Spent, int]:
        """The cost of a verdict, and the tokens that the question before has too.

        The question is read once for all thoughts; after a thought, a cache leaves what the model
        did not write to be read.
        """
        flops, asked = self.shape.forward_flops, len(question.ids)
        before = self._question(question.problem, question.steps[:-1]).ids
        shared = count_shared(before, question.ids)
        tokens, anew, cached = asked, 0.0, flops(asked - shared, shared)
        for thought, text in zip(thoughts, texts, strict=True):
            written = thought.tokens
            ending = max(0, len(text) - asked - written)
            tokens += written + ending
            cached += flops(written + ending, asked)
            anew += flops(len(text)) + (flops(asked + written) if written else 0.0)
        return Spent(tokens, anew, cached), shared

    def _count(self, thoughts: Sequence[Sequence[Written]], logprobs: np.ndarray) -> None:
        written = [thought for group in thoughts for thought in group if thought.tokens]
        self.counts["verdicts"] += len(logprobs)
        self.counts["thoughts"] += len(written)
        self.counts["cut"] += sum(thought.cut for thought in written)
        self.counts["undecided"] += int((np.exp(logprobs).sum(1) < HALF).sum())
