"""Keeps every draw of a policy, so that several runs that ask for it generate it once.

A draw is identified by problem, prefix and number, whoever asks for it. Strategies, budgets and
reward models that extend the same partial solution therefore share random draws (paired
comparison), and the steps of a small model, which often repeat, take little time. Each run is
charged for all that it asked for, as if it were alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from prmscale.engines.requests import Continuation, Extension, Until
from prmscale.engines.stream import Group, Policy, as_stream
from prmscale.tasks.base import Prefix, Problem

Key = tuple[str, Prefix, Until]


class CachedPolicy:
    """A policy that remembers its draws for as long as this object lives; a stream of its own."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._stream = as_stream(policy)
        self._known: dict[Key, dict[int, Continuation]] = {}
        self._asked: dict[Key, set[int]] = {}  # draws that are known or being sampled
        self._sampled: dict[int, Extension] = {}  # by group of the policy's stream
        self._started: dict[int, Sequence[Extension]] = {}  # by group of this stream
        self._new: list[Extension] = []  # started since the last call of `collect`
        self._groups = 0

    def extend(
        self, extensions: Sequence[Extension], progress: str | None = None
    ) -> list[list[Continuation]]:
        """Continuations of each extension, in order of their draws."""
        number = self.start(extensions)
        found: dict[int, Group] = {}
        while number not in found:
            found |= self.collect(progress)
        return found[number]

    def start(self, extensions: Sequence[Extension]) -> int:
        """Keep the extensions; `collect` has the draws sampled that nobody has asked for before."""
        self._new += extensions
        self._groups += 1
        self._started[self._groups] = extensions
        return self._groups

    def collect(self, progress: str | None = None) -> dict[int, Group]:
        """The groups whose draws are all known."""
        # of all groups together, so that a prefix which several of them continue is read once
        for e in self._find_new(self._new):
            self._sampled[self._stream.start([e])] = e
        self._new = []
        found = self._find_known()
        while not found and self._started:
            ended = self._stream.collect(progress)
            assert ended, "the policy has given fewer draws than it was asked for"
            for number, (group,) in ended.items():
                e = self._sampled.pop(number)
                self._known.setdefault(_key(e), {}).update(enumerate(group, e.first_draw))
            found = self._find_known()
        return found

    def _find_known(self) -> dict[int, Group]:
        found = {}
        for number, extensions in list(self._started.items()):
            if all(map(self._knows, extensions)):
                found[number] = [self._recall(e) for e in extensions]
                del self._started[number]
        return found

    def _knows(self, e: Extension) -> bool:
        return self._known.get(_key(e), {}).keys() >= set(_draws(e))

    def _recall(self, e: Extension) -> list[Continuation]:
        known = self._known[_key(e)]
        return [known[draw] for draw in _draws(e)]

    def _find_new(self, extensions: Sequence[Extension]) -> list[Extension]:
        """Extensions that cover each draw that was not asked for yet once."""
        missing: dict[Key, tuple[Problem, set[int]]] = {}
        for e in extensions:
            asked = self._asked.setdefault(_key(e), set())
            draws = set(_draws(e)) - asked
            if draws:
                missing.setdefault(_key(e), (e.problem, set()))[1].update(draws)
                asked |= draws
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
