"""`claims.md` and the tables beside it."""

from __future__ import annotations

from string import ascii_lowercase

import pandas as pd
import simulated
from judged import RULES, judge, page, results

from prmscale.analysis import reply_shares
from prmscale.analysis.transfer import measure_matrix
from prmscale.analysis.verdicts import Check, Claim
from prmscale.claims import CLAIMS
from prmscale.claims.findings import Findings, run_checks


def test_an_effect_without_an_interval_is_told_without() -> None:
    nothing = float("nan")
    claim = Claim(
        "data_diversity", "domains", "a − b", "x", 0.3, nothing, nothing, "inconclusive", "", 1, 1
    )
    check = Check("accuracy", "x", "one sample", 0.3, nothing, nothing, "", 1, 1)
    text = page([claim], [check])
    assert (
        "nan" not in text and "+30.0 (no interval)" in text and "30.0 (no interval) | 1 | 1" in text
    )


def test_cut_solutions_are_told_and_warned_of() -> None:
    ways = {"a": ["boxed"] * 97 + ["cut"] * 3, "b": ["boxed"] * 94 + ["cut"] * 6, "c": ["none"]}
    table = reply_shares.shares(
        {(name, "set", "search"): pd.DataFrame({"found_by": x}) for name, x in ways.items()}
    )
    shown = {(r.policy, r.found_by): (r.solutions, r.share) for r in table.itertuples()}
    assert shown["a", "boxed"] == (97, 0.97) and shown["c", "cut"] == (0, 0.0) and len(table) == 6
    text = page([], [], replies=table)
    assert "3.0 % of a on set (search), 6.0 % of b on set (search), 0.0 % of c" in text
    assert "**Warning**: more than 5 % are cut of b on set: raise" in text
    assert "Warning" not in page([], [], replies=table[table.policy != "b"])


def test_page_and_csv(effect: list[Claim], verified: list[Check]) -> None:
    search = simulated.search(simulated.prms(), 60, policies=("s64", "s96"))
    matrix = measure_matrix(search, simulated.reward_models(simulated.prms()), RULES)
    text = page(effect, verified, transfer=matrix)
    opening = text.split("\n\n")[1].splitlines()
    letters = ascii_lowercase[: len(CLAIMS)]
    assert all(f"({letter}) " in line for letter, line in zip(letters, opening[2:], strict=True))
    assert all(
        f"## ({letter}) {module.NAME}" in text
        for letter, module in zip(letters, CLAIMS, strict=True)
    )
    assert "+0.000" not in text
    for words in (
        "Does the PRM verify?",
        "Does accuracy grow?",
        "Does accuracy leap along training?",
    ):
        assert f"## {words}" in text
    assert (
        "Test problems: 600 of arithmetic, 600 of programs. Training seeds of a reward model: 3."
        in text
    )
    assert "No fall is certain" in text and "Not yet measured." not in text
    tables = Findings(effect, verified).tables()
    table = tables["claims"]
    columns = (
        "claim contrast metric dataset effect low high verdict reported n seeds problem_error "
        "seed_error interaction_error p_supported p_refuted p_negligible power headline needed"
    )
    assert list(table.columns) == columns.split()
    assert set(table.verdict) <= {"supported", "not supported", "inconclusive", "not yet measured"}
    made = tables["checks"]
    columns = "section dataset comparison effect low high verdict n seeds"
    assert list(made.columns) == columns.split()
    assert set(made.section) == {
        "accuracy",
        "verifies",
        "falls",
        "growth",
        "diversity",
        "transfer",
        "emergence",
    }


def test_a_page_without_any_reward_model() -> None:
    nothing = results(simulated.search([], 20), simulated.reward_models([]))
    made = run_checks(nothing, RULES)
    assert {c.section for c in made} == {"accuracy"}
    assert "Not yet measured." in page(judge([], 20), made)
