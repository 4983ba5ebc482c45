"""The project's own question: do labels of steps beat outcomes, at equal data and FLOPs?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pandas as pd

from prmscale.analysis.models import find_outcome_pairs
from prmscale.analysis.paired import accuracy, estimate, iter_at_budget
from prmscale.analysis.rows import OF_OUTCOME, keep_first_policy, subtract
from prmscale.analysis.verdicts import Claim, Rules
from prmscale.claims.contrast import Contrast
from prmscale.results import Results

NAME = "process_beats_outcome"
SAYS = (
    "A reward model trained on labels of steps (PRM) selects better than one trained on outcomes "
    "alone (ORM). This is the project's own question, not the paper's: others found them on par "
    "in 14 domains (arXiv 2510.00492), and alike in final answers (arXiv 2211.14275)."
)
NEEDS = (
    "Of the same base, solutions, training steps and FLOPs of training, the PRM's choice at the "
    "largest budget must be right more often than the ORM's, paired by problem and training seed, "
    "at the largest size that has both. The PRM uses the study's aggregation of step scores, the "
    "ORM the score of the last step: it was trained to give no other. Also measured: the PRM by "
    "its last step as well, and every other size. The rollouts that labelled the steps are not "
    "counted: outcomes cost none."
)

METRIC = "PRM's choice − ORM's choice"
MISSING = "a PRM and an ORM alike in all but rewards.training.supervise, and aggregation last"


def judge(results: Results, rules: Rules) -> list[Claim]:
    """Does process supervision beat outcome supervision, at each size that has both?"""
    search = keep_first_policy(results.search)
    pairs = find_outcome_pairs(results.reward_models)
    by_last = dict(iter_at_budget(search, replace(rules, aggregation=OF_OUTCOME)))
    found: list[Claim] = []
    for place, pair in enumerate(pairs.iloc[::-1].itertuples()):
        suffix = "" if place == 0 else f" at {pair.base}"
        for dataset, rows in iter_at_budget(search, rules):
            last = by_last.get(dataset, rows.iloc[:0])
            for name, metric, difference in _compare(pair, rows, last, rules):
                contrast = Contrast(NAME, f"{name}{suffix}", metric, dataset)
                found += contrast.judge_gain(estimate(difference, rules), rules)
    return found or [Contrast(NAME, "chosen", METRIC).leave_open(MISSING)]


def _compare(
    pair: Any, rows: pd.DataFrame, by_last: pd.DataFrame, rules: Rules
) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """The name, words and difference of each contrast of a pair on one data set.

    `rows` and `by_last` are the searches by the study's aggregation and by the last step's score.
    """
    outcome = accuracy(by_last, [pair.outcome])
    chosen, last = (accuracy(each, [pair.process]) for each in (rows, by_last))
    of_base = f"{METRIC}, both trained from {pair.base}"
    yield "chosen", f"{of_base} (PRM by {rules.aggregation})", subtract(chosen, outcome)
    yield "last", f"{of_base} (both by the last step)", subtract(last, outcome)
