"""Adaptive Monte-Carlo labels: rollouts go where the label is still uncertain.

A prefix is right if the policy's chance of success from it is above a threshold. The chance has a
Beta posterior (Jeffreys' prior, Beta(1/2, 1/2)). Rollouts are drawn one at a time until the
posterior puts the chance on one side of the threshold with the required confidence, or until K are
spent. Math-Shepherd (arXiv 2312.08935) spends K on every prefix.

At threshold 0 the posterior is not used: a prefix is right if any of its K rollouts is right, and
the first success ends them. This is Math-Shepherd's hard estimate, the threshold that arXiv
2501.07301 found best, and the check of OmegaPRM's binary search (MC > 0, arXiv 2406.06592).
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from scipy.special import betainc

from prmscale.engines.requests import Extend, Judge, Request, Strategy
from prmscale.labels.monte_carlo import Estimate, as_ended, prefixes_of
from prmscale.tasks.base import Prefix


@dataclass(frozen=True)
class Decision:
    """The rule that decides a label, and when it is decided.

    A label is decided when the chance of success is above or below `threshold` with posterior
    probability `confidence`; at threshold 0, when a rollout succeeds.
    """

    threshold: float
    confidence: float

    def probability_above(self, successes: int, rollouts: int) -> float:
        """Posterior probability that the chance of success is above the threshold.

        At threshold 0 it is 1 after a success and 0 before.
        """
        if self.threshold == 0:
            return float(successes > 0)
        return 1.0 - float(betainc(successes + 0.5, rollouts - successes + 0.5, self.threshold))

    def is_made(self, successes: int, rollouts: int) -> bool:
        """Whether the label needs no more rollouts."""
        if self.threshold == 0:
            return successes > 0
        above = self.probability_above(successes, rollouts)
        return max(above, 1 - above) >= self.confidence

    def is_right(self, successes: int, rollouts: int) -> bool:
        """Whether success is more likely above the threshold than below."""
        return self.probability_above(successes, rollouts) > 0.5

    def __str__(self) -> str:
        """The rule in words, as the column `decision` of labels holds it."""
        if self.threshold == 0:
            return "any rollout right"
        return (
            f"chance of success above {self.threshold:g} more likely than not, "
            f"settled at {self.confidence:g}"
        )


ANY_RIGHT = Decision(threshold=0, confidence=1)


def decide(
    prefixes: Sequence[Prefix], most: int, decision: Decision
) -> Generator[Request, Any, dict[Prefix, Estimate]]:
    """Roll out each prefix until its label is decided or `most` rollouts are spent."""
    found = {prefix: Estimate(0, 0, 0) for prefix in prefixes}
    for _ in range(most):
        open_ = [prefix for prefix, e in found.items() if _is_open(e, decision)]
        if not open_:
            break
        replies = yield Extend(open_, 1, until="end")
        rollouts = [group[0] for group in replies]
        right = yield Judge(
            [replace(c, steps=prefix + c.steps) for prefix, c in zip(open_, rollouts, strict=True)]
        )
        for prefix, rollout, success in zip(open_, rollouts, right, strict=True):
            e = found[prefix]
            found[prefix] = Estimate(
                e.rollouts + 1, e.successes + bool(success), e.tokens + rollout.tokens
            )
    return {
        prefix: replace(e, right=decision.is_right(e.successes, e.rollouts))
        for prefix, e in found.items()
    }


def _is_open(found: Estimate, decision: Decision) -> bool:
    """Whether another rollout is needed; one is needed in any case."""
    return not found.rollouts or not decision.is_made(found.successes, found.rollouts)


def judge_whole(
    solutions: Sequence[Prefix], complete: Sequence[bool]
) -> Generator[Request, Any, dict[Prefix, Estimate]]:
    """Estimates of the solutions that their policy ended (`complete`), by their grades.

    A whole solution needs no rollout: every rollout would be the solution itself.
    """
    whole = sorted(
        {tuple(s) for s, is_whole in zip(solutions, complete, strict=True) if is_whole and s}
    )
    right = (yield Judge([as_ended(solution) for solution in whole])) if whole else []
    return {s: Estimate(0, 0, 0, bool(success)) for s, success in zip(whole, right, strict=True)}


def adaptive(
    solutions: Sequence[Prefix], complete: Sequence[bool], rollouts: int, decision: Decision
) -> Strategy:
    """Estimate every prefix of these solutions of one problem; returns {prefix: Estimate}.

    As in `monte_carlo`, a shared prefix is rolled out once, and a whole solution needs no rollout.
    """
    estimates = yield from judge_whole(solutions, complete)
    open_ = [prefix for prefix in prefixes_of(solutions) if prefix not in estimates]
    estimates |= yield from decide(open_, rollouts, decision)
    return estimates
