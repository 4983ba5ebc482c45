"""Particle filtering: partial solutions are resampled by their scores after every step.

Puri et al. 2025, arXiv 2502.01618. Where beam search keeps the best and drops the others for good,
a particle of low score may survive, with a chance that falls with its score: the reward model need
not be right at once. Weights are the odds s / (1 - s) of the scores s, as in the authors' its_hub:
the softmax of their log-odds.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import numpy as np
import scipy

from prmscale.engines.aggregation import Aggregate
from prmscale.engines.requests import Request, Strategy, Toss
from prmscale.search.tree import Forest, Node

_NEAREST = 1e-7  # to 0 and 1 that a score may be, so that no weight is infinite


def particle_filtering(budget: int, aggregate: Aggregate, temperature: float) -> Strategy:
    """A filter of one particle per sample of the budget, then filters of what is left.

    The answer is the best whole solution of all filters, those that resampling dropped included.
    With one particle it is one sample; at temperature 0 it is a tree of DVTS with as many
    candidates as particles.
    """
    forest = Forest(aggregate)
    left: float | None = float(budget)
    while left is not None:
        left = yield from _run_filter(forest, max(1, int(left)), temperature)


def _run_filter(
    forest: Forest, count: int, temperature: float
) -> Generator[Request, Any, float | None]:
    """Extend `count` particles by a step and resample them, until all have ended; returns the
    samples' worth that is left of the budget.

    A particle that has ended keeps its weight and takes part. Each node's `visits` count its copies
    and `value` is its share of the weights when it was last resampled, so that the particles with
    copies are the survivors.
    """
    particles = [forest.plant()] * count
    left: float | None = None
    while not all(particle.whole for particle in particles):
        new = yield from forest.grow([each for each in particles if not each.whole])
        left = yield forest.incumbent(forest.best())
        particles = [each for each in particles if each.whole] + new
        shares = weigh([each.score for each in particles], temperature)
        luck = yield Toss(len(particles))
        chosen = np.searchsorted(np.cumsum(shares)[:-1], luck, side="right")
        particles = _copy(particles, shares, chosen.tolist())
    return left


def weigh(scores: Sequence[float], temperature: float) -> np.ndarray:
    """Each particle's chance to be resampled [particles]: the softmax of the log-odds of its score
    over the temperature; at 0 the best alone has a chance, of equals the first.
    """
    odds = scipy.special.logit(np.clip(scores, _NEAREST, 1 - _NEAREST))
    if temperature == 0:
        return np.eye(len(scores))[int(np.argmax(odds))]
    return scipy.special.softmax(odds / temperature)


def _copy(particles: Sequence[Node], shares: np.ndarray, chosen: Sequence[int]) -> list[Node]:
    """The chosen particles; particles that are copies of one node share its counts."""
    for node in particles:
        node.visits, node.value = 0, 0.0
    for node, share in zip(particles, shares, strict=True):
        node.value += float(share)
    for index in chosen:
        particles[index].visits += 1
    return [particles[index] for index in chosen]
