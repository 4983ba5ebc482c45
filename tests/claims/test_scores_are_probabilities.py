"""The verdict on calibration, where the truth is known by simulation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import simulated
import simulated_steps
from judged import RULES, page, results

from prmscale.analysis.verdicts import Claim
from prmscale.claims import scores_are_probabilities as claim

MODELS = simulated.prms()
FACTS = simulated.reward_models(MODELS)
SEARCH = simulated.search(MODELS, problems=3)
MARGIN = 0.05
EFFECTS = {**RULES.smallest_effects, claim.NAME: MARGIN}
GIVEN = replace(RULES, smallest_effects=EFFECTS, headlines={claim.NAME: "error"})


def judge(problems: int, **settings: object) -> dict[str, Claim]:
    """The contrasts of a study of one data set by their names."""
    steps = simulated_steps.reliability(
        ["prm_s96"],
        problems,
        datasets=("arithmetic",),
        **settings,  # type: ignore[arg-type]
    )
    return judge_steps(steps)


def judge_steps(steps: pd.DataFrame) -> dict[str, Claim]:
    found = claim.judge(results(SEARCH, FACTS, reliability=steps), GIVEN)
    return {each.contrast: each for each in found}


def test_probabilities_are_supported_and_are_never_called_miscalibrated() -> None:
    many = judge(800, seeds=2)
    assert {each.verdict for each in many.values()} == {"supported"}
    few = [judge(30, seed=seed)["error"].verdict for seed in range(25)]
    assert "not supported" not in few and "inconclusive" in few


def test_overconfident_scores_are_found_out() -> None:
    found = judge(150, seeds=3, over=1.5)
    assert found["error"].verdict == found["overconfidence"].verdict == "not supported"
    assert found["error"].low > MARGIN and found["overconfidence"].effect > MARGIN


def test_errors_that_cancel_are_found_by_ranges_alone() -> None:
    """Extreme scores: too low below, too high above, right on average."""
    steps = simulated_steps.reliability(["prm_s96"], 600, datasets=("arithmetic",), slope=3.0)
    steps["score"] += steps["truth"].mean() - steps["score"].mean()
    found = judge_steps(steps)
    assert found["overconfidence"].verdict == "supported"
    assert found["error"].verdict == "not supported"


def test_an_error_of_the_margin_is_rarely_called_smaller_or_larger() -> None:
    """Scores that are too high by the margin wherever there is room for it."""
    verdicts, studies = [], 60
    for seed in range(studies):
        steps = simulated_steps.reliability(["prm_s96"], 60, datasets=("arithmetic",), seed=seed)
        found = judge_steps(steps.assign(score=steps["score"] + MARGIN))
        verdicts.append((found["error"].verdict, found["overconfidence"].verdict))
    for one in zip(*verdicts, strict=True):
        shares = {name: one.count(name) / studies for name in ("supported", "not supported")}
        print(shares)
        assert max(shares.values()) <= 0.13  # 5 %, and three standard errors


def test_late_steps_and_rollouts_are_also_judged() -> None:
    steps = simulated_steps.reliability(["prm_s96"], 300, datasets=("arithmetic",), deep=3.0)
    values = steps.assign(split="validation", value=np.clip(steps["score"] - 0.2, 0, 1))
    found = judge_steps(pd.concat([steps, values]))
    assert found["late_steps"].verdict == "not supported" and found["late_steps"].effect > 0.1
    assert found["rollouts"].verdict == "not supported"


def test_the_page_says_that_the_question_is_not_the_papers() -> None:
    steps = simulated_steps.reliability(["prm_s96"], 40)
    found = claim.judge(results(SEARCH, FACTS, reliability=steps), GIVEN)
    text = page(found, [], GIVEN)
    assert "(h) Beside the paper" in text and "the paper does not ask it" in text
    assert claim.REPORTED in text
    assert {each.dataset for each in found} == {"arithmetic", "programs"}


def test_without_known_steps_it_is_not_measured() -> None:
    (only,) = judge_steps(simulated_steps.reliability(["prm_s96"], 2).iloc[:0]).values()
    assert only.verdict == "not yet measured" and "truth is known" in only.needed
