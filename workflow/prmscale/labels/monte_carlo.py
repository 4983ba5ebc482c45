"""Monte-Carlo labels: a step's value is the share of rollouts after it that end right.

Math-Shepherd (arXiv 2312.08935).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from prmscale.engines.requests import Continuation, Extend, Judge, Strategy
from prmscale.tasks.base import Prefix


@dataclass(frozen=True)
class Estimate:
    """Rollouts from one prefix, how many of them are right, and the tokens they cost.

    A method that decides the label itself, or infers it from other prefixes, sets `right`.
    """

    rollouts: int
    successes: int
    tokens: int
    right: bool | None = None

    @property
    def value(self) -> float:
        """The fraction of rollouts that are right; `right` as 0 or 1 without rollouts, and where
        another prefix proves right what its own rollouts did not complete.
        """
        if not self.rollouts or (self.right and not self.successes):
            return float(bool(self.right))
        return self.successes / self.rollouts

    @property
    def label(self) -> bool:
        """`right` if the method set it, else whether any rollout is right (the hard estimate)."""
        return self.successes > 0 if self.right is None else self.right


def prefixes_of(solutions: Sequence[Prefix]) -> list[Prefix]:
    """Every distinct prefix of these solutions that has a step, in order of appearance."""
    return list(dict.fromkeys(tuple(s[: t + 1]) for s in solutions for t in range(len(s))))


def as_ended(solution: Prefix) -> Continuation:
    """A whole solution that its policy ended, in the form that a grader judges."""
    return Continuation(solution, "stop", 0)


def monte_carlo(solutions: Sequence[Prefix], complete: Sequence[bool], rollouts: int) -> Strategy:
    """Estimate every prefix of these solutions of one problem; returns {prefix: Estimate}.

    A prefix that several solutions share is rolled out once. A whole solution that its policy ended
    (`complete`) needs no rollout: every rollout would be the solution itself.
    """
    whole = {tuple(s) for s, is_whole in zip(solutions, complete, strict=True) if is_whole}
    open_ = [prefix for prefix in prefixes_of(solutions) if prefix not in whole]
    continued = (yield Extend(open_, rollouts, until="end")) if open_ else []
    ends = [
        replace(c, steps=prefix + c.steps)
        for prefix, group in zip(open_, continued, strict=True)
        for c in group
    ]
    right = iter((yield Judge([*ends, *map(as_ended, sorted(whole))])))
    estimates = {}
    for prefix, group in zip(open_, continued, strict=True):
        hits = sum(islice(right, len(group)))
        estimates[prefix] = Estimate(len(group), hits, sum(c.tokens for c in group))
    for solution in sorted(whole):
        estimates[solution] = Estimate(rollouts, rollouts * bool(next(right)), 0)
    return estimates
