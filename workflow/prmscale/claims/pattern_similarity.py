"""Claim (f): selected responses to math and to code resemble each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from prmscale.analysis import patterns
from prmscale.analysis.intervals import Interval
from prmscale.analysis.verdicts import Claim, Evidence, Rules, combine
from prmscale.claims.contrast import Contrast
from prmscale.results import Results

NAME = "pattern_similarity"
SAYS = (
    "Responses to math and to code that reward models selected resemble each other more than "
    "unselected ones."
)
NEEDS = (
    "The similarity of activation patterns of MathPRM and CodePRM must be above that of Math and "
    "Code (any of a problem's distinct texts: a reward model scores texts, however often they are "
    "drawn), and above that of the problem's other texts of similar length, because longer "
    "responses have other gradients. p comes from a permutation test that exchanges the scores of "
    "those texts."
)

METRIC = "(MathPRM–CodePRM) − (Math–Code)"
DATASETS = "math × code"
NEEDED = "more problems or seeds; how many is not known of a mean over pairs of problems"


def judge(results: Results, rules: Rules) -> list[Claim]:
    """Table 2's contrast: are selected responses more alike than unselected ones, and than
    unselected ones as long?
    """
    similarities = results.patterns
    if similarities.empty:
        return [Contrast(NAME, "random", METRIC).leave_open()]
    rows = {row["comparison"]: row for row in similarities.to_dict("records")}
    raw, length = rows[patterns.RAW], rows[patterns.LENGTH]
    as_long = _weigh(length, rules)
    beside = f"; against others as long {100 * length['mean']:+.1f}, to be above 0 as well"
    random = Contrast(NAME, "random", _describe(raw) + beside, DATASETS)
    reported = _summarise_table2(results.read_reported("table2"))
    both = combine(_weigh(raw, rules), as_long)
    return [
        random.judge(_effect(raw), both, rules, NEEDED, reported),
        Contrast(NAME, "as_long", _describe(length), DATASETS).judge(
            _effect(length), as_long, rules, NEEDED
        ),
    ]


def _describe(row: Mapping[str, Any]) -> str:
    test = f"permutation p = {row['p']:.2g}; the interval must agree"
    return f"{METRIC}, {row['comparison']} ({test})"


def _effect(row: Mapping[str, Any]) -> Interval:
    return Interval(row["mean"], row["low"], row["high"], int(row["n"]), int(row["seeds"]))


def _weigh(row: Mapping[str, Any], rules: Rules) -> Evidence:
    """That a similarity is above the threshold, by the permutation test and the whole interval."""
    over, under = row["low"] > rules.minimum_effect, row["high"] < rules.minimum_effect
    return Evidence(row["p"] if over else 1.0, row["p"] if under else 1.0)


def _summarise_table2(table2: pd.DataFrame | None) -> str:
    """The paper's similarity of selected responses less that of unselected ones, in points."""
    if table2 is None:
        return ""
    similarity = table2.set_index(["first", "second"])["similarity"]
    return f"{similarity['MathPRM', 'CodePRM'] - similarity['Math', 'Code']:+.1f}"
