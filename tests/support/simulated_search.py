"""A policy with lengths as real ones and a noisy reward model, for tests of search and for looking
at it.
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections import Counter
from itertools import pairwise
from statistics import NormalDist

from scripted import PerfectScorer

from prmscale.engines.requests import NOTHING, Continuation, Extension
from prmscale.tasks.base import Grade

NORMAL = NormalDist()


def luck(*names: object) -> tuple[float, ...]:
    """Eight uniform numbers that depend on names alone (cheaper than `seeds`)."""
    return tuple(
        (n + 0.5) / 2**64
        for n in struct.unpack("8Q", hashlib.blake2b(repr(names).encode()).digest())
    )


class RealLengths:
    """Solutions whose lengths are log-normal (log-sd about .5), one in ten a runaway of several
    times the mean.

    A step is `RIGHT.n` with a chance that depends on the problem, else `WRONG.n`, n one of `texts`
    wordings. At any step a solution may begin to `LOOP`: it goes on to the token limit, at `most`
    steps.
    """

    steps, loops, most = 6.0, 0.015, 40

    def __init__(self, texts: int = 6, spread: float = 0.5) -> None:
        self.texts, self.spread = texts, spread
        ended = [NORMAL.cdf(math.log(k / self.steps) / spread) for k in range(1, self.most + 1)]
        self.hazard = [(b - a) / (1 - a) for a, b in pairwise([0.0, *ended])]

    def extend(self, extensions, progress=None):
        """Draws depend on problem, prefix and number alone."""
        return [
            [self._draw(e, n) for n in range(e.first_draw, e.first_draw + e.samples)]
            for e in extensions
        ]

    def _draw(self, e: Extension, number: int) -> Continuation:
        """A step, or the solution that writer `number` of as many gets who write one after the
        other, step by step.
        """
        if e.until == "step":
            return self._step(e.problem.problem_id, e.prefix, number)
        taken: Counter[tuple[str, ...]] = Counter()
        for _ in range(number + 1):
            written = NOTHING
            while written.finish_reason is None:
                prefix = e.prefix + written.steps
                written = written.join(self._step(e.problem.problem_id, prefix, taken[prefix]))
                taken[prefix] += 1
        return written

    def _step(self, name: str, prefix: tuple[str, ...], number: int) -> Continuation:
        right, text, loop, end, long, likely, *_ = luck(name, prefix, number)
        chance = 0.72 + 0.25 * luck("ease", name)[0]
        step = f"{'RIGHT' if right < chance else 'WRONG'}.{int(text * self.texts)}"
        looping = (prefix and prefix[-1] == "LOOP") or loop < self.loops
        ends = "length" if len(prefix) + 1 == self.most else None
        if not looping and end < self.hazard[len(prefix)]:
            ends = "stop"
        tokens = 1 + round(20 * math.exp(self.spread * NORMAL.inv_cdf(long)))
        return Continuation(
            ("LOOP" if looping else step,),
            ends,
            tokens,
            -likely * tokens,
            0.0,
            1,
            2.0 * tokens,
            prefix_flops=1.0,
        )


class NoisyScorer(PerfectScorer):
    """A reward model that says .75 of a prefix that is right so far, else .35, give or take
    `noise`.
    """

    def __init__(self, noise: float = 0.2) -> None:
        self.noise = noise

    def of(self, problem, prefix):
        """The score of the prefix's last step."""
        right = not any("WRONG" in step for step in prefix)
        noise = self.noise * NORMAL.inv_cdf(luck("noise", problem.problem_id, prefix)[0])
        return min(0.99, max(0.01, (0.75 if right else 0.35) + noise))


def judge(problems, solutions):
    """A solution is right if no step is wrong."""
    return [
        Grade(str(len(s)), len(s) > 0 and not any("WRONG" in step for step in s)) for s in solutions
    ]
