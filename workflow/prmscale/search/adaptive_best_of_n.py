"""Adaptive best-of-n: weighted best-of-n that stops drawing when its leader is clear.

After Adaptive-Consistency (Aggarwal et al. 2023, arXiv 2305.11860), with the reward model's scores
as votes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import scipy  # which loads its parts when they are used: every start of Snakemake imports this

from prmscale.engines.aggregation import Aggregate
from prmscale.engines.requests import Choice, Continuation, Read, Score, Strategy
from prmscale.search.samples import draw


@dataclass
class _Ballot:
    """The votes for each answer so far, and the best-scored sample with it."""

    votes: dict[str | None, float] = field(default_factory=dict)
    best: dict[str | None, tuple[float, Continuation]] = field(default_factory=dict)

    def add(self, sample: Continuation, answer: str | None, score: float) -> None:
        """Count a sample; one without an answer has no vote."""
        vote = 0.0 if answer is None else max(score, 0.0)
        self.votes[answer] = self.votes.get(answer, 0.0) + vote
        if answer not in self.best or score > self.best[answer][0]:
            self.best[answer] = (score, sample)

    def rank(self) -> list[str | None]:
        """The answers by their votes; no answer (None) comes last."""
        return sorted(
            self.votes, key=lambda answer: (answer is not None, self.votes[answer]), reverse=True
        )

    def leader_is_clear(self, confidence: float) -> bool:
        """Whether P(the leader's share of its and the next one's votes > 1/2) is high enough."""
        leader, *others = self.rank()
        behind = self.votes[others[0]] if others else 0.0
        # by symmetry P(share > 1/2)
        return bool(scipy.special.betainc(1 + behind, 1 + self.votes[leader], 0.5) >= confidence)

    def winner(self) -> tuple[float, Continuation]:
        """The best-scored sample with the leading answer, after its score."""
        return self.best[self.rank()[0]]


def adaptive_best_of_n(
    budgets: Sequence[int], aggregates: Mapping[str, Aggregate], confidence: float = 0.95
) -> Strategy:
    """Draw up to each budget in turn until the leading answer is likely to stay ahead.

    The answers' summed scores v and w of the leader and the next one give the leader's share of
    their votes a Beta(1 + v, 1 + w) posterior; the leader is clear when P(share > 1/2) reaches
    `confidence`. The answer is that of weighted best-of-n and stays the same at every larger
    budget. There must be one aggregate, because it decides what is drawn.
    """
    ((name, aggregate),) = aggregates.items()
    ballot, count, clear = _Ballot(), 0, False
    for budget in budgets:
        if not clear:
            new = yield from draw(budget - count)
            scores = yield Score([sample.steps for sample in new])
            answers = yield Read(new)
            for sample, answer, score in zip(new, answers, scores, strict=True):
                ballot.add(sample, answer, aggregate(score))
            count += len(new)
            clear = ballot.leader_is_clear(confidence)
        score, winner = ballot.winner()
        yield Choice(budget, [[winner]], variant=name, score=score)
