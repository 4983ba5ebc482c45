"""What the strategies over independent samples share.

At budget n the N samples of the largest budget are cut into N // n disjoint groups, each an
independent run: the average over the groups has the same expectation as one run and less noise.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

from prmscale.engines.requests import Choice, Continuation, Extend, Request

Select = Callable[[list[int]], list[int]]


def highest(values: Sequence[Any] | Mapping[int, Any]) -> Select:
    """Select the index with the highest value; of equals the first."""
    return lambda group: [max(group, key=lambda i: values[i])]


def draw(count: int) -> Generator[Request, Any, list[Continuation]]:
    """Ask for `count` whole solutions of the problem."""
    ((*samples,),) = yield Extend([()], count, until="end")
    return samples


def choose(
    samples: Sequence[Continuation],
    budgets: Sequence[int],
    select: Select,
    variant: str = "",
    scores: Sequence[float] | None = None,
) -> Generator[Request, Any, None]:
    """Yield a Choice for each budget.

    `select` maps the indices of a group to the indices it picks. A group that picks k samples
    stands for a uniform draw among them; every group has the same weight. `scores` are those of the
    samples, for the record.
    """
    for budget in budgets:
        picks, picked = [], []
        for at in range(0, len(samples) - budget + 1, budget):
            indices = select(list(range(at, at + budget)))
            picks.append([samples[i] for i in indices])
            if scores is not None:
                picked.append(sum(scores[i] for i in indices) / len(indices))
        score = sum(picked) / len(picked) if picked else None
        yield Choice(budget, picks, len(picks), variant, score)
