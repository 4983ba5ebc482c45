"""Self-certainty voting: a vote for final answers in which the more certain samples count more.

Kang et al. 2025, arXiv 2502.18581: Borda voting over the ranks of self-certainty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from prmscale.engines.requests import Read, Strategy
from prmscale.search.samples import Select, choose, draw
from prmscale.search.weighted_best_of_n import highest_sum

EXPONENTS = {"p0.5": 0.5, "p1": 1.0, "p2": 2.0}


def self_certainty_vote(budgets: Sequence[int], exponents: Mapping[str, float]) -> Strategy:
    """The answer with most votes, where the sample of rank r among n has (n - r + 1)^p votes.

    Rank 1 is the most certain sample, of equals the first. The most certain sample with the winning
    answer represents it. At p = 0 this is the majority, and at large p the most certain sample that
    has an answer.
    """
    samples = yield from draw(budgets[-1])
    answers = yield Read(samples)
    certainties = [sample.self_certainty for sample in samples]
    for name, exponent in exponents.items():
        yield from choose(samples, budgets, _win_by_ranks(answers, certainties, exponent), name)


def _win_by_ranks(
    answers: Sequence[str | None], certainties: Sequence[float], exponent: float
) -> Select:
    def select(group: list[int]) -> list[int]:
        from_last = sorted(group, key=lambda i: (certainties[i], -i))
        votes = {i: place**exponent for place, i in enumerate(from_last, start=1)}
        return highest_sum(answers, votes)(group)

    return select
