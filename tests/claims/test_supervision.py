"""Process against outcome supervision, on simulated studies whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
import simulated
from judged import RULES, page, results, study

from prmscale.analysis.verdicts import Claim
from prmscale.claims.findings import judge_claims
from prmscale.claims.process_beats_outcome import MISSING, NAME, judge

PRMS = simulated.prms()[:4]  # the ladder, of quality 1.7 (s64) and 1.75 (s96)
AT_S64 = "chosen at s64"
WITHIN = replace(RULES, smallest_effects={NAME: 0.05})


def _told(found: list[Claim]) -> dict[str, set[str]]:
    """The verdicts on each contrast."""
    told: dict[str, set[str]] = {}
    for claim in found:
        told.setdefault(claim.contrast, set()).add(claim.verdict)
    return told


@pytest.mark.parametrize(
    ("of_outcome", "verdict"), [(0.6, "supported"), (1.75, "equivalent"), (3.5, "not supported")]
)
def test_the_better_supervision_is_found_at_each_size(of_outcome: float, verdict: str) -> None:
    """At the largest size the ORM is worse, as good or better; at the other it is worse."""
    quality = {"s64": 0.6, "s96": of_outcome}
    models = [*PRMS, *simulated.outcome_models(lambda size: quality[size])]
    found = judge(study(models, 2000), WITHIN)
    assert _told(found) == {"chosen": {verdict}, AT_S64: {"supported"}}


def test_few_problems_decide_nothing() -> None:
    models = [*PRMS, *simulated.outcome_models(lambda size: 1.75)]
    found = judge(study(models, 20), WITHIN)
    assert _told(found)["chosen"] == {"inconclusive"} and found[0].needed


def test_an_orm_is_judged_by_its_last_step_alone() -> None:
    """Scores of other steps, which it was not trained to give, neither help nor harm it."""
    models = [*PRMS, *simulated.outcome_models(lambda size: 0.6)]
    facts = simulated.reward_models(models, 2)
    search = simulated.search(models, 300, seeds=2)
    plain = judge(results(search, facts), RULES)
    of_prm = search["reward_model"].isin(["prm_s64", "prm_s96"])
    of_orm = search["reward_model"].isin(["orm_s64", "orm_s96"])
    more = [
        search[of_orm].assign(aggregation="min", correct=1.0),
        search[of_prm].assign(aggregation="last", correct=0.0),
    ]
    every = judge(results(pd.concat([search, *more]), facts), RULES)
    kept = [repr(c) for c in every if c.contrast.startswith("chosen")]  # NaN is not equal to itself
    assert len(plain) == 2 * 2 and kept == [repr(c) for c in plain]
    assert _told(every)["last"] == {"not supported"}  # of the PRM the last step was made useless
    assert {c.seeds for c in every} == {2}


def test_without_an_orm_or_its_last_step_the_question_stays_open() -> None:
    models = [*PRMS, *simulated.outcome_models(lambda size: 0.6)]
    search, facts = simulated.search(models, 20), simulated.reward_models(models)
    for given in (simulated.search(PRMS, 20), search.replace({"aggregation": {"last": "min"}})):
        found = [c for c in judge_claims(results(given, facts), RULES) if c.claim == NAME]
        assert _told(found) == {"chosen": {"not yet measured"}}
        assert MISSING in page(found, [])
