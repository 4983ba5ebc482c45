"""What a claim's measurement is, and the rules that turn an interval into a verdict."""

from __future__ import annotations

from dataclasses import dataclass

SUPPORTED, NOT_SUPPORTED = "supported", "not supported"
INCONCLUSIVE, NOT_MEASURED = "inconclusive", "not yet measured"
EQUIVALENCE_LEVEL = 0.90  # two one-sided tests at 5 %


@dataclass(frozen=True)
class Rules:
    """What verdicts depend on, fixed before the run."""

    equivalence_margin: float
    aggregation: str
    minimum_effect: float = 0.0
    level: float = 0.95
    draws: int = 2000
    seed: int = 0
    table1_budget: int = 8
    scarce_budget: int = 2  # samples' worth: where search_budget takes compute to be scarce


@dataclass(frozen=True)
class Claim:
    """One measurement that bears on a claim.

    The standard errors are those of `bootstrap.Interval`; `needed` says what would decide an inconclusive one.
    """

    claim: str
    metric: str
    effect: float
    low: float
    high: float
    verdict: str
    reported: str
    n: int
    seeds: int
    problem_error: float | None = None
    seed_error: float | None = None
    interaction_error: float | None = None
    needed: str = ""


@dataclass(frozen=True)
class Check:
    """One measurement beside the claims: an accuracy (without a verdict), or a difference that is judged."""

    section: str
    dataset: str
    comparison: str
    effect: float
    low: float
    high: float
    verdict: str
    n: int
    seeds: int


def verdict(low: float, high: float, threshold: float = 0.0) -> str:
    """Whether an effect is above the threshold: by its whole interval, or not at all, or not decided."""
    if low > threshold:
        return SUPPORTED
    return NOT_SUPPORTED if high < threshold else INCONCLUSIVE


def equivalence(low: float, high: float, margin: float, n: int) -> str:
    """Whether an effect is within ±margin: by its whole interval, or outside with all of it, or not decided.

    Fewer than 3 / margin problems decide nothing: that many without a single disagreement would still allow a
    difference of the margin (rule of three), although their bootstrap interval has no width.
    """
    if low > margin or high < -margin:
        return NOT_SUPPORTED
    return SUPPORTED if low > -margin and high < margin and n * margin >= 3 else INCONCLUSIVE


def all_of(*verdicts: str) -> str:
    """The verdict of several that must hold together."""
    if NOT_SUPPORTED in verdicts:
        return NOT_SUPPORTED
    return SUPPORTED if set(verdicts) == {SUPPORTED} else INCONCLUSIVE
