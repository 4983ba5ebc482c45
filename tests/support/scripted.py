"""Scripted engines: policies, reward models and tasks whose every answer is known, for tests
without a model.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from prmscale import seeds
from prmscale.engines.flops import Shape
from prmscale.engines.requests import Continuation, Scored
from prmscale.tasks.base import Grade, Problem


def problem(number: int = 0, domain: str = "math", split: str = "test") -> Problem:
    """A problem without content."""
    return Problem(
        f"toy/{split}/{number:05d}", domain, split, f"problem {number}", "1", None, 1, "toy", "none"
    )


class CoinPolicy:
    """Writes solutions of `length` steps, each `1` (right) with probability `p`, else `0`."""

    def __init__(self, p: float = 0.6, length: int = 3, seed: int = 0) -> None:
        self.p, self.length, self.seed = p, length, seed
        self.calls: list[int] = []

    def extend(self, extensions, progress=None):
        """One token a step; draws depend on problem, prefix and number alone."""
        self.calls.append(len(extensions))
        replies = []
        for e in extensions:
            group = []
            for draw in range(e.first_draw, e.first_draw + e.samples):
                stream = seeds.generator(self.seed, e.problem.problem_id, e.prefix, draw)
                left = self.length - len(e.prefix)
                count = left if e.until == "end" else min(1, left)
                steps = tuple("1" if stream.random() < self.p else "0" for _ in range(count))
                reason = "stop" if len(e.prefix) + len(steps) >= self.length else None
                group.append(
                    Continuation(
                        steps,
                        reason,
                        max(1, len(steps)),
                        float(stream.random()),
                        0.0,
                        1,
                        2.0,
                        prefix_flops=1.0,
                    )
                )
            replies.append(group)
        return replies


class PerfectScorer:
    """Scores a step 1 if the solution is right so far, else 0; one token a step. Others say what
    `of` a prefix is.
    """

    shape = Shape(linear_weights=1, layers=0, width=0)  # two operations a token
    writes = False
    seconds_per_token = 0.25

    def of(self, problem, prefix):
        """The score of the prefix's last step."""
        return float(all(step == "1" for step in prefix))

    def score(self, items, progress=None):
        """The score of every step."""
        return [
            Scored(np.array([self.of(p, s[: t + 1]) for t in range(len(s))]), range(len(s) + 1))
            for p, s in items
        ]


class BlindScorer(PerfectScorer):
    """Scores everything alike."""

    def of(self, problem, prefix):
        """Constant one half."""
        return 0.5


def grade(problems: Sequence[Problem], solutions: Sequence[tuple[str, ...]]) -> list[Grade]:
    """A solution is right if all its steps are; its answer is the number of right steps. A program
    passes two visible tests, one for each of its first two steps that is right.
    """
    return [
        Grade(
            str(s.count("1")),
            len(s) > 0 and all(step == "1" for step in s),
            visible=s[:2].count("1") / 2 if p.domain == "code" else None,
        )
        for p, s in zip(problems, solutions, strict=True)
    ]


class HashScorer(PerfectScorer):
    """An arbitrary score for every prefix."""

    def of(self, problem, prefix):
        return float(seeds.generator("score", *prefix).random())
