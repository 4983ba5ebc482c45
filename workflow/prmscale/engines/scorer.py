"""The base classes of engines that score steps: each solution is scored once.

A `SolutionReader` encodes solutions and reads each from front to back; its subclasses define how
encoded solutions are read together. `engines.verifier` asks about each step instead.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from time import perf_counter

import numpy as np
from transformers import PreTrainedTokenizerBase

from prmscale.engines.finite import require_finite
from prmscale.engines.flops import Shape
from prmscale.engines.requests import Scored
from prmscale.tasks import steps as step_text
from prmscale.tasks.base import Prefix, Problem


class StepScorer(ABC):
    """A process reward model; its scores are the probabilities that each step is right.

    `writes`: it writes thoughts, so what a score costs is known only afterwards; `counts` them.
    """

    shape: Shape
    writes = False

    def __init__(self) -> None:
        self.seconds, self.read = 0.0, 0
        self.counts: Counter[str] = Counter()
        self._known: dict[tuple[str, Prefix], Scored] = {}

    @property
    def seconds_per_token(self) -> float:
        """Measured wall time of a token read or written, with full batches, in seconds."""
        return self.seconds / max(self.read, 1)

    def score(
        self, items: Sequence[tuple[Problem, Prefix]], progress: str | None = None
    ) -> list[Scored]:
        """Step scores of each (problem, steps) and what they cost.

        The same solution of a problem is scored only once.
        """
        started = perf_counter()
        new = {(p.problem_id, s): (p, s) for p, s in items if (p.problem_id, s) not in self._known}
        self._known.update(zip(new, self._score_new([*new.values()], progress), strict=True))
        self.seconds += perf_counter() - started
        return [self._known[problem.problem_id, steps] for problem, steps in items]

    def forget(self) -> None:
        """Drop the scores known so far, so that later batches do not depend on earlier ones."""
        self._known.clear()

    @abstractmethod
    def _score_new(
        self, items: Sequence[tuple[Problem, Prefix]], progress: str | None
    ) -> list[Scored]:
        """The scores of these distinct solutions; adds the tokens to `read`."""


class SolutionReader(StepScorer):
    """A reward model that reads a whole solution once."""

    tokenizer: PreTrainedTokenizerBase

    def encode(self, problem: Problem, steps: Prefix) -> step_text.Encoded:
        """The tokens of a solution as the reward model reads it."""
        return step_text.encode_solution(self.tokenizer, problem.prompt, steps)

    def _score_new(
        self, items: Sequence[tuple[Problem, Prefix]], progress: str | None
    ) -> list[Scored]:
        encoded = [self.encode(problem, steps) for problem, steps in items]
        scored = []
        for each, scores in zip(encoded, self._scores(encoded, progress), strict=True):
            require_finite(scores, "the score of a step")
            scored.append(Scored(scores, (each.start, *(end + 1 for end in each.ends))))
        self.read += sum(len(e.ids) for e in encoded)
        return scored

    @abstractmethod
    def _scores(
        self, encoded: Sequence[step_text.Encoded], progress: str | None
    ) -> list[np.ndarray]:
        """The step scores of each solution; there must be one score per step."""
