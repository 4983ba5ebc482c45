"""Keeps every draw of a policy: what several runs ask for is generated once.

Draws are numbered per problem, prefix and run, and a draw does not depend on who asks for it. So
strategies, budgets and reward models that extend the same partial solution share its continuations:
they meet the same luck (comparisons between them are paired), and a small model's steps, which are
often alike, cost little time. Each run is charged for all that it asked for, as if it were alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from prmscale.engines.policy import Extension
from prmscale.engines.requests import Continuation, Until
from prmscale.engines.scheduler import Policy
from prmscale.tasks.base import Prefix, Problem

Key = tuple[str, Prefix, Until]


class CachedPolicy:
    """A policy with a memory; its memory lasts as long as it does."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._drawn: dict[Key, dict[int, Continuation]] = {}

    @property
    def seconds_per_token(self) -> float:
        """Measured wall time of a token that was really generated."""
        return self.policy.seconds_per_token

    def extend(
        self, extensions: Sequence[Extension], progress: str | None = None
    ) -> list[list[Continuation]]:
        """Continuations of each extension, in order of their draws."""
        missing: dict[Key, tuple[Problem, set[int]]] = {}
        for e in extensions:
            key = (e.problem.problem_id, e.prefix, e.until)
            new = (
                set(range(e.first_draw, e.first_draw + e.samples))
                - self._drawn.setdefault(key, {}).keys()
            )
            if new:
                missing.setdefault(key, (e.problem, set()))[1].update(new)
        asked = [
            (key, Extension(problem, key[1], len(draws), draws[0], key[2]))
            for key, (problem, wanted) in missing.items()
            for draws in _consecutive(sorted(wanted))
        ]
        for (key, e), group in zip(
            asked, self.policy.extend([e for _, e in asked], progress), strict=True
        ):
            self._drawn[key].update(enumerate(group, e.first_draw))
        return [
            [
                self._drawn[e.problem.problem_id, e.prefix, e.until][draw]
                for draw in range(e.first_draw, e.first_draw + e.samples)
            ]
            for e in extensions
        ]


def _consecutive(numbers: Sequence[int]) -> list[list[int]]:
    """Increasing numbers cut where one is left out."""
    runs: list[list[int]] = []
    for number in numbers:
        if not runs or number != runs[-1][-1] + 1:
            runs.append([])
        runs[-1].append(number)
    return runs
