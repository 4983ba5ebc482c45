"""Calibrated majority: a vote for final answers, each weighted by its sample's chance of being
correct.

It is weighted best-of-n (Li et al. 2023, arXiv 2206.02336) whose weights are scores that were
calibrated on validation solutions (`prmscale.rewards.calibration`): a score that is not a
probability gives a wrong answer that many samples share too much weight, or too little.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from prmscale.engines.aggregation import Aggregate
from prmscale.engines.requests import Strategy
from prmscale.search.samples import Select
from prmscale.search.weighted_best_of_n import vote


def calibrated_majority(budgets: Sequence[int], aggregates: Mapping[str, Aggregate]) -> Strategy:
    """Vote for final answers, weighted by `aggregates`, which give calibrated scores.

    The best-scored sample with the winning answer represents it. Equals are broken uniformly: an
    isotonic calibration gives many samples the same score. So the strategy is majority voting where
    all weights are equal, and weighted best-of-n where the calibration changes no score and no two
    are equal.
    """
    yield from vote(budgets, aggregates, _heaviest)


def _heaviest(answers: Sequence[str | None], weights: Sequence[float]) -> Select:
    def select(group: list[int]) -> list[int]:
        votes: dict[str, float] = defaultdict(float)
        best: dict[str | None, float] = {}
        for i in group:
            answer = answers[i]
            best[answer] = max(weights[i], best.get(answer, weights[i]))
            if answer is not None:
                votes[answer] += weights[i]
        most = max(votes.values(), default=0.0)
        winners: list[str | None] = [name for name, vote in votes.items() if vote == most]
        winners = winners or [None]
        return [i for i in group if answers[i] in winners and weights[i] == best[answers[i]]]

    return select
