"""Verdicts on simulated studies whose truth is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import simulated

from prmscale.analysis import claims, verdicts
from prmscale.analysis.verdicts import Claim, Rules

RULES = Rules(equivalence_margin=0.1, aggregation="min", draws=400, table1_budget=8)
REPORTED = Path(__file__).parents[1] / "workflow" / "reported" / "table1.csv"


def _judge(models: list[simulated.Prm], problems: int = 1500, **changes: object) -> list[Claim]:
    search = simulated.search(models, problems)
    rules = Rules(**{**vars(RULES), **changes})  # type: ignore[arg-type]
    return claims.judge(search, simulated.reward_models(models), rules, pd.read_csv(REPORTED))


def _verdicts(found: list[Claim], claim: str, words: str = "") -> set[str]:
    return {c.verdict for c in found if c.claim == claim and words in c.metric}


@pytest.fixture(scope="module")
def effect() -> list[Claim]:
    """Sizes that flatten, diversity that helps, and transfer with a loss well inside the margin."""
    return _judge(simulated.prms(own=0.55, other=0.5))


def test_known_effects_are_found(effect: list[Claim]) -> None:
    for name in ("diminishing_returns", "data_diversity", "math_to_code"):
        assert _verdicts(effect, name) == {"supported"}, name
    assert len([c for c in effect if c.claim == "diminishing_returns"]) == 4  # two metrics, two data sets
    assert {c.n for c in effect if c.verdict != "not yet measured"} == {1500}


def test_order_names_and_unmeasured_claims(effect: list[Claim]) -> None:
    assert list(dict.fromkeys(c.claim for c in effect)) == list(claims.CLAIMS)
    for name in ("flops_tradeoff", "search_budget", "pattern_similarity"):
        (one,) = [c for c in effect if c.claim == name]
        assert one.verdict == "not yet measured" and np.isnan(one.effect) and one.n == 0


def test_the_papers_number_stands_beside_ours(effect: list[Claim]) -> None:
    reported = {c.metric.split(",")[0]: c.reported for c in effect if c.claim == "math_to_code"}
    assert reported["PRM-Math − PRM-Code (90 %)"] == "+0.009 (mean of 12 cells)"


@pytest.mark.parametrize("seed", range(3))
def test_without_an_effect_nothing_is_supported(seed: int) -> None:
    """PRMs that select at random: no growth, no diversity, and being equally useless is no transfer."""
    models = simulated.prms(of_size=lambda size: 0.0)
    found = claims.judge(simulated.search(models, 200, seed=seed), simulated.reward_models(models), RULES)
    assert "supported" not in {c.verdict for c in found}


def test_steady_growth_is_not_diminishing() -> None:
    steps = {"s32": 0.0, "s48": 0.1, "s64": 0.2, "s96": 2.0}
    found = _judge(simulated.prms(of_size=lambda size: steps[size]))
    assert _verdicts(found, "diminishing_returns", "largest") == {"supported"}
    assert _verdicts(found, "diminishing_returns", "doubling") == {"not supported"}


def test_a_real_loss_is_no_equivalence_and_few_problems_decide_nothing() -> None:
    models = simulated.prms(own=1.5, other=0.3)
    assert _verdicts(_judge(models, equivalence_margin=0.05), "math_to_code", "PRM-Code") == {"not supported"}
    assert _verdicts(_judge(simulated.prms(own=0.55), 12), "math_to_code", "PRM-Code") == {"inconclusive"}


def test_incomplete_studies_are_not_yet_measured() -> None:
    models = [m for m in simulated.prms() if m.name in ("prm_s32", "prm_s96")]
    assert {c.verdict for c in _judge(models, 20)} == {"not yet measured"}
    assert {c.verdict for c in _judge([], 20)} == {"not yet measured"}


@pytest.mark.parametrize(
    ("low", "high", "threshold", "said"),
    [
        (0.01, 0.1, 0.0, "supported"), (0.01, 0.1, 0.02, "inconclusive"), (-0.1, -0.01, 0.0, "not supported"),
        (0.0, 0.0, 0.0, "inconclusive"), (float("nan"), float("nan"), 0.0, "inconclusive"),
    ],
)  # fmt: skip
def test_verdict(low: float, high: float, threshold: float, said: str) -> None:
    assert verdicts.verdict(low, high, threshold) == said


@pytest.mark.parametrize(
    ("low", "high", "n", "said"),
    [
        (-0.02, 0.03, 100, "supported"), (0.06, 0.1, 100, "not supported"), (-0.2, -0.06, 100, "not supported"),
        (-0.02, 0.06, 100, "inconclusive"), (0.0, 0.0, 59, "inconclusive"), (0.0, 0.0, 60, "supported"),
    ],
)  # fmt: skip
def test_equivalence(low: float, high: float, n: int, said: str) -> None:
    assert verdicts.equivalence(low, high, 0.05, n) == said


def test_page_and_csv(effect: list[Claim]) -> None:
    models = simulated.prms()
    checks = claims.sanity(simulated.search(models, 30), simulated.reward_models(models), RULES)
    assert checks.groupby("dataset")["selection"].apply(list).loc["programs"][-1] == "oracle"
    assert {"one_sample", "random", "likelihood", "majority"} <= set(checks["selection"])
    page = claims.render(effect, checks, RULES)
    assert all(f"**{name}**" in page for name in claims.CLAIMS)
    assert "## Does the PRM verify?" in page and "best PRM (prm_s96" in page and "untrained PRM" in page
    table = claims.frame(effect)
    assert list(table.columns) == ["claim", "metric", "effect", "low", "high", "verdict", "reported", "n"]
    assert set(table.verdict) <= {"supported", "not supported", "inconclusive", "not yet measured"}
