"""Claim (h), a question of this project's own: are the scores of steps probabilities?"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from prmscale.analysis import calibration, power
from prmscale.analysis.calibration import QUARTERS, ROLLOUTS, TRUTH
from prmscale.analysis.intervals import Interval
from prmscale.analysis.models import find_headline
from prmscale.analysis.paired import estimate
from prmscale.analysis.rows import keep_first_policy
from prmscale.analysis.verdicts import (
    EQUIVALENCE_LEVEL,
    Claim,
    Evidence,
    Rules,
    judge_equivalence,
)
from prmscale.claims.contrast import Contrast
from prmscale.results import Results

NAME = "scores_are_probabilities"
SAYS = (
    "Beside the paper: the scores that a reward model gives to steps are probabilities of being "
    "right."
)
NEEDS = (
    "This is the project's own question; the paper does not ask it. Others report that PRMs "
    "overestimate (arXiv 2506.09338) and that their scores get worse with depth (arXiv "
    "2510.20272). The calibration error of the largest PRM, the mean distance between score and "
    "share of right steps by ranges of the score (deciles), must certainly lie within the smallest "
    "effect of interest: *supported*; *not supported*: it certainly lies beyond. The plain error "
    "is too large, because noise has a size but no sign. The effect here is an estimate from "
    "below: each problem is judged by the signs that other problems gave the ranges, so that it is "
    "0 on average, and may be negative, if scores are probabilities. Its interval (90 %) reaches "
    "up to that of the plain error, an estimate from above."
)
REPORTED = "overestimated (not in the paper; arXiv 2506.09338)"
DEEPER = "worse with depth (not in the paper; arXiv 2510.20272)"
PERCENT = f"({100 * EQUIVALENCE_LEVEL:.0f} % interval)"
ERROR = f"calibration error of the largest PRM's scores of steps {PERCENT}"
MISSING = "solutions whose steps' truth is known, and a reward model"


def judge(results: Results, rules: Rules) -> list[Claim]:
    """How far are the largest PRM's scores of the first policy's steps from probabilities: by
    ranges of the score, on average, and late in a solution?
    """
    models = find_headline(results.reward_models)["reward_model"]
    steps = calibration.keep_policy(results.reliability, keep_first_policy(results.search))
    compared = calibration.compare(steps[steps["reward_model"].isin(models)])
    found: list[Claim] = []
    for (against, dataset), rows in compared.groupby(["against", "dataset"], sort=False):
        if against == TRUTH:
            found += _judge_truth(str(dataset), rows, rules)
        else:
            words = f"mean score − mean share of right rollouts from the step {PERCENT}"
            contrast = Contrast(NAME, ROLLOUTS, words, str(dataset))
            found += _judge_within(contrast, _average(rows, "gap"), rules)
    return found or [Contrast(NAME, "error", ERROR).leave_open(MISSING)]


def _judge_truth(dataset: str, rows: pd.DataFrame, rules: Rules) -> Iterator[Claim]:
    margin = rules.smallest_effects.get(NAME, 0.0)
    error = calibration.calibration_error(rows, EQUIVALENCE_LEVEL)
    within, beyond = (judge_equivalence(each, margin) for each in (error.most, error.least))
    evidence = Evidence(within.supported, beyond.refuted)
    needed = power.estimate_need_for_equivalence(error.interval, EQUIVALENCE_LEVEL, margin)
    contrast = Contrast(NAME, "error", ERROR, dataset)
    yield contrast.judge(error.interval, evidence, rules, needed, REPORTED)
    words = f"mean score − share of right steps {PERCENT}"
    contrast = Contrast(NAME, "overconfidence", words, dataset)
    yield from _judge_within(contrast, _average(rows, "gap"), rules, REPORTED)
    early, late = (_average(rows[rows["position"] == QUARTERS[i]], "gap") for i in (0, -1))
    words = f"mean score − share of right steps: last quarter of the steps − first {PERCENT}"
    contrast = Contrast(NAME, "late_steps", words, dataset)
    yield from _judge_within(contrast, (late - early).dropna(how="all"), rules, DEEPER)


def _average(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """The mean of a column by problem (rows) and training seed (columns)."""
    return rows.groupby(["problem_id", "replicate"])[column].mean().unstack("replicate")


def _judge_within(
    contrast: Contrast, values: pd.DataFrame, rules: Rules, reported: str = ""
) -> list[Claim]:
    """The row of the contrast that a mean is within the smallest effect of interest; empty where it
    was not measured.
    """
    found: Interval | None = estimate(values, rules, EQUIVALENCE_LEVEL)
    if found is None:
        return []
    margin = rules.smallest_effects.get(NAME, 0.0)
    needed = power.estimate_need_for_equivalence(found, EQUIVALENCE_LEVEL, margin)
    return [contrast.judge(found, judge_equivalence(found, margin), rules, needed, reported)]
