"""The paper's claims, one module each, the checks beside them, and the page that reports both.

A claim's module has `NAME`, `SAYS` (the paper's sentence), `NEEDS` (what must hold here for it to
be supported) and `judge(results, rules)`; `checks(results, rules)` adds measurements beside it. To
add a claim, write its module and list it below; its headline contrast is an option of `Headlines`
in `prmscale/study.py`.
"""

from __future__ import annotations

from typing import Protocol

from prmscale.analysis.verdicts import Claim, Rules
from prmscale.claims import (
    data_diversity,
    diminishing_returns,
    flops_tradeoff,
    math_to_code,
    pattern_similarity,
    process_beats_outcome,
    scores_are_probabilities,
    search_budget,
)
from prmscale.results import Results


class ClaimModule(Protocol):
    """What every claim's module has."""

    NAME: str
    SAYS: str
    NEEDS: str

    def judge(self, results: Results, rules: Rules) -> list[Claim]:
        """The claim's contrasts, each with its effect, interval and verdict."""


# in the order of their letters: the paper's are (a) to (f)
CLAIMS: tuple[ClaimModule, ...] = (
    flops_tradeoff,
    diminishing_returns,
    data_diversity,
    search_budget,
    math_to_code,
    pattern_similarity,
    process_beats_outcome,
    scores_are_probabilities,
)
