"""Claim (e): a reward model trained on math selects code about as well as one trained on code."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from prmscale.analysis import controls
from prmscale.analysis.models import find_twins
from prmscale.analysis.paired import (
    accuracy,
    accuracy_of_control,
    check,
    estimate,
    iter_at_budget,
)
from prmscale.analysis.rows import keep_first_policy, subtract
from prmscale.analysis.verdicts import EQUIVALENCE_LEVEL, Check, Claim, Rules
from prmscale.claims.contrast import Contrast
from prmscale.results import Results

NAME = "math_to_code"
SECTION = "transfer"
SAYS = "A reward model trained on math selects code about as well as one trained on code."
NEEDS = (
    "The 90 % interval of their difference must lie within the margin, and the math-trained PRM "
    "must beat one sample: two PRMs that select nothing are alike as well."
)

TRANSFER = "PRM-Math's choice − PRM-Code's choice"
Twins = Mapping[str, list[str]]  # the names of PRM-Math (math) and PRM-Code (code)


def judge(results: Results, rules: Rules) -> list[Claim]:
    """Table 1's contrast on code, for each policy: does PRM-Math select as well as PRM-Code?

    The headline is that of the study's first policy.
    """
    twins = find_twins(results.reward_models)
    search = results.search
    budgets = [1, rules.table1_budget]
    code = search[(search["domain"] == "code") & search["budget"].isin(budgets)]
    table1 = results.read_reported("table1")
    found: list[Claim] = []
    for place, policy in enumerate(dict.fromkeys(code["policy"]) if twins else ()):
        suffix = "" if place == 0 else f" of {policy}"
        where = f"among {rules.table1_budget} solutions by {policy}"
        selected = code[code["policy"] == policy]
        for dataset, rows in iter_at_budget(selected, rules, rules.table1_budget):
            as_good = Contrast(
                NAME, f"as_good{suffix}", f"{TRANSFER} {where} (90 % interval)", dataset
            )
            selects = Contrast(
                NAME, f"selects{suffix}", f"PRM-Math's choice {where} − one sample", dataset
            )
            found += _judge_twins((as_good, selects), rows, twins, rules, table1)
    return found or [Contrast(NAME, "as_good", TRANSFER).leave_open()]


def checks(results: Results, rules: Rules) -> list[Check]:
    """The math-trained PRM on code at the largest budget, against one sample and against an
    untrained PRM (of the same base, where there is one).
    """
    models = results.reward_models
    twins = find_twins(models)
    if not twins:
        return []
    bases = models.loc[models["reward_model"].isin(twins["math"]), "base"]
    same_base = models[models["base"].isin(bases)]
    untrained = (
        controls.find_controls(same_base)[controls.UNTRAINED]
        or controls.find_controls(models)[controls.UNTRAINED]
    )
    search = keep_first_policy(results.search)
    found: list[Check] = []
    for dataset, rows in iter_at_budget(search[search["domain"] == "code"], rules):
        prm = accuracy(rows, twins["math"])
        against = {
            controls.ONE: accuracy_of_control(rows, "one_sample"),
            controls.UNTRAINED: accuracy(rows, untrained),
        }
        for name, table in against.items():
            difference = subtract(prm, table)
            found += check(SECTION, dataset, f"PRM-Math − {name}", difference, rules)
    return found


def _judge_twins(
    contrasts: tuple[Contrast, Contrast],
    rows: pd.DataFrame,
    twins: Twins,
    rules: Rules,
    table1: pd.DataFrame | None,
) -> list[Claim]:
    """Whether PRM-Math is as good as PRM-Code, and whether it beats one sample, on one data set."""
    as_good, selects = contrasts
    math = accuracy(rows, twins["math"])
    gain = estimate(subtract(math, accuracy_of_control(rows, "one_sample")), rules)
    code = accuracy(rows, twins["code"])
    difference = estimate(subtract(math, code), rules, EQUIVALENCE_LEVEL)
    if gain is None or difference is None:
        return []
    reported = _summarise_table1(table1, "PRM-Code")
    return [
        as_good.judge_as_good(difference, gain, rules, reported),
        *selects.judge_gain(gain, rules, _summarise_table1(table1, "none")),
    ]


def _summarise_table1(table1: pd.DataFrame | None, against: str) -> str:
    """The paper's mean difference of PRM-Math and another column of its table 1, in points."""
    if table1 is None:
        return ""
    wide = table1.pivot(index=["policy", "dataset"], columns="method", values="accuracy")
    difference = (wide["PRM-Math"] - wide[against]).mean()
    return f"{difference:+.1f} (mean of {len(wide)} cells)"
