"""Adaptive Monte-Carlo labels: rollouts go where the label is still unsure.

A prefix is right if the policy's chance of success from it is above a threshold. The chance has a
Beta posterior (Jeffreys' prior, Beta(1/2, 1/2)); rollouts are drawn one at a time until the
posterior puts the chance on one side of the threshold with the wanted confidence, or K are spent.
Math-Shepherd (arXiv 2312.08935) spends K on every prefix.

At threshold 0 no posterior is asked: a prefix is right if any of its K rollouts is, and the first
success ends them. That is Math-Shepherd's hard estimate, the threshold that arXiv 2501.07301 found
best, and what OmegaPRM's binary search checks (MC > 0, arXiv 2406.06592).
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from scipy.special import betainc

from prmscale.engines.requests import Extend, Judge, Request, Strategy
from prmscale.labels.monte_carlo import Estimate, ended, prefixes_of
from prmscale.tasks.base import Prefix

ANY = "any rollout right"


@dataclass(frozen=True)
class Decision:
    """When a label is decided: the chance of success is above or below `threshold` with this
    posterior probability, or at threshold 0 there is a success.
    """

    threshold: float
    confidence: float

    def above(self, successes: int, rollouts: int) -> float:
        """Posterior probability that the chance of success is above the threshold; at 0 whether one
        was seen.
        """
        if self.threshold == 0:
            return float(successes > 0)
        return 1.0 - float(betainc(successes + 0.5, rollouts - successes + 0.5, self.threshold))

    def made(self, successes: int, rollouts: int) -> bool:
        """Whether more rollouts are not needed."""
        if self.threshold == 0:
            return successes > 0
        above = self.above(successes, rollouts)
        return max(above, 1 - above) >= self.confidence

    def right(self, successes: int, rollouts: int) -> bool:
        """The more likely side."""
        return self.above(successes, rollouts) > 0.5

    def __str__(self) -> str:
        """The rule in words, as labels are kept with it."""
        if self.threshold == 0:
            return ANY
        return f"chance of success above {self.threshold:g} more likely than not, settled at {self.confidence:g}"


def decide(
    prefixes: Sequence[Prefix], most: int, decision: Decision
) -> Generator[Request, Any, dict[Prefix, Estimate]]:
    """Roll out these prefixes, each until its label is decided or `most` rollouts are spent."""
    found = {prefix: Estimate(0, 0, 0) for prefix in prefixes}
    for _ in range(most):
        unsure = [
            p
            for p, e in found.items()
            if not e.rollouts or not decision.made(e.successes, e.rollouts)
        ]
        if not unsure:
            break
        drawn = [group[0] for group in (yield Extend(unsure, 1, until="end"))]
        right = yield Judge(
            [replace(c, steps=prefix + c.steps) for prefix, c in zip(unsure, drawn, strict=True)]
        )
        for prefix, continuation, success in zip(unsure, drawn, right, strict=True):
            e = found[prefix]
            found[prefix] = Estimate(
                e.rollouts + 1, e.successes + bool(success), e.tokens + continuation.tokens
            )
    return {
        prefix: Estimate(e.rollouts, e.successes, e.tokens, decision.right(e.successes, e.rollouts))
        for prefix, e in found.items()
    }


def known_ends(
    solutions: Sequence[Prefix], complete: Sequence[bool]
) -> Generator[Request, Any, dict[Prefix, Estimate]]:
    """The whole solutions that their policy ended (`complete`): they need no rollout, all of them
    would be itself.
    """
    whole = sorted(
        {tuple(s) for s, is_whole in zip(solutions, complete, strict=True) if is_whole and s}
    )
    right = (yield Judge([ended(solution) for solution in whole])) if whole else []
    return {s: Estimate(0, 0, 0, bool(good)) for s, good in zip(whole, right, strict=True)}


def adaptive(
    solutions: Sequence[Prefix], complete: Sequence[bool], rollouts: int, decision: Decision
) -> Strategy:
    """Estimate every prefix of these solutions of one problem; returns {prefix: Estimate}.

    As in `monte_carlo`, a shared prefix is rolled out once and a whole solution that its policy
    ended needs none.
    """
    estimates = yield from known_ends(solutions, complete)
    estimates |= yield from decide(
        [p for p in prefixes_of(solutions) if p not in estimates], rollouts, decision
    )
    return estimates
