"""Simulated studies as `Results`, and the rules by which tests judge them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import simulated

from prmscale.analysis import reply_shares
from prmscale.analysis.verdicts import Check, Claim, Rules
from prmscale.claims.findings import Findings, judge_claims
from prmscale.claims.page import render
from prmscale.results import Results

RULES = Rules(smallest_effects={"math_to_code": 0.1}, aggregation="min", table1_budget=8)
NO_REPLIES = reply_shares.shares({})
REPORTED = Path(__file__).parents[2] / "workflow/prmscale/figures/reported"
TABLES = [str(REPORTED / f"{name}.csv") for name in ("table1", "table2")]


def results(search: pd.DataFrame, reward_models: pd.DataFrame, **tables: pd.DataFrame) -> Results:
    """The tables of a study, with the paper's numbers."""
    given = {"search": search, "reward_models": reward_models, **tables}
    return Results({"reported": TABLES}, **given)  # type: ignore[arg-type]


def study(models: list[simulated.Prm], problems: int, seeds: int = 1, **more: float) -> Results:
    """The results of simulated reward models."""
    search = simulated.search(models, problems, seeds=seeds, **more)  # type: ignore[arg-type]
    facts = simulated.reward_models(models, seeds)
    return results(search, facts, training=simulated.training(models, seeds))


def judge(models: list[simulated.Prm], problems: int = 1500, **changes: float) -> list[Claim]:
    """The claims on a simulated study, by `RULES` with these changes."""
    return judge_claims(study(models, problems), replace(RULES, **changes))  # type: ignore[arg-type]


def verdicts(found: list[Claim], claim: str, words: str = "") -> set[str]:
    """The verdicts on a claim's contrasts whose metric holds these words."""
    return {c.verdict for c in found if c.claim == claim and words in c.metric}


def keep(made: list[Check], section: str, words: str = "") -> list[Check]:
    """The checks of a section whose comparison holds these words."""
    return [c for c in made if c.section == section and words in c.comparison]


def page(
    claims: list[Claim],
    checks: list[Check],
    rules: Rules = RULES,
    replies: pd.DataFrame = NO_REPLIES,
    **tables: pd.DataFrame,
) -> str:
    """The page of these claims and checks."""
    return render(Findings(claims, checks, **tables), rules, replies)
