"""Runs many strategies at once: merges their requests into large batches, keeps their ledgers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple, NoReturn, Protocol, get_args

import numpy as np

from prmscale import seeds
from prmscale.engines.flops import Shape
from prmscale.engines.ledger import Cost, Ledger, Unit
from prmscale.engines.requests import (
    Check,
    Choice,
    Continuation,
    Extend,
    Extension,
    Incumbent,
    Judge,
    Read,
    Request,
    Score,
    Scored,
    Strategy,
    Toss,
)
from prmscale.engines.stream import Policy, Stream, as_stream
from prmscale.errors import UserError
from prmscale.tasks.base import Grade, Prefix, Problem


class Scorer(Protocol):
    """An engine that scores steps; `writes` if it writes thoughts for that."""

    shape: Shape
    writes: bool

    @property
    def seconds_per_token(self) -> float:
        """Measured wall time of a token read or written, in seconds."""
        ...

    def score(
        self, items: Sequence[tuple[Problem, Prefix]], progress: str | None = None
    ) -> list[Scored]:
        """Step scores of each solution, and their cost."""
        ...


Grader = Callable[[Sequence[Problem], Sequence[Prefix]], list[Grade]]
CUT = Grade(None, False, "cut")
_REQUESTS = get_args(Request)
_PATIENCE = 10_000  # requests for draws after the budget is spent: no strategy needs as many


def grade_whole(
    grader: Grader, problems: Sequence[Problem], solutions: Sequence[Continuation]
) -> list[Grade]:
    """The grade of solution i of problem i; a solution cut at the token limit is wrong."""
    ended = [(p, s.steps) for p, s in zip(problems, solutions, strict=True) if not s.is_cut]
    grades = iter(grader([p for p, _ in ended], [steps for _, steps in ended]) if ended else [])
    return [CUT if solution.is_cut else next(grades) for solution in solutions]


@dataclass(frozen=True)
class Stamped:
    """A strategy's choice with the cost of one run up to it."""

    choice: Choice
    cost: Cost


class _Reply(NamedTuple):
    """What is sent back to a strategy; None is a reply like others."""

    reply: Any


@dataclass
class Run:
    """One strategy at work on one problem; `result` is what its generator returned at the end.

    A run with a `budget`, in samples' worth, must not spend more than `limit` in `unit`. Generation
    and, for FLOPs, reading stop where the limit is reached: a continuation that is complete by then
    counts; one that is not is paid for up to the limit and lost. `unpaid` counts the requests for
    draws after that.
    """

    problem: Problem
    strategy: Strategy
    budget: int | None = None
    limit: float = math.inf
    unit: Unit = "tokens"
    ledger: Ledger = field(default_factory=Ledger)
    draws: Counter[Prefix] = field(default_factory=Counter)
    tosses: int = 0
    choices: list[Stamped] = field(default_factory=list)
    pending: Request | None = None
    incumbent: Incumbent | None = None
    result: Any = None
    unpaid: int = 0

    @property
    def left(self) -> float | None:
        """The samples' worth that may still be spent; None if there is no limit."""
        if self.budget is None or math.isinf(self.limit):
            return None
        spent = self.ledger.cost.in_unit(self.unit)
        return self.budget * (1 - spent / self.limit)

    def advance(self, reply: Any) -> None:
        """Send the reply and go on to the next request that an engine must answer.

        Raises UserError if the strategy yields what is no request, or never ends.
        """
        try:
            self.pending = self._send(reply)
            while self.pending is not None:
                answer = self._answer(self.pending)
                if answer is None:
                    return
                self.pending = self._send(answer.reply)
        except StopIteration as stop:
            self.pending, self.result = None, stop.value

    def _send(self, reply: Any) -> Request:
        request = self.strategy.send(reply)
        if not isinstance(request, _REQUESTS):
            kinds = ", ".join(kind.__name__ for kind in _REQUESTS)
            self.refuse(f"yields {request!r:.60}, and must yield a request: {kinds}")
        return request

    def refuse(self, why: str) -> NoReturn:
        """Raise UserError that names the strategy, and the file and line of its last request."""
        generator: Any = self.strategy
        code, frame = generator.gi_code, generator.gi_frame
        raise UserError(f"{code.co_filename}:{frame.f_lineno}: strategy {code.co_name} {why}")

    def _answer(self, request: Request) -> _Reply | None:
        """The reply to a request that needs no engine; None if it needs one or the run ends."""
        if isinstance(request, Choice):
            cost = self.ledger.mean_cost(request.runs, request.budget)
            self.choices.append(Stamped(request, cost))
            return _Reply(None)
        if isinstance(request, Incumbent):
            self._keep(request)
            if not self._spent:
                return _Reply(self.left)
            self.strategy.close()
            self.pending = None
            return None
        if isinstance(request, Extend) and self._spent:
            self.unpaid += 1
            if self.unpaid > _PATIENCE:
                self.refuse("goes on without end where its budget is spent and draws bring nothing")
            return _Reply([[] for _ in request.prefixes])
        return None

    def draw(
        self, request: Extend, drawn: Sequence[Sequence[Continuation]]
    ) -> list[list[Continuation]]:
        """Charge the draws of each prefix, all first draws before any second one.

        Returns those that were complete before the limit.
        """
        complete: list[list[Continuation]] = [[] for _ in request.prefixes]
        for number in range(request.samples):
            for prefix, group, in_time in zip(request.prefixes, drawn, complete, strict=True):
                before = self.ledger.cost
                self.ledger.charge_extension(tuple(prefix), [group[number]])
                if self._is_paid(before):
                    in_time.append(group[number])
        return complete

    def read(
        self, request: Score, scored: Sequence[Scored], shape: Shape
    ) -> list[np.ndarray | None]:
        """Charge the reading of each prefix, in order.

        Returns the scores of those that were read before the limit, None for the others.
        """
        scores = []
        for prefix, found in zip(request.prefixes, scored, strict=True):
            before = self.ledger.cost
            self.ledger.charge_scoring(tuple(prefix), found, shape)
            scores.append(found.scores if self._is_paid(before) else None)
        return scores

    @property
    def _spent(self) -> bool:
        return self.ledger.cost.in_unit(self.unit) >= self.limit

    def _is_paid(self, before: Cost) -> bool:
        """Whether the limit covers all that was charged since `before`.

        If not, the cost is cut back to the limit.
        """
        if self.ledger.cost.in_unit(self.unit) <= self.limit:
            return True
        self.ledger.cost = before.interpolate(self.ledger.cost, self.limit, self.unit)
        return False

    def _keep(self, incumbent: Incumbent) -> None:
        """Replace the choice by the incumbent."""
        if self.budget is None:
            self.refuse("yields an Incumbent, and chooses among samples: yield a Choice a budget")
        picks = [[incumbent.pick]] if incumbent.pick else []
        score = incumbent.end.score if incumbent.end else None
        self.choices = [Stamped(Choice(self.budget, picks, score=score), self.ledger.cost)]
        self.incumbent = incumbent


def run(
    strategies: Iterable[tuple[Problem, Strategy] | Run],
    policy: Policy | None = None,
    scorer: Scorer | None = None,
    grader: Grader | None = None,
    progress: str | None = None,
    seed: int = 0,
) -> list[Run]:
    """Run every (problem, strategy) to its end and return the runs in order.

    Each round answers all pending requests of a kind in one call of the engine; a policy that
    samples continuously answers those that have ended, and the others stay with it. The replies to
    a run depend on its requests alone: draws are numbered per run and prefix, so that the runs of
    one problem share their samples. `seed` is that of the random numbers a strategy asks for.
    """
    runs = [each if isinstance(each, Run) else Run(*each) for each in strategies]
    for each in runs:
        each.advance(None)
    sampling = _Sampling(as_stream(policy)) if policy else None
    while waiting := [each for each in runs if each.pending is not None]:
        for kind, answer in (
            (Extend, lambda group: _extend(group, sampling, progress)),
            (Score, lambda group: _score(group, scorer, progress)),
            ((Read, Check, Judge), lambda group: _grade(group, grader)),
            (Toss, lambda group: _toss(group, seed)),
        ):
            group = [each for each in waiting if isinstance(each.pending, kind)]
            if group:
                answer(group)
    return runs


@dataclass
class _Sampling:
    """A stream, and the run of each group that it samples."""

    stream: Stream
    runs: dict[int, Run] = field(default_factory=dict)

    def start(self, run: Run) -> None:
        """Give a run's request for draws to the stream."""
        request, extensions = run.pending, []
        assert isinstance(request, Extend)
        for prefix in request.prefixes:
            first = run.draws[prefix]
            extensions.append(
                Extension(run.problem, tuple(prefix), request.samples, first, request.until)
            )
            run.draws[prefix] += request.samples
        self.runs[self.stream.start(extensions)] = run


def _extend(runs: list[Run], sampling: _Sampling | None, progress: str | None) -> None:
    assert sampling is not None, "a strategy asked for samples and there is no policy"
    at_work = {id(each) for each in sampling.runs.values()}
    for each in runs:
        if id(each) not in at_work:
            sampling.start(each)
    for number, group in sampling.stream.collect(progress).items():
        each = sampling.runs.pop(number)
        assert isinstance(each.pending, Extend)
        each.advance(each.draw(each.pending, group))


def _score(runs: list[Run], scorer: Scorer | None, progress: str | None) -> None:
    if scorer is None:
        runs[0].refuse("asks for step scores, and runs without a reward model")
    items = []
    for each in runs:
        assert isinstance(each.pending, Score)
        items += [(each.problem, tuple(prefix)) for prefix in each.pending.prefixes]
    scored = iter(scorer.score(items, progress))
    for each in runs:
        request = each.pending
        assert isinstance(request, Score)
        found = list(islice(scored, len(request.prefixes)))
        for prefix, one in zip(request.prefixes, found, strict=True):
            assert len(one.scores) == len(prefix), "one score a step"
        each.advance(each.read(request, found, scorer.shape))


def _toss(runs: list[Run], seed: int) -> None:
    for each in runs:
        assert isinstance(each.pending, Toss)
        stream = seeds.generator(seed, "toss", each.problem.problem_id, each.tosses)
        each.tosses += 1
        each.advance(stream.random(each.pending.count))


def _grade(runs: list[Run], grader: Grader | None) -> None:
    assert grader is not None, "a strategy asked for answers and there is no grader"
    problems: list[Problem] = []
    solutions: list[Continuation] = []
    for each in runs:
        assert isinstance(each.pending, Read | Check | Judge)
        problems += [each.problem] * len(each.pending.solutions)
        solutions += each.pending.solutions
    grades = iter(grade_whole(grader, problems, solutions))
    for each in runs:
        request = each.pending
        assert isinstance(request, Read | Check | Judge)
        found = list(islice(grades, len(request.solutions)))
        if isinstance(request, Read):
            each.advance([grade.answer for grade in found])
        elif isinstance(request, Check):
            each.advance([grade.visible or 0.0 for grade in found])
        else:
            each.advance([grade.correct for grade in found])
