"""What every engine that scores steps shares: solutions as token ids, each read once, and what it
hands back.

An engine is a subclass that says how many encoded solutions are read together.
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
    """A process reward model read at each step's end; scores are probabilities that the step is
    right.
    """

    shape: Shape
    tokenizer: PreTrainedTokenizerBase

    def __init__(self) -> None:
        self.seconds, self.read = 0.0, 0
        self._known: dict[tuple[str, Prefix], Scored] = {}

    def encode(self, problem: Problem, steps: Prefix) -> step_text.Encoded:
        """A solution as the reward model reads it."""
        return step_text.encode_solution(self.tokenizer, problem.prompt, steps)

    @property
    def seconds_per_token(self) -> float:
        """Measured wall time of a token read, with full batches."""
        return self.seconds / max(self.read, 1)

    def score(
        self, items: Sequence[tuple[Problem, Prefix]], progress: str | None = None
    ) -> list[Scored]:
        """Step scores of each solution, and what was read; the same solution of a problem is read
        only once.
        """
        started = perf_counter()
        new = {(p.problem_id, s): (p, s) for p, s in items if (p.problem_id, s) not in self._known}
        encoded = [self.encode(problem, steps) for problem, steps in new.values()]
        for key, own, each in zip(new, self._scores(encoded, progress), encoded, strict=True):
            self._known[key] = Scored(own, (each.start, *(end + 1 for end in each.ends)))
        self.seconds += perf_counter() - started
        self.read += sum(len(e.ids) for e in encoded)
        return [self._known[problem.problem_id, steps] for problem, steps in items]

    def forget(self) -> None:
        """Drop the scores known so far: what is read together from here on depends on nothing
        before.
        """
        self._known.clear()

    @abstractmethod
    def _scores(
        self, encoded: Sequence[step_text.Encoded], progress: str | None
    ) -> list[np.ndarray]:
        """The step scores of each solution: one a step, always."""
