"""What a strategy asks for and what it is sent back.

A strategy (search or labelling) is a generator over one problem: it yields these requests and is
sent the replies named beside them. It never sees an engine; the scheduler merges the requests of
many problems into large batches. A *prefix* is a tuple of steps; the problem's prompt is understood
before it.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from prmscale.tasks.base import Prefix

Until = Literal["step", "end"]


@dataclass(frozen=True)
class Continuation:
    """One sampled continuation of a prefix and what it cost.

    `steps` are the new steps alone. `finish_reason` is `stop` (the policy ended the solution),
    `length` (cut at the token limit) or None (a step ended, the solution goes on). `logprob` sums
    the new tokens' log-probabilities (nats, temperature 1), `min_logprob` is the lowest of them;
    `self_certainty` is their mean self-certainty (arXiv 2502.18581). `prefix_tokens` were read,
    `tokens` generated; `flops` covers both, `prefix_flops` the reading alone. `thought` is what a
    reasoning model thought and nobody reads. `kept` of the tokens make the steps: the others were
    generated to see that a step ends (None: all were kept).
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

    @property
    def mean_logprob(self) -> float:
        """The mean log-probability of the tokens that make the steps."""
        return self.logprob / max(1, self.tokens if self.kept is None else self.kept)

    @property
    def is_cut(self) -> bool:
        """Whether the solution was cut at the token limit: then it has no answer and is wrong."""
        return self.finish_reason == "length"

    def then(self, more: Continuation) -> Continuation:
        """One continuation of this one and what followed it, with the cost of both."""
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
            sum(each.tokens if each.kept is None else each.kept for each in (self, more)),
        )


NOTHING = Continuation((), None, 0)  # a solution of which no step is written yet


class Scored(NamedTuple):
    """What a reward model says of a solution, and what it read.

    `scores` [steps], each in [0, 1]; `ends` [steps + 1]: tokens up to the end of the prompt and of
    each step.
    """

    scores: np.ndarray
    ends: Sequence[int]


@dataclass(frozen=True)
class Extend:
    """Sample `samples` continuations of each prefix, of one that is named k times k as many, all of
    them further draws.

    Reply: a list of Continuations per prefix; fewer where the budget ends, all first ones before
    any second one.
    """

    prefixes: Sequence[Prefix]
    samples: int
    until: Until


@dataclass(frozen=True)
class Score:
    """Reward of every step of each solution or prefix.

    Reply: an array of step scores in [0, 1] per prefix; None where the budget ended before it was
    read.
    """

    prefixes: Sequence[Prefix]


@dataclass(frozen=True)
class Read:
    """The canonical final answer of each whole solution. Reply: a string each, None where there is
    no answer.
    """

    solutions: Sequence[Continuation]


@dataclass(frozen=True)
class Judge:
    """Whether each whole solution is right, by the reference: for labelling and upper bounds.
    Reply: a bool each.
    """

    solutions: Sequence[Continuation]


@dataclass(frozen=True)
class Choice:
    """The answer at one budget of a strategy, or of the `variant` of it named, stamped by the
    scheduler with what has been spent. No reply.

    `picks` holds, for each of `runs` independent runs that share what was spent, the solutions
    picked; several mean a uniform draw among them. Run r has the r-th `budget` of the samples, in
    order, and is charged for them alone.
    """

    budget: int
    picks: Sequence[Sequence[Continuation]]
    runs: int = 1
    variant: str = ""


@dataclass(frozen=True)
class Incumbent:
    """What a strategy would answer if it were stopped now (None: it has no whole solution yet).

    Reply: the samples' worth that are left of its budget, None where it has none. The scheduler
    keeps the last incumbent, and ends a run whose budget is spent at its next one. `nodes` are the
    roots of the search trees so far, `end` is the node of what is picked.
    """

    pick: Continuation | None
    nodes: Sequence[Any] = ()
    end: Any = None


Request = Extend | Score | Read | Judge | Choice | Incumbent
Scores = list[np.ndarray]
Strategy = Generator[Request, Any, Any]
