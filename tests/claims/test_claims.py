"""Verdicts on simulated studies whose truth is known."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import simulated
from judged import RULES, judge, page, results, study, verdicts

from prmscale.analysis import models, strategies
from prmscale.analysis.models import find_headline, find_ladder, find_training_sets
from prmscale.analysis.verdicts import Claim, judge_headlines
from prmscale.claims import CLAIMS
from prmscale.claims.findings import judge_claims
from prmscale.study import Headlines

NAMES = [module.NAME for module in CLAIMS]


def test_known_effects_are_found(effect: list[Claim]) -> None:
    for name in ("diminishing_returns", "data_diversity", "math_to_code"):
        assert verdicts(effect, name) == {"supported"}, name
    assert (
        len([c for c in effect if c.claim == "diminishing_returns"]) == 6
    )  # three metrics, two data sets
    assert {c.n for c in effect if c.verdict != "not yet measured"} == {1500}


def test_order_names_and_unmeasured_claims(effect: list[Claim]) -> None:
    assert list(dict.fromkeys(c.claim for c in effect)) == NAMES
    unmeasured = (
        "flops_tradeoff", "search_budget", "pattern_similarity", "process_beats_outcome",
        "scores_are_probabilities",
    )  # fmt: skip
    for name in unmeasured:
        found = [c for c in effect if c.claim == name]
        assert found and all(
            c.verdict == "not yet measured" and np.isnan(c.effect) and c.n == 0 for c in found
        )


def test_the_papers_number_stands_beside_ours(effect: list[Claim]) -> None:
    reported = {c.metric: c.reported for c in effect if c.claim == "math_to_code"}
    assert (
        reported["PRM-Math's choice − PRM-Code's choice among 8 solutions by s64 (90 % interval)"]
        == "+0.9 (mean of 12 cells)"
    )


@pytest.mark.parametrize("seed", range(3))
def test_without_an_effect_nothing_is_supported(seed: int) -> None:
    """PRMs that select at random: no growth, no diversity, and being equally useless is no
    transfer.
    """
    models = simulated.prms(of_size=lambda size: 0.0)
    search = simulated.search(models, 200, seed=seed)
    found = judge_claims(results(search, simulated.reward_models(models)), RULES)
    assert "supported" not in {c.verdict for c in found}


def test_steady_growth_is_not_diminishing() -> None:
    steps = {"s32": 0.0, "s48": 0.1, "s64": 0.2, "s96": 2.0}
    found = judge(simulated.prms(of_size=lambda size: steps[size]))
    assert verdicts(found, "diminishing_returns", "smallest") == {"supported"}
    assert verdicts(found, "diminishing_returns", "doubling") == {"not supported"}
    assert verdicts(found, "diminishing_returns", "next smaller") == {"not supported"}


def test_a_real_loss_is_no_equivalence_and_few_problems_decide_nothing() -> None:
    models = simulated.prms(own=1.5, other=0.3)
    assert verdicts(
        judge(models, smallest_effects={"math_to_code": 0.05}), "math_to_code", "PRM-Code"
    ) == {"not supported"}
    assert verdicts(judge(simulated.prms(own=0.55), 12), "math_to_code", "PRM-Code") == {
        "inconclusive"
    }


def test_incomplete_studies_are_not_yet_measured() -> None:
    models = [m for m in simulated.prms() if m.name in ("prm_s32", "prm_s96")]
    assert {c.verdict for c in judge(models, 20)} == {"not yet measured"}
    assert {c.verdict for c in judge([], 20)} == {"not yet measured"}


def test_only_the_named_contrast_is_a_headline(effect: list[Claim]) -> None:
    judged = judge_headlines(effect, replace(RULES, headlines={"diminishing_returns": "growth"}))
    assert {(c.claim, c.contrast) for c in judged if c.headline} == {
        ("diminishing_returns", "growth")
    }
    others = [c for c in judged if not c.headline]
    assert others == [c for c in effect if c.contrast != "growth"]


def test_every_headline_of_the_configuration_is_a_contrast_of_its_claim() -> None:
    """A name that no claim has would be told as not yet measured in every study."""
    assert list(Headlines().model_dump()) == NAMES
    modules = (*CLAIMS, strategies, models)
    sources = [Path(str(getattr(module, "__file__", ""))).read_text() for module in modules]
    nodes = [node for source in sources for node in ast.walk(ast.parse(source))]
    said = {node.value for node in nodes if isinstance(node, ast.Constant)}
    options = {
        name for field in Headlines.model_fields.values() for name in get_args(field.annotation)
    }
    assert options <= said, options - said


def test_a_headline_that_was_not_measured_says_what_it_wants() -> None:
    rules = replace(RULES, headlines={"data_diversity": "policies"})
    found = judge_claims(study(simulated.prms(), 60), rules)
    (headline,) = [c for c in found if c.headline]
    assert headline.verdict == "not yet measured" and "does not have" in headline.needed
    assert f"needs {headline.needed}" in page(found, [], rules)


def test_an_inconclusive_claim_says_what_would_decide_it() -> None:
    models = simulated.prms(own=0.55, other=0.5)
    found = judge_claims(study(models, 60, 3, seed_spread=0.1), RULES)
    for claim in found:
        assert bool(claim.needed) or claim.verdict != "inconclusive"
    assert "problems at 3 seeds" in " ".join(c.needed for c in found)
    text = page(found, [])
    assert all(c.needed in text for c in found)


def test_seeds_make_claims_wider() -> None:
    """Luck that differs between training seeds is in the interval."""
    models, widths = simulated.prms(own=0.55), []
    for spread in (0.0, 0.8):
        found = judge_claims(study(models, 200, 3, seed_spread=spread), RULES)
        one = next(
            c
            for c in found
            if (c.metric, c.dataset) == ("largest PRM − smallest PRM", "arithmetic")
        )
        assert one.seeds == 3
        widths.append(one.high - one.low)
    assert widths[1] > 1.2 * widths[0]


def test_diversity_is_judged_at_equal_size_along_one_axis() -> None:
    """Wordings that help and problems that do not; sets of another size and the study's own sets
    stay out.
    """
    models = [
        *simulated.prms(own=0.55, other=0.5),
        *simulated.diverse(lambda wordings: wordings / 6),
        *simulated.diverse(lambda _: 7 / 6, "problems", (250, 750)),
        replace(simulated.diverse(lambda _: 9.0, levels=(1,))[0], name="smaller", solutions=300),
    ]
    found = judge(models, 800)
    told = {f"{c.metric}, {c.dataset}": c.verdict for c in found if "1,500" in c.metric}
    assert told == {
        f"PRM trained on {most} {axis} − PRM trained on {least} "
        f"(1,500 solutions each), {dataset}": verdict
        for most, least, axis, verdict in (
            (7, 2, "wordings of problems", "supported"),
            (750, 250, "problems", "inconclusive"),
        )
        for dataset in ("arithmetic", "programs")
    }
    facts = simulated.reward_models(models)
    without = simulated.reward_models(simulated.prms(own=0.55, other=0.5))
    for choose in (find_ladder, find_training_sets, find_headline):
        assert choose(facts)["reward_model"].tolist() == choose(without)["reward_model"].tolist()
