"""Does training the reward model pay more on a base with more pre-training, at a fixed size?

Each base has a slope: what a doubling of its reward model's training adds to its accuracy. The
level of a base drops out of its slope (a fixed effect of the base). The slopes are regressed on
log2 of the pre-training tokens among bases of one size. Each size has a level too, so no form of
the dependence on size is assumed, and size cannot be mistaken for tokens, as it could be where both
FLOPs contain it. Size among bases of one pre-training is a second contrast.

The contrast is a weighted sum of accuracies, so problems and training seeds give it the interval of
a mean. Bases are a random factor: the scatter of the slopes about the regression says how far other
bases would lie, by a t distribution with bases - levels - 1 degrees of freedom. That scatter
already contains the noise that problems and seeds cause in each base separately; of their variance
only the rest, which moves all bases together, is added.

Accuracies bend at floor and ceiling, where effects that add up in the logit look like an
interaction. The contrast is therefore measured on both scales, and only a verdict that both share
is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from prmscale.analysis.bases import widen
from prmscale.analysis.estimates import UNBOUNDED, Array, mean_interval
from prmscale.analysis.intervals import Interval
from prmscale.analysis.tradeoff import Points
from prmscale.analysis.verdicts import Evidence, Rules, judge_above

FREEDOM = 3  # fewest degrees of freedom of the bases
SAME = 0.1  # doublings: corpora end with whole problems, so equal pre-trainings differ by less

With = Literal["tokens", "size"]


@dataclass(frozen=True)
class Interaction:
    """What a doubling of a base's tokens (or size) adds to the gain of a doubling of PRM training:
    as accuracy, and as its logit. `freedom` are the degrees of freedom of the bases' error.
    """

    accuracy: Interval
    logit: Interval
    freedom: int

    def judge(self, rules: Rules) -> Evidence:
        """The evidence of both scales; none where they differ. The accuracy alone tells whether
        the effect is negligible.
        """
        smallest = rules.smallest_effects.get("flops_tradeoff")
        accuracy = judge_above(self.accuracy, rules.minimum_effect, smallest)
        logit = judge_above(self.logit)
        supported = max(accuracy.supported, logit.supported)
        refuted = max(accuracy.refuted, logit.refuted)
        return Evidence(supported, refuted, accuracy.negligible)

    @property
    def needed(self) -> str:
        """What would decide it."""
        error = self.accuracy.base_error or 0.0  # none where nothing varies
        return (
            "more bases, seeds or problems; the bases' standard error is "
            f"{100 * error:.1f} points with {self.freedom} degrees of freedom"
        )


@dataclass(frozen=True)
class _Contrast:
    """Weights of the points in each base's slope (points x bases), and for each base its place
    (log2 tokens or size), centred within the levels of what is held fixed, and its level.
    """

    slopes: Array
    centred: Array
    levels: Array

    @property
    def freedom(self) -> int:
        return len(self.levels) - len(np.unique(self.levels)) - 1

    def measure(self, values: Array, rules: Rules) -> Interval:
        """The contrast of values (problems x seeds x points) with its interval."""
        squares = (self.centred**2).sum()
        slopes = values @ self.slopes
        found = mean_interval(slopes @ self.centred / squares, rules.level, within=UNBOUNDED)
        rest = self.residuals(slopes)
        variance = float((rest.mean(axis=(0, 1)) ** 2).sum() / self.freedom / squares)
        noise = sum(
            mean_interval(each, within=UNBOUNDED).error ** 2 for each in np.moveaxis(rest, 2, 0)
        )
        apart = noise / self.freedom / squares
        shared = max(1 - apart / found.error**2, 0.0) if found.error else 0.0
        return widen(found, variance, self.freedom, rules.level, shared)

    def residuals(self, slopes: Array) -> Array:
        """What the regression leaves of slopes (problems x seeds x bases), fitted for each problem
        and seed.
        """
        dummies = self.levels[:, None] == np.unique(self.levels)
        design = np.column_stack([dummies, self.centred])
        return np.asarray(slopes - slopes @ np.linalg.pinv(design).T @ design.T)


def measure_interaction(points: Points, rules: Rules, of: With = "tokens") -> Interaction | None:
    """The interaction of PRM training with pre-training tokens at fixed size, or with size at fixed
    tokens; None where bases are too few to tell it from their scatter.
    """
    contrast = _build_contrast(points, of)
    if contrast is None or contrast.freedom < FREEDOM or np.abs(contrast.centred).max() < SAME:
        return None
    accuracy = contrast.measure(points.values, rules)
    logit = contrast.measure(_to_logits(points.values), rules)
    return Interaction(accuracy, logit, contrast.freedom)


def _build_contrast(points: Points, of: With) -> _Contrast | None:
    """Slopes of the bases with several checkpoints, over the training steps that all of them share
    (accuracy bends along training, so slopes over other steps would differ); None without two.
    """
    names = np.asarray(points.bases)
    steps = {name: set(points.steps[names == name].tolist()) for name in points.bases}
    steps = {name: measured for name, measured in steps.items() if len(measured) > 1}
    shared = sorted(set.intersection(*steps.values())) if steps else []
    if len(shared) < 2:
        return None
    slopes = np.zeros((len(names), len(steps)))
    first = []
    for number, name in enumerate(steps):
        chosen = np.flatnonzero((names == name) & np.isin(points.steps, shared))
        logs = np.log2(points.steps[chosen])
        slopes[chosen, number] = (logs - logs.mean()) / ((logs - logs.mean()) ** 2).sum()
        first.append(chosen[0])
    places = {"tokens": np.log2(points.tokens[first]), "size": np.log2(points.sizes[first])}
    levels = _number_levels(places["size" if of == "tokens" else "tokens"])
    return _Contrast(slopes, _centre(places[of], levels), levels)


def _number_levels(places: Array) -> Array:
    """The number of each place's level; places within `SAME` of each other share a level."""
    order = places.argsort()
    numbers = np.concatenate([[0], (np.diff(places[order]) > SAME).cumsum()])
    return np.asarray(numbers[order.argsort()])


def _centre(values: Array, levels: Array) -> Array:
    """Values less the mean of their level."""
    means = np.bincount(levels, values) / np.bincount(levels)
    return np.asarray(values - means[levels])


def _to_logits(values: Array) -> Array:
    """Values whose means are the logits of the points' accuracies, and whose spread is theirs to
    first order (the delta method).

    Half a problem is added to right and to wrong, so that no logit is infinite.
    """
    n = len(values)
    accuracies = values.mean(axis=(0, 1))
    means = (n * accuracies + 0.5) / (n + 1)
    return np.asarray(np.log(means / (1 - means)) + (values - accuracies) / (means * (1 - means)))
