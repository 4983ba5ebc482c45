"""What the strategies over independent samples share.

At budget n the largest budget's N samples are cut in N // n disjoint groups, each an independent
run: the average over groups has the same expectation as one run and less noise.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

from prmscale.engines.requests import Choice, Continuation, Extend, Request

Select = Callable[[list[int]], list[int]]


def highest(values: Sequence[float]) -> Select:
    """Picks the one with the highest value, the first of equals."""
    return lambda group: [max(group, key=lambda i: values[i])]


def draw(count: int) -> Generator[Request, Any, list[Continuation]]:
    """Ask for `count` whole solutions of the problem."""
    ((*samples,),) = yield Extend([()], count, until="end")
    return samples


def choose(
    samples: Sequence[Continuation], budgets: Sequence[int], select: Select, variant: str = ""
) -> Generator[Request, Any, None]:
    """Yield a Choice for each budget: `select` maps the indices of a group to the indices it picks
    (ties: several).

    A group that picks k samples stands for a uniform draw among them; every group weighs the same.
    """
    for budget in budgets:
        groups = [
            list(range(at, at + budget)) for at in range(0, len(samples) - budget + 1, budget)
        ]
        picks = [select(group) for group in groups]
        yield Choice(
            budget,
            [[samples[i] for i in pick] for pick in picks],
            runs=len(groups),
            variant=variant,
        )
