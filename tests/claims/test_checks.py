"""The checks beside the claims, on simulated studies whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
import simulated
from judged import RULES, keep, page, results, study

from prmscale.analysis import controls
from prmscale.analysis.verdicts import Check
from prmscale.claims.checks import find_worst_steps
from prmscale.claims.findings import run_checks


def test_a_prm_that_verifies_beats_every_control(verified: list[Check]) -> None:
    against = keep(verified, "verifies")
    assert len(against) == 2 * 8  # six controls and two targets, two data sets
    assert {c.verdict for c in against if "at least" not in c.comparison} == {"supported"}
    assert {c.verdict for c in keep(verified, "verifies", "at least 3 points")} == {"supported"}
    assert {c.seeds for c in against} == {3} and {c.n for c in against} == {600}
    (arithmetic,) = [
        c for c in keep(verified, "verifies", "best likelihood") if c.dataset == "arithmetic"
    ][:1]
    assert (
        "likelihood of s96" in arithmetic.comparison
    )  # the base's, better than the policy's by construction
    assert {c.verdict for c in keep(verified, "transfer")} == {"supported"}


def test_every_selection_has_an_accuracy(verified: list[Check]) -> None:
    names = [c.comparison for c in keep(verified, "accuracy") if c.dataset == "programs"]
    assert (
        names[:3] == [controls.ONE, controls.RANDOM, controls.MAJORITY]
        and names[-1] == controls.ORACLE
    )
    assert names[9:12] == [controls.CERTAINTY, controls.UNTRAINED, controls.SHUFFLED]
    assert names[12:15] == ["smallest PRM (s32)", "largest PRM (s96)", "PRM, true labels (s96)"]


def test_growth_is_found_step_by_step_and_flattening_beside_it(verified: list[Check]) -> None:
    steps = keep(verified, "growth", "→")
    assert len(steps) == 2 * (2 * 3 + 2 * 2)
    assert {c.verdict for c in keep(verified, "growth", "size, s32 → s48")} == {"supported"}
    assert {c.verdict for c in keep(verified, "growth", "pre-training, s96@25 → s96@50")} == {
        "supported"
    }
    assert {c.verdict for c in keep(verified, "growth", "flattening")} == {"supported"}
    doublings = np.log2(simulated.SIZES["s64"] / simulated.SIZES["s48"])
    each, whole = (
        next(c for c in steps if c.comparison == f"{words}, s48 → s64")
        for words in ("gain per doubling of size", "size")
    )
    assert each.effect == pytest.approx(whole.effect / doublings) and each.verdict == whole.verdict
    fits = keep(verified, "growth", "left-out")
    assert len(fits) == 2 * 2 and all(
        c.low > 0 and c.verdict == "" for c in fits if "saturating" in c.comparison
    )


def test_nothing_learnt_is_told_as_nothing() -> None:
    models = simulated.prms(of_size=lambda size: 0.0)
    search = simulated.search(models, 200, seeds=3)
    made = run_checks(results(search, simulated.reward_models(models, 3)), RULES)
    judged = [c for c in made if c.verdict]
    assert sum(c.verdict == "supported" for c in judged) <= 0.1 * len(judged)
    assert {c.verdict for c in keep(made, "verifies", "at least 20 points")} == {"not supported"}


def test_a_fall_with_n_is_found() -> None:
    """Scores that prefer wrong solutions: the larger n, the worse."""
    models = simulated.prms(of_size=lambda size: -1.0)
    made = find_worst_steps(study(models, 400), RULES)
    assert {c.verdict for c in made} == {"not supported"}
    assert "largest certain fall" in page([], made)
