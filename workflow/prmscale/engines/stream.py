"""Sampling that does not wait for the slowest draw: groups are started, and collected as they end.

An engine that samples continuously (vLLM) is a `Stream`: it is given new groups while others still
run, so that its batches stay full. `Batches` makes a stream of a policy that samples one batch
after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Protocol, runtime_checkable

from prmscale.engines.requests import Continuation, Extension

Group = list[list[Continuation]]  # the continuations of each extension of a group


class Policy(Protocol):
    """An engine that samples continuations."""

    def extend(
        self, extensions: Sequence[Extension], progress: str | None = None
    ) -> list[list[Continuation]]:
        """Continuations of each extension, in order of their draws."""
        ...


@runtime_checkable
class Stream(Protocol):
    """A policy that samples several groups of extensions at once."""

    def start(self, extensions: Sequence[Extension]) -> int:
        """Begin to sample these extensions; returns the number of their group."""
        ...

    def collect(self, progress: str | None = None) -> dict[int, Group]:
        """The groups that have ended since, by number: at least one, unless none is running."""
        ...


class Batches:
    """A stream that samples all that was started in one call of a policy's `extend`."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._started: dict[int, Sequence[Extension]] = {}
        self._groups = 0

    def start(self, extensions: Sequence[Extension]) -> int:
        """Keep the extensions for the next call of `collect`."""
        self._groups += 1
        self._started[self._groups] = extensions
        return self._groups

    def collect(self, progress: str | None = None) -> dict[int, Group]:
        """Every group that was started."""
        started, self._started = self._started, {}
        together = [each for group in started.values() for each in group]
        replies = iter(self._policy.extend(together, progress))
        return {number: [*islice(replies, len(group))] for number, group in started.items()}


def as_stream(policy: Policy) -> Stream:
    """The policy itself if it is a stream, else its batches."""
    return policy if isinstance(policy, Stream) else Batches(policy)
