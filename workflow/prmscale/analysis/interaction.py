"""Does training the reward model pay more on a base with more pre-training? Asked at a fixed size
of the base.

Each base has a slope: what a doubling of its reward model's training adds to its accuracy. A base's
own level drops out of its slope (a fixed effect of the base). The slopes are regressed on log2 of
the pre-training tokens among bases of one size; each size has its own level, so no form of the
dependence on size is assumed, and size cannot pass for tokens as it does where both FLOPs hold it.
Size among bases of one pre-training is a contrast of its own.

The contrast is a weighted sum of accuracies, so problems and training seeds give it the interval of
any mean. Bases are a random factor beside them: the scatter of the slopes about the regression says
how far other bases would lie, by a t distribution with bases - levels - 1 degrees of freedom. That
scatter holds what problems and seeds make of each base apart; of their own variance only what is
beyond that counts: what moves all bases together.

Accuracies bend at floor and ceiling, where effects that add up in the logit look like an
interaction. So it is told on both scales, and only what both agree on is decided.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from prmscale.analysis.bases import widened
from prmscale.analysis.estimates import UNBOUNDED, Array, mean_interval
from prmscale.analysis.intervals import Interval
from prmscale.analysis.tradeoff import Points
from prmscale.analysis.verdicts import Evidence, Rules, above

FREEDOM = 3  # fewest degrees of freedom of the bases
SAME = 0.1  # doublings: corpora end with whole problems, so equal pre-trainings differ by less

With = Literal["tokens", "size"]


@dataclass(frozen=True)
class Interaction:
    """What a doubling of a base's tokens (or size) adds to the gain of a doubling of PRM training:
    as accuracy, and as its logit. `base_error` is the standard error of the bases in the first,
    `freedom` its degrees of freedom.
    """

    accuracy: Interval
    logit: Interval
    base_error: float
    freedom: int

    def judged(self, rules: Rules) -> Evidence:
        """What both scales say; nothing where they differ."""
        scales = above(self.accuracy, rules.minimum_effect), above(self.logit)
        return Evidence(*(max(each) for each in zip(*scales, strict=True)))

    @property
    def needed(self) -> str:
        """What would decide it."""
        return (
            "more bases, seeds or problems; the bases' standard error is "
            f"{100 * self.base_error:.1f} points with {self.freedom} degrees of freedom"
        )


@dataclass(frozen=True)
class _Contrast:
    """Weights of the points in each base's slope (points x bases), and the places of the bases:
    centred within levels of what is held fixed, of which there are so many.
    """

    slopes: Array
    centred: Array
    levels: Array

    @property
    def freedom(self) -> int:
        return len(self.levels) - len(np.unique(self.levels)) - 1

    def told(self, values: Array, rules: Rules) -> tuple[Interval, float]:
        """The contrast of values (problems x seeds x points) with its interval, and the standard
        error of the bases.
        """
        squares = (self.centred**2).sum()
        own = values @ self.slopes
        found = mean_interval(own @ self.centred / squares, rules.level, within=UNBOUNDED)
        rest = self.residuals(own)
        variance = float((rest.mean(axis=(0, 1)) ** 2).sum() / self.freedom / squares)
        noise = sum(
            mean_interval(each, within=UNBOUNDED).error ** 2 for each in np.moveaxis(rest, 2, 0)
        )
        apart = noise / self.freedom / squares
        shared = max(1 - apart / found.error**2, 0.0) if found.error else 0.0
        return widened(found, variance, self.freedom, rules.level, shared), float(np.sqrt(variance))

    def residuals(self, slopes: Array) -> Array:
        """What the regression leaves of slopes (problems x seeds x bases): each problem and seed
        has its own.
        """
        dummies = self.levels[:, None] == np.unique(self.levels)
        design = np.column_stack([dummies, self.centred])
        return np.asarray(slopes - slopes @ np.linalg.pinv(design).T @ design.T)


def interaction(own: Points, rules: Rules, of: With = "tokens") -> Interaction | None:
    """The interaction of PRM training with pre-training tokens at fixed size, or with size at fixed
    tokens; None where bases are too few to tell it from their scatter.
    """
    contrast = _contrast(own, of)
    if contrast is None or contrast.freedom < FREEDOM or not contrast.centred.any():
        return None
    accuracy, error = contrast.told(own.values, rules)
    return Interaction(
        accuracy, contrast.told(_logits(own.values), rules)[0], error, contrast.freedom
    )


def _contrast(own: Points, of: With) -> _Contrast | None:
    """Slopes of the bases with several checkpoints, at the training steps that all of these share:
    accuracy bends along training, so slopes over other steps are others.
    """
    names = np.asarray(own.bases)
    steps = {name: set(own.steps[names == name].tolist()) for name in own.bases}
    steps = {name: own_steps for name, own_steps in steps.items() if len(own_steps) > 1}
    shared = sorted(set.intersection(*steps.values())) if steps else []
    if len(shared) < 2:
        return None
    slopes = np.zeros((len(names), len(steps)))
    first = []
    for number, name in enumerate(steps):
        chosen = np.flatnonzero((names == name) & np.isin(own.steps, shared))
        logs = np.log2(own.steps[chosen])
        slopes[chosen, number] = (logs - logs.mean()) / ((logs - logs.mean()) ** 2).sum()
        first.append(chosen[0])
    places = {"tokens": np.log2(own.tokens[first]), "size": np.log2(own.sizes[first])}
    levels = _levels(places["size" if of == "tokens" else "tokens"])
    return _Contrast(slopes, _centred(places[of], levels), levels)


def _levels(places: Array) -> Array:
    """The number of the level of each place: places within `SAME` of each other are one."""
    order = places.argsort()
    numbers = np.concatenate([[0], (np.diff(places[order]) > SAME).cumsum()])
    return np.asarray(numbers[order.argsort()])


def _centred(values: Array, levels: Array) -> Array:
    """Values less the mean of their level."""
    means = np.bincount(levels, values) / np.bincount(levels)
    return np.asarray(values - means[levels])


def _logits(values: Array) -> Array:
    """Values whose means are the logits of the points' accuracies, with the spread of those to
    first order (the delta method); half a problem is added to right and wrong, so that none is
    infinite.
    """
    n = len(values)
    means = (n * values.mean(axis=(0, 1)) + 0.5) / (n + 1)
    return np.asarray(
        np.log(means / (1 - means)) + (values - values.mean(axis=(0, 1))) / (means * (1 - means))
    )
