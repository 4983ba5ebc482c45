"""The requests of a strategy and the replies to them.

A strategy (search or labelling) is a generator over one problem: it yields these requests, and each
yield returns the reply described there. A strategy never sees an engine; the scheduler merges the
requests of many problems into large batches. A *prefix* is a tuple of steps that follows the
problem's prompt.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np

from prmscale.tasks.base import Prefix, Problem

Until = Literal["step", "end"]


@dataclass(frozen=True)
class Extension:
    """A problem's prefix to extend `samples` times; draws are numbered from `first_draw`.

    A draw also ends where its text holds one of `stops`.
    """

    problem: Problem
    prefix: Prefix
    samples: int
    first_draw: int
    until: Until
    stops: tuple[str, ...] = ()


@dataclass(frozen=True)
class Continuation:
    """One sampled continuation of a prefix and what it cost.

    `steps` are the new steps alone. `finish_reason` is `stop` (the policy ended the solution),
    `length` (cut at the token limit) or None (a step ended, the solution goes on). `logprob` sums
    the new tokens' log-probabilities (nats, temperature 1), `min_logprob` is the lowest of them;
    `self_certainty` is their mean self-certainty (arXiv 2502.18581). `prefix_tokens` were read,
    `tokens` generated; `flops` covers both, `prefix_flops` the reading alone. `thought` is the
    hidden thought of a reasoning model, which no engine or grader reads. The first `kept` tokens
    form the steps; the rest were generated to detect the end of a step (None: all were kept).
    `number` is that of a recorded sample within its problem; -1 if it was not recorded.
    """

    steps: Prefix
    finish_reason: Literal["stop", "length"] | None
    tokens: int
    logprob: float = 0.0
    self_certainty: float = 0.0
    prefix_tokens: int = 0
    flops: float = 0.0
    min_logprob: float = 0.0
    prefix_flops: float = 0.0
    thought: str = ""
    kept: int | None = None
    number: int = field(default=-1, compare=False)

    @property
    def mean_logprob(self) -> float:
        """The mean log-probability of the tokens that form the steps."""
        return self.logprob / max(1, self.kept_tokens)

    @property
    def kept_tokens(self) -> int:
        """The number of tokens that form the steps."""
        return self.tokens if self.kept is None else self.kept

    @property
    def is_cut(self) -> bool:
        """Whether the solution was cut at the token limit; if so, it counts as wrong."""
        return self.finish_reason == "length"

    def join(self, more: Continuation) -> Continuation:
        """Join this continuation and the one that follows it; the cost is that of both."""
        tokens = self.tokens + more.tokens
        return Continuation(
            self.steps + more.steps,
            more.finish_reason,
            tokens,
            self.logprob + more.logprob,
            (self.self_certainty * self.tokens + more.self_certainty * more.tokens)
            / max(tokens, 1),
            self.prefix_tokens + more.prefix_tokens,
            self.flops + more.flops,
            min(self.min_logprob, more.min_logprob),
            self.prefix_flops + more.prefix_flops,
            self.thought + more.thought,
            self.kept_tokens + more.kept_tokens,
        )


NOTHING = Continuation((), None, 0)  # a solution without a step


class Asked(NamedTuple):
    """Token ids that a language model continues as they stand; `name` identifies its draws.

    A draw also ends where its text holds one of `stops`.
    """

    name: str
    ids: list[int]
    stops: tuple[str, ...] = ()


class Written(NamedTuple):
    """What a language model wrote: the text before a stop, the number of tokens with the stop, and
    whether the text was cut at the token limit.
    """

    text: str
    tokens: int
    cut: bool


class Spent(NamedTuple):
    """The cost of a part of scoring: tokens read and written, and FLOPs if every request reads its
    prefix anew and if none is read twice.
    """

    tokens: int
    flops: float
    flops_cached: float


class Scored(NamedTuple):
    """A reward model's scores of a solution, and what they cost.

    `scores` [steps], each in [0, 1]; `ends` [steps + 1]: the number of tokens up to the end of the
    prompt and of each step. A generative verifier is asked about each step apart: `spent`
    [steps + 1] is the cost of what all questions share and of each step (None: the solution is read
    once).
    """

    scores: np.ndarray
    ends: Sequence[int]
    spent: Sequence[Spent] | None = None


@dataclass(frozen=True)
class Extend:
    """Sample `samples` continuations of each prefix.

    A prefix that is listed k times gets k times as many, all of them new draws. Reply: a list of
    Continuations per prefix. Where the budget ends, some are missing; every prefix gets its first
    draw before any gets a second.
    """

    prefixes: Sequence[Prefix]
    samples: int
    until: Until


@dataclass(frozen=True)
class Score:
    """Score every step of each solution or prefix.

    Reply: an array of step scores in [0, 1] per prefix; None if the budget ended before it was
    read.
    """

    prefixes: Sequence[Prefix]


@dataclass(frozen=True)
class Read:
    """Read the canonical final answer of each whole solution.

    Reply: a string per solution; None if it has no answer.
    """

    solutions: Sequence[Continuation]


@dataclass(frozen=True)
class Check:
    """Check each whole solution by the tests that its problem shows, never by hidden ones.

    Reply: a number per solution: the share of the visible tests that it passes; 0 without any.
    """

    solutions: Sequence[Continuation]


@dataclass(frozen=True)
class Judge:
    """Judge each whole solution by the reference, for labelling and upper bounds.

    Reply: a bool per solution: whether it is correct.
    """

    solutions: Sequence[Continuation]


@dataclass(frozen=True)
class Toss:
    """Toss `count` random numbers for a strategy that chooses by chance.

    Reply: an array of numbers in [0, 1). They depend on the study's seed, the problem and how often
    the run has tossed before: the runs of one problem share their luck, as they share draws.
    """

    count: int


@dataclass(frozen=True)
class Choice:
    """The answer of a strategy, or of its `variant`, at one budget. No reply.

    The scheduler records it with the cost so far. `picks` holds the solutions that each of `runs`
    independent runs picked; several solutions stand for a uniform draw among them. Run r consists
    of the r-th group of `budget` samples, in order, and is charged for them alone. `score` is the
    mean score of the solutions picked (None: the strategy has no scores).
    """

    budget: int
    picks: Sequence[Sequence[Continuation]]
    runs: int = 1
    variant: str = ""
    score: float | None = None


@dataclass(frozen=True)
class Incumbent:
    """The answer of a strategy if it stopped now (None: it has no whole solution yet).

    Reply: how many samples' worth of its budget are left; None if it has no budget. The scheduler
    keeps the last incumbent and ends a run at its first incumbent after the budget is spent.
    `nodes` are the roots of the search trees so far, `end` is the node of the pick.
    """

    pick: Continuation | None
    nodes: Sequence[Any] = ()
    end: Any = None


Request = Extend | Score | Read | Check | Judge | Toss | Choice | Incumbent
Scores = list[np.ndarray]
Strategy = Generator[Request, Any, Any]
