"""Simulated tables of problems and training seeds whose mean is 0 in truth, by symmetry: right or
wrong less a half, or differences of two reward models that are alike.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Design = Callable[[np.random.Generator, int, int, float], np.ndarray]
SPREADS = (0.0, 0.03, 0.07, 0.14)  # standard deviation between seeds, in shares of problems solved
SLOPE = 0.16  # by how much a unit of logits moves the share of these problems that are solved


def chances(
    generator: np.random.Generator, hard: np.ndarray, seeds: int, spread: float
) -> np.ndarray:
    """The chance to solve each problem (of this difficulty, in logits) of each seed, with an
    interaction of the two.
    """
    luck = spread / SLOPE * generator.normal(size=(1, seeds)) + 0.7 * generator.normal(
        size=(len(hard), seeds)
    )
    return np.asarray(1 / (1 + np.exp(-(hard + luck))))


def _hard(generator: np.random.Generator, problems: int) -> np.ndarray:
    return 1.5 * generator.normal(size=(problems, 1))


def outcomes(
    generator: np.random.Generator, problems: int, seeds: int, spread: float
) -> np.ndarray:
    """Right or wrong (problems x seeds); one half in truth."""
    p = chances(generator, _hard(generator, problems), seeds, spread)
    return (generator.random(p.shape) < p).astype(float)


def _one(generator: np.random.Generator, problems: int, seeds: int, spread: float) -> np.ndarray:
    return outcomes(generator, problems, seeds, spread) - 0.5


def _averaged(
    generator: np.random.Generator, problems: int, seeds: int, spread: float
) -> np.ndarray:
    """The share of eight draws that are right."""
    return (
        generator.binomial(8, chances(generator, _hard(generator, problems), seeds, spread)) / 8
        - 0.5
    )


def _difference(
    generator: np.random.Generator,
    problems: int,
    seeds: int,
    spread: float,
    other: int,
    other_spread: float,
) -> np.ndarray:
    hard = _hard(generator, problems)
    ours, theirs = (
        chances(generator, hard, seeds, spread),
        chances(generator, hard, other, other_spread),
    )
    return (generator.random(ours.shape) < ours).astype(float) - (
        generator.random(theirs.shape) < theirs
    )


def _paired(generator: np.random.Generator, problems: int, seeds: int, spread: float) -> np.ndarray:
    """Both sides have seeds; the difference has the spread."""
    return _difference(generator, problems, seeds, spread / 2**0.5, seeds, spread / 2**0.5)


def _one_sided(
    generator: np.random.Generator, problems: int, seeds: int, spread: float
) -> np.ndarray:
    """The other side is a control without seeds."""
    return _difference(generator, problems, seeds, spread, 1, 0.0)


def _sparse(generator: np.random.Generator, problems: int, seeds: int, spread: float) -> np.ndarray:
    """One cell in seven is missing, and of the first seed more."""
    values = _one(generator, problems, seeds, spread)
    values[generator.random(values.shape) < 1 / 7] = np.nan
    values[generator.random(problems) < 0.1, 0] = np.nan
    return values


DESIGNS: dict[str, Design] = {
    "one mean": _one, "averaged": _averaged, "paired": _paired, "one "
    "side": _one_sided, "sparse": _sparse,
}  # fmt: skip
