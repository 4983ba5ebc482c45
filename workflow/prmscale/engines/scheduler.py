"""Runs many strategies at once: merges what they ask for into large batches and keeps each one's
ledger.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from prmscale.engines.flops import Shape
from prmscale.engines.ledger import Cost, Ledger, Unit
from prmscale.engines.policy import Extension
from prmscale.engines.requests import (
    Choice,
    Continuation,
    Extend,
    Incumbent,
    Judge,
    Read,
    Request,
    Score,
    Scored,
    Strategy,
)
from prmscale.tasks.base import Grade, Prefix, Problem


class Policy(Protocol):
    """What samples continuations; `seconds_per_token` is measured."""

    @property
    def seconds_per_token(self) -> float:
        """Wall time of a generated token, in seconds."""
        ...

    def extend(
        self, extensions: Sequence[Extension], progress: str | None = None
    ) -> list[list[Continuation]]:
        """Continuations of each extension, in order of their draws."""
        ...


class Scorer(Protocol):
    """What scores steps; `seconds_per_token` is measured."""

    shape: Shape

    @property
    def seconds_per_token(self) -> float:
        """Wall time of a token read, in seconds."""
        ...

    def score(
        self, items: Sequence[tuple[Problem, Prefix]], progress: str | None = None
    ) -> list[Scored]:
        """Step scores of each solution, and the tokens read."""
        ...


Grader = Callable[[Sequence[Problem], Sequence[Prefix]], list[Grade]]
CUT = Grade(None, False, "cut")


def grade_whole(
    grader: Grader, problems: Sequence[Problem], solutions: Sequence[Continuation]
) -> list[Grade]:
    """The verdict on solution i of problem i: that of the grader, but one cut at the token limit is
    wrong.
    """
    ended = [(p, s.steps) for p, s in zip(problems, solutions, strict=True) if not s.is_cut]
    grades = iter(grader([p for p, _ in ended], [steps for _, steps in ended]) if ended else [])
    return [CUT if solution.is_cut else next(grades) for solution in solutions]


@dataclass(frozen=True)
class Stamped:
    """A strategy's choice with the cost of one run up to it."""

    choice: Choice
    cost: Cost


@dataclass
class Run:
    """One strategy at work on one problem; `result` is what its generator returned at the end.

    A run that has a `budget`, in samples' worth, may spend `limit` in `unit` and no more.
    Generation and, in FLOPs, reading stop where the limit is reached: what was complete by then
    counts, what was under way is paid for up to the limit and lost.
    """

    problem: Problem
    strategy: Strategy
    budget: int | None = None
    limit: float = math.inf
    unit: Unit = "tokens"
    ledger: Ledger = field(default_factory=Ledger)
    draws: Counter[Prefix] = field(default_factory=Counter)
    choices: list[Stamped] = field(default_factory=list)
    pending: Request | None = None
    incumbent: Incumbent | None = None
    result: Any = None

    @property
    def left(self) -> float | None:
        """The samples' worth that may still be spent; None where there is no limit."""
        spent = self.ledger.cost.of(self.unit)
        return (
            None
            if self.budget is None or math.isinf(self.limit)
            else self.budget * (1 - spent / self.limit)
        )

    def advance(self, reply: Any) -> None:
        """Send the reply and go on to the next request that somebody must answer."""
        try:
            request = self.strategy.send(reply)
            while isinstance(request, Choice | Incumbent) or (
                isinstance(request, Extend) and self._spent
            ):
                if isinstance(request, Extend):
                    request = self.strategy.send([[] for _ in request.prefixes])
                elif isinstance(request, Choice):
                    self.choices.append(
                        Stamped(request, self.ledger.of_one(request.runs, request.budget))
                    )
                    request = next(self.strategy)
                else:
                    self._stand(request)
                    if self._spent:
                        self.strategy.close()
                        self.pending = None
                        return
                    request = self.strategy.send(self.left)
            self.pending = request
        except StopIteration as stop:
            self.pending, self.result = None, stop.value

    def draw(
        self, request: Extend, drawn: Sequence[Sequence[Continuation]]
    ) -> list[list[Continuation]]:
        """Charge what was drawn, all prefixes' first draws before any second one; returns what was
        complete in time.
        """
        complete: list[list[Continuation]] = [[] for _ in request.prefixes]
        for number in range(request.samples):
            for prefix, group, own in zip(request.prefixes, drawn, complete, strict=True):
                before = self.ledger.cost
                self.ledger.extended(tuple(prefix), [group[number]])
                if self._paid(before):
                    own.append(group[number])
        return complete

    def read(
        self, request: Score, scored: Sequence[Scored], shape: Shape
    ) -> list[np.ndarray | None]:
        """Charge what was read, in order; returns the scores of what was read in time, None for the
        others.
        """
        scores = []
        for prefix, found in zip(request.prefixes, scored, strict=True):
            before = self.ledger.cost
            self.ledger.scored(tuple(prefix), found, shape)
            scores.append(found.scores if self._paid(before) else None)
        return scores

    @property
    def _spent(self) -> bool:
        return self.ledger.cost.of(self.unit) >= self.limit

    def _paid(self, before: Cost) -> bool:
        """Whether the limit pays for all that was charged since `before`; if not, the cost is cut
        back to it.
        """
        if self.ledger.cost.of(self.unit) <= self.limit:
            return True
        self.ledger.cost = before.until(self.ledger.cost, self.limit, self.unit)
        return False

    def _stand(self, incumbent: Incumbent) -> None:
        """Keep what the strategy would answer now."""
        assert self.budget is not None, "a strategy that says how it stands has a budget"
        picks = [[incumbent.pick]] if incumbent.pick else []
        self.choices = [Stamped(Choice(self.budget, picks), self.ledger.cost)]
        self.incumbent = incumbent


def run(
    strategies: Iterable[tuple[Problem, Strategy] | Run],
    policy: Policy | None = None,
    scorer: Scorer | None = None,
    grader: Grader | None = None,
    progress: str | None = None,
) -> list[Run]:
    """Run every (problem, strategy) to its end and return the runs in order.

    Each round answers all pending requests of one kind in one call of its engine. What a run is
    sent depends on its own requests alone: draws are numbered per run and prefix, so runs of one
    problem share their samples.
    """
    runs = [each if isinstance(each, Run) else Run(*each) for each in strategies]
    for each in runs:
        each.advance(None)
    while waiting := [each for each in runs if each.pending is not None]:
        for kind, answer in (
            (Extend, lambda group: _extend(group, policy, progress)),
            (Score, lambda group: _score(group, scorer, progress)),
            ((Read, Judge), lambda group: _grade(group, grader)),
        ):
            group = [each for each in waiting if isinstance(each.pending, kind)]
            if group:
                answer(group)
    return runs


def _extend(runs: list[Run], policy: Policy | None, progress: str | None) -> None:
    assert policy is not None, "a strategy asked for samples and there is no policy"
    extensions = []
    for each in runs:
        request = each.pending
        assert isinstance(request, Extend)
        for prefix in request.prefixes:
            extensions.append(
                Extension(
                    each.problem, tuple(prefix), request.samples, each.draws[prefix], request.until
                )
            )
            each.draws[prefix] += request.samples
    replies = iter(policy.extend(extensions, progress))
    for each in runs:
        request = each.pending
        assert isinstance(request, Extend)
        each.advance(each.draw(request, [next(replies) for _ in request.prefixes]))


def _score(runs: list[Run], scorer: Scorer | None, progress: str | None) -> None:
    assert scorer is not None, "a strategy asked for scores and there is no reward model"
    requests = [each.pending for each in runs]
    items = [(r.problem, tuple(p)) for r, q in zip(runs, requests, strict=True) for p in q.prefixes]  # type: ignore[union-attr]
    scored = iter(scorer.score(items, progress))
    for each in runs:
        request = each.pending
        assert isinstance(request, Score)
        found = [next(scored) for _ in request.prefixes]
        assert all(len(f.scores) == len(p) for f, p in zip(found, request.prefixes, strict=True)), (
            "one score a step"
        )
        each.advance(each.read(request, found, scorer.shape))


def _grade(runs: list[Run], grader: Grader | None) -> None:
    assert grader is not None, "a strategy asked for answers and there is no grader"
    requests = [each.pending for each in runs]
    pairs = [(r.problem, s) for r, q in zip(runs, requests, strict=True) for s in q.solutions]  # type: ignore[union-attr]
    grades = iter(
        grade_whole(grader, [problem for problem, _ in pairs], [solution for _, solution in pairs])
    )
    for each, request in zip(runs, requests, strict=True):
        own = [next(grades) for _ in request.solutions]  # type: ignore[union-attr]
        each.advance([g.answer if isinstance(request, Read) else g.correct for g in own])
