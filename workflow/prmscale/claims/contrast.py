"""A contrast of a claim on one data set, and the rows of `claims.csv` that judge it."""

from __future__ import annotations

from dataclasses import dataclass

from prmscale.analysis import power
from prmscale.analysis.intervals import Interval
from prmscale.analysis.verdicts import (
    EQUIVALENCE_LEVEL,
    INCONCLUSIVE,
    NOT_MEASURED,
    Claim,
    Evidence,
    Rules,
    combine,
    judge_above,
    judge_equivalence,
)

OTHER_PART = "that the claim's other part is decided"
OF_A_FIT = "more problems, seeds or bases; how many is not known of a fit"


@dataclass(frozen=True)
class Contrast:
    """What is compared: the claim, the contrast's name in the configuration, its words, and where
    it is measured.
    """

    claim: str
    name: str
    metric: str
    dataset: str = ""

    def leave_open(self, needed: str = "") -> Claim:
        """The row of a contrast that was not measured; `needed` says what is missing."""
        unknown = (float("nan"),) * 3
        row = (self.claim, self.name, self.metric, self.dataset, *unknown, NOT_MEASURED)
        return Claim(*row, reported="", n=0, seeds=0, needed=needed)

    def judge(
        self,
        effect: Interval,
        evidence: Evidence,
        rules: Rules,
        needed: str = "",
        reported: str = "",
    ) -> Claim:
        """The row of an effect with its verdict; `reported` is the paper's number.

        `needed` says what would decide it, and is kept only where the verdict is inconclusive.
        Empty means that the effect itself is decided, and another part of the claim is not.
        """
        verdict = evidence.verdict(rules.level)
        missing = ""
        if verdict == INCONCLUSIVE:
            missing = "; ".join(filter(None, (effect.caveat, needed or OTHER_PART)))
        return Claim(
            claim=self.claim,
            contrast=self.name,
            metric=self.metric,
            dataset=self.dataset,
            effect=effect.mean,
            low=effect.low,
            high=effect.high,
            verdict=verdict,
            reported=reported,
            n=effect.n,
            seeds=effect.seeds,
            problem_error=effect.problem_error,
            seed_error=effect.seed_error,
            interaction_error=effect.interaction_error,
            p_supported=evidence.supported,
            p_refuted=evidence.refuted,
            p_negligible=evidence.negligible,
            power=power.measure_power(effect, rules.level, rules.smallest_effects.get(self.claim)),
            needed=missing,
        )

    def judge_gain(self, gain: Interval | None, rules: Rules, reported: str = "") -> list[Claim]:
        """The row of the contrast that a gain is positive; empty where it was not measured."""
        if gain is None:
            return []
        needed = power.estimate_need(gain, rules.level, rules.minimum_effect)
        evidence = judge_above(gain, rules.minimum_effect, rules.smallest_effects.get(self.claim))
        return [self.judge(gain, evidence, rules, needed, reported)]

    def judge_as_good(
        self, difference: Interval, gain: Interval, rules: Rules, reported: str = ""
    ) -> Claim:
        """The row of the contrast that two reward models are as good as each other.

        `difference` is the one between them, with its 90 % interval. `gain` must be positive: two
        that select nothing are alike as well.
        """
        equal = judge_equivalence(difference, rules.margin)
        evidence = combine(equal, judge_above(gain, rules.minimum_effect))
        needed = power.estimate_need_for_equivalence(difference, EQUIVALENCE_LEVEL, rules.margin)
        return self.judge(difference, evidence, rules, needed, reported)
