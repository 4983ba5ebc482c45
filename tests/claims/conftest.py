"""Two simulated studies, judged once for all tests of claims."""

from __future__ import annotations

import pytest
import simulated
from judged import RULES, judge, study

from prmscale.analysis.verdicts import Check, Claim
from prmscale.claims.findings import run_checks

STUDY = [
    *simulated.prms(own=0.55, other=0.5),
    *simulated.pretraining(lambda tokens: tokens / 1.2e6),
    *simulated.diverse(lambda wordings: wordings / 6),
]


@pytest.fixture(scope="package")
def effect() -> list[Claim]:
    """Sizes that flatten, diversity that helps, and transfer with a loss well inside the margin."""
    return judge(simulated.prms(own=0.55, other=0.5))


@pytest.fixture(scope="package")
def verified() -> list[Check]:
    """Three seeds of PRMs that verify, and bases whose pre-training pays."""
    return run_checks(study(STUDY, 600, 3, seed_spread=0.05), RULES)
