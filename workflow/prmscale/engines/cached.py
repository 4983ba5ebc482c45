"""Keeps every draw of a policy, so that several runs that ask for it generate it once.

A draw is identified by problem, prefix and number, whoever asks for it. Strategies, budgets and
reward models that extend the same partial solution therefore share random draws (paired
comparison), and the steps of a small model, which often repeat, take little time. Each run is
charged for all that it asked for, as if it were alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from prmscale.engines.requests import Continuation, Extension, Until
from prmscale.engines.scheduler import Policy
from prmscale.tasks.base import Prefix, Problem

Key = tuple[str, Prefix, Until]


class CachedPolicy:
    """A policy that remembers its draws for as long as this object lives."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._known: dict[Key, dict[int, Continuation]] = {}

    @property
    def seconds_per_token(self) -> float:
        """Measured wall time of a token that was generated, not remembered."""
        return self.policy.seconds_per_token

    def extend(
        self, extensions: Sequence[Extension], progress: str | None = None
    ) -> list[list[Continuation]]:
        """Continuations of each extension, in order of their draws."""
        new = self._find_new(extensions)
        for e, group in zip(new, self.policy.extend(new, progress), strict=True):
            self._known[_key(e)].update(enumerate(group, e.first_draw))
        replies = []
        for e in extensions:
            known = self._known[_key(e)]
            replies.append([known[draw] for draw in _draws(e)])
        return replies

    def _find_new(self, extensions: Sequence[Extension]) -> list[Extension]:
        """Extensions that cover each draw that is not known yet once."""
        missing: dict[Key, tuple[Problem, set[int]]] = {}
        for e in extensions:
            key = _key(e)
            draws = set(_draws(e)) - self._known.setdefault(key, {}).keys()
            if draws:
                missing.setdefault(key, (e.problem, set()))[1].update(draws)
        new = []
        for (_, prefix, until), (problem, numbers) in missing.items():
            for run in _split_at_gaps(sorted(numbers)):
                new.append(Extension(problem, prefix, len(run), run[0], until))
        return new


def _key(e: Extension) -> Key:
    return e.problem.problem_id, e.prefix, e.until


def _draws(e: Extension) -> range:
    return range(e.first_draw, e.first_draw + e.samples)


def _split_at_gaps(numbers: Sequence[int]) -> list[list[int]]:
    """Split increasing numbers into runs of consecutive ones."""
    runs: list[list[int]] = []
    for number in numbers:
        if not runs or number != runs[-1][-1] + 1:
            runs.append([])
        runs[-1].append(number)
    return runs
