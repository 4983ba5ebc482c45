"""The measurements that bear on a claim, and the rules that turn an interval into a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isnan
from typing import Any, NamedTuple

from prmscale.analysis.intervals import Interval

SUPPORTED, NOT_SUPPORTED, EQUIVALENT = "supported", "not supported", "equivalent"
INCONCLUSIVE, NOT_MEASURED = "inconclusive", "not yet measured"
EQUIVALENCE_LEVEL = 0.90  # two one-sided tests at 5 %
MORE_TRAININGS = (
    "{fewest} trainings of each reward model (rewards.training.seeds; now {seeds}): with fewer it "
    "is not judged"
)
OF_THE_CORRECTION = (
    "a little more: it is decided alone, but not after the correction for the other data sets"
)


@dataclass(frozen=True)
class Rules:
    """What verdicts depend on, fixed before the run."""

    aggregation: str
    # claim: the smallest effect of interest of its headline
    smallest_effects: Mapping[str, float] = field(default_factory=dict)
    trainings: int = 1  # with fewer trainings of each reward model no headline is judged
    minimum_effect: float = 0.0
    level: float = 0.95
    seed: int = 0
    table1_budget: int = 8
    scarce_budget: int = 2  # samples' worth at which search_budget takes compute to be scarce
    # claim: the contrast that its verdict rests on
    headlines: Mapping[str, str] = field(default_factory=dict)

    @property
    def margin(self) -> float:
        """Two reward models are as good if the difference of their accuracies lies within it."""
        return self.smallest_effects["math_to_code"]

    @classmethod
    def from_config(
        cls, claims: Mapping[str, Any], analysis: Mapping[str, Any], aggregation: str, seed: int
    ) -> Rules:
        """The rules in a study's blocks `claims` and `analysis`, for one aggregation of scores."""
        return cls(
            **claims,
            aggregation=aggregation,
            level=analysis["level"],
            table1_budget=analysis["table1_budget"],
            seed=seed,
        )


class Evidence(NamedTuple):
    """Three p-values: of the hypothesis that the claim is just untrue (small: it is supported),
    that it is just true (small: it is refuted), and that its effect is just of interest (small: the
    effect is too small to be, whatever its sign).
    """

    supported: float
    refuted: float
    negligible: float = 1.0

    def verdict(self, level: float) -> str:
        """The verdict at this confidence level; NaN decides nothing."""
        by_verdict = {
            SUPPORTED: self.supported,
            NOT_SUPPORTED: self.refuted,
            EQUIVALENT: self.negligible,
        }
        certain = [verdict for verdict, p in by_verdict.items() if p < 1 - level]
        return certain[0] if certain else INCONCLUSIVE


@dataclass(frozen=True)
class Claim:
    """One measurement on one data set that bears on a claim.

    `contrast` is its name in the configuration, `metric` describes it. The standard errors are
    those of `intervals.Interval`. The p-values are those of `Evidence`; a headline's are corrected
    for its number of data sets. `power` is the chance that the study tells the smallest effect of
    interest from none. `needed` says what would decide an inconclusive measurement.
    """

    claim: str
    contrast: str
    metric: str
    dataset: str
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
    p_supported: float = float("nan")
    p_refuted: float = float("nan")
    p_negligible: float = float("nan")
    power: float = float("nan")
    headline: bool = False
    needed: str = ""


@dataclass(frozen=True)
class Check:
    """One measurement beside the claims: an accuracy (without a verdict), or a difference that is
    judged.
    """

    section: str
    dataset: str
    comparison: str
    effect: float
    low: float
    high: float
    verdict: str
    n: int
    seeds: int


def judge_above(found: Interval, threshold: float = 0.0, smallest: float | None = None) -> Evidence:
    """The evidence that an effect is above the threshold, and that it is within ±`smallest` (None:
    no effect is negligible); `found` is the two-sided interval.
    """
    p = found.p(threshold)
    negligible = judge_equivalence(found, smallest).supported if smallest else 1.0
    above = found.mean > threshold
    return Evidence(p, 1.0, negligible) if above else Evidence(1.0, p, negligible)


def judge_equivalence(found: Interval, margin: float) -> Evidence:
    """The evidence that an effect is within ±margin: two one-sided tests (Schuirmann 1987).

    Fewer than 3 / margin problems support nothing: that many without a single disagreement would
    still allow a difference of the margin (rule of three).
    """
    nearer = found.p(margin if found.mean > 0 else -margin) / 2
    if abs(found.mean) >= margin:
        return Evidence(1.0, nearer)
    return Evidence(nearer if found.n * margin >= 3 else 1.0, 1.0)


def combine(*parts: Evidence) -> Evidence:
    """The evidence that all parts hold: as strong as the weakest part; each part refutes it, and
    each makes it negligible.

    A part that is not known (NaN) supports nothing. Each part refutes a claim that is just true at
    half the level, since its p is two-sided; two parts together refute it at the level. The p of a
    negligible part is one-sided, and is corrected for their number (Bonferroni).
    """
    supported, refuted, negligible = zip(*(map(_fill_unknown, p) for p in parts), strict=True)
    return Evidence(max(supported), min(refuted), min(1.0, len(parts) * min(negligible)))


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected so that the chance of any false verdict stays at the level (Holm 1979), in
    the order given.

    A p-value that is not known (NaN) counts as 1.
    """
    known = [_fill_unknown(p) for p in p_values]
    found, largest = [1.0] * len(known), 0.0
    for rank, i in enumerate(sorted(range(len(known)), key=known.__getitem__)):
        largest = max(largest, min(1.0, (len(known) - rank) * known[i]))
        found[i] = largest
    return found


def _fill_unknown(p: float) -> float:
    """A p-value, 1 where it is not known: comparisons with NaN depend on the order."""
    return 1.0 if isnan(p) else p


def judge_headlines(claims: Sequence[Claim], rules: Rules) -> list[Claim]:
    """The claims, with `rules.headlines` marked and judged by p-values corrected for the number of
    data sets.
    """
    found = list(claims)
    for name, contrast in rules.headlines.items():
        named = [i for i, c in enumerate(found) if (c.claim, c.contrast) == (name, contrast)]
        for i in named:
            found[i] = replace(found[i], headline=True)
        measured = [i for i in named if found[i].verdict != NOT_MEASURED]
        corrected = (
            holm([found[i].p_supported for i in measured]),
            holm([found[i].p_refuted for i in measured]),
            holm([found[i].p_negligible for i in measured]),
        )
        for i, evidence in zip(measured, map(Evidence, *corrected), strict=True):
            found[i] = _judge_again(found[i], evidence, rules)
    return found


def _judge_again(claim: Claim, evidence: Evidence, rules: Rules) -> Claim:
    """The headline judged by other p-values; not at all with too few trainings."""
    verdict = evidence.verdict(rules.level)
    needed = (claim.needed or OF_THE_CORRECTION) if verdict == INCONCLUSIVE else ""
    if claim.seeds < rules.trainings:
        verdict = INCONCLUSIVE
        needed = MORE_TRAININGS.format(fewest=rules.trainings, seeds=claim.seeds)
    return replace(
        claim,
        verdict=verdict,
        needed=needed,
        p_supported=evidence.supported,
        p_refuted=evidence.refuted,
        p_negligible=evidence.negligible,
    )
