"""Claim (f): selected responses to math and to code resemble each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from scipy.stats import norm

from prmscale.analysis import patterns
from prmscale.analysis.intervals import Interval
from prmscale.analysis.verdicts import Claim, Evidence, Rules, combine
from prmscale.claims.cells import format_difference
from prmscale.claims.contrast import Contrast
from prmscale.results import Results

NAME = "pattern_similarity"
SAYS = (
    "Responses to math and to code that reward models selected resemble each other more than "
    "unselected ones."
)
NEEDS = (
    "Responses that PRM-Math and PRM-Code select must have more similar activation patterns than "
    "any responses (in table 2: MathPRM–CodePRM less Math–Code), and more similar ones than the "
    "problem's other responses of the same length, because longer responses have other gradients. "
    "Each distinct text of a problem counts once: a reward model scores texts, however often they "
    "are drawn. p comes from a permutation test that exchanges the scores of those texts."
)

METRIC = "similarity of math and code responses, selected by PRMs − {}"
ANY, AS_LONG = "any", "others of the same length"
DATASETS = "math × code"
NEEDED = "more problems or seeds; how many is not known of a mean over pairs of problems"


def judge(results: Results, rules: Rules) -> list[Claim]:
    """Table 2's contrast: are selected responses more alike than unselected ones, and than
    unselected ones as long?
    """
    similarities = results.patterns
    if similarities.empty:
        return [Contrast(NAME, "random", METRIC.format(ANY)).leave_open()]
    rows = {row["comparison"]: row for row in similarities.to_dict("records")}
    raw, length = rows[patterns.RAW], rows[patterns.LENGTH]
    as_long = _weigh(length, rules)
    lead = format_difference(length["mean"], length["low"], length["high"])
    beside = f"; selected − {AS_LONG}: {lead}, must be above 0 too"
    random = Contrast(NAME, "random", _describe(ANY, raw) + beside, DATASETS)
    reported = _summarise_table2(results.read_reported("table2"))
    both = combine(_weigh(raw, rules), as_long)
    return [
        random.judge(_effect(raw), both, rules, NEEDED, reported),
        Contrast(NAME, "as_long", _describe(AS_LONG, length), DATASETS).judge(
            _effect(length), as_long, rules, NEEDED
        ),
    ]


def _describe(against: str, row: Mapping[str, Any]) -> str:
    test = f"permutation p = {row['p']:.2g}, and the interval must exclude 0"
    return f"{METRIC.format(against)} ({test})"


def _effect(row: Mapping[str, Any]) -> Interval:
    return Interval(row["mean"], row["low"], row["high"], int(row["n"]), int(row["seeds"]))


def _weigh(row: Mapping[str, Any], rules: Rules) -> Evidence:
    """That a similarity is above the threshold, by the permutation test and the whole interval;
    and that it is negligible, by the interval on the scale of a normal distribution.
    """
    over, under = row["low"] > rules.minimum_effect, row["high"] < rules.minimum_effect
    error = (row["high"] - row["low"]) / 2 / norm.ppf((1 + rules.level) / 2)
    room = rules.smallest_effects.get(NAME, 0.0) - abs(row["mean"])
    negligible = float(norm.sf(room / error)) if error > 0 and room > 0 else 1.0
    return Evidence(row["p"] if over else 1.0, row["p"] if under else 1.0, negligible)


def _summarise_table2(table2: pd.DataFrame | None) -> str:
    """The paper's similarity of selected responses less that of unselected ones, in points."""
    if table2 is None:
        return ""
    similarity = table2.set_index(["first", "second"])["similarity"]
    return f"{similarity['MathPRM', 'CodePRM'] - similarity['Math', 'Code']:+.1f}"
