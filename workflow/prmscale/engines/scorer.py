"""The base class of engines that score steps: encodes solutions and reads each of them once.

A subclass defines how encoded solutions are read together.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from time import perf_counter

import numpy as np
from transformers import PreTrainedTokenizerBase

from prmscale.engines.flops import Shape
from prmscale.engines.requests import Scored
from prmscale.tasks import steps as step_text
from prmscale.tasks.base import Prefix, Problem


class StepScorer(ABC):
    """A process reward model; its scores are the probabilities that each step is right."""

    shape: Shape
    tokenizer: PreTrainedTokenizerBase

    def __init__(self) -> None:
        self.seconds, self.read = 0.0, 0
        self._known: dict[tuple[str, Prefix], Scored] = {}

    def encode(self, problem: Problem, steps: Prefix) -> step_text.Encoded:
        """The tokens of a solution as the reward model reads it."""
        return step_text.encode_solution(self.tokenizer, problem.prompt, steps)

    @property
    def seconds_per_token(self) -> float:
        """Measured wall time of a token read, with full batches, in seconds."""
        return self.seconds / max(self.read, 1)

    def score(
        self, items: Sequence[tuple[Problem, Prefix]], progress: str | None = None
    ) -> list[Scored]:
        """Step scores of each (problem, steps) and the tokens read.

        The same solution of a problem is read only once.
        """
        started = perf_counter()
        new = {(p.problem_id, s): (p, s) for p, s in items if (p.problem_id, s) not in self._known}
        encoded = [self.encode(problem, steps) for problem, steps in new.values()]
        for key, scores, each in zip(new, self._scores(encoded, progress), encoded, strict=True):
            ends = [end + 1 for end in each.ends]
            self._known[key] = Scored(scores, (each.start, *ends))
        self.seconds += perf_counter() - started
        self.read += sum(len(e.ids) for e in encoded)
        return [self._known[problem.problem_id, steps] for problem, steps in items]

    def forget(self) -> None:
        """Drop the scores known so far, so that later batches do not depend on earlier ones."""
        self._known.clear()

    @abstractmethod
    def _scores(
        self, encoded: Sequence[step_text.Encoded], progress: str | None
    ) -> list[np.ndarray]:
        """The step scores of each solution; there must be one score per step."""
