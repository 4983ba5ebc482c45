"""Adaptive best-of-n: weighted best-of-n that stops drawing when its leader is clear.

After Adaptive-Consistency (Aggarwal et al. 2023, arXiv 2305.11860), with the reward model's scores
as votes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from scipy.special import betainc  # scipy.stats would take half a second at every start

from prmscale.engines.aggregation import Aggregate
from prmscale.engines.requests import Choice, Continuation, Read, Score, Strategy
from prmscale.search.samples import draw


def adaptive_best_of_n(
    budgets: Sequence[int], aggregates: Mapping[str, Aggregate], confidence: float = 0.95
) -> Strategy:
    """Samples are drawn up to each budget in turn, until the leading answer would stay ahead with
    this probability.

    The answers' summed scores v, w of the leader and the next give its share of their votes a
    Beta(1 + v, 1 + w) posterior; the leader is clear when P(share > 1/2) reaches `confidence`. The
    answer is that of weighted best-of-n, the same at every larger budget. There is one aggregate:
    what is drawn depends on it.
    """
    ((name, aggregate),) = aggregates.items()
    samples: list[Continuation] = []
    votes: dict[str | None, float] = defaultdict(float)
    tops: dict[str | None, tuple[float, Continuation]] = {}
    clear = False
    for budget in budgets:
        if not clear:
            new = yield from draw(budget - len(samples))
            scores = yield Score([sample.steps for sample in new])
            answers = yield Read(new)
            for sample, answer, score in zip(new, answers, map(aggregate, scores), strict=True):
                # a sample without an answer is taken only where there is no other
                votes[answer] += max(score, 0.0) if answer is not None else 0.0
                if answer not in tops or score > tops[answer][0]:
                    tops[answer] = (score, sample)
            samples += new
            leader, *others = sorted(votes, key=lambda a: (a is not None, votes[a]), reverse=True)
            behind = votes[others[0]] if others else 0.0
            clear = (
                betainc(1 + behind, 1 + votes[leader], 0.5) >= confidence
            )  # by symmetry P(share > 1/2)
        yield Choice(budget, [[tops[leader][1]]], variant=name)
