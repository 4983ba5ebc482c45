"""Which rows and reward models are compared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import simulated

from prmscale.analysis.models import (
    choose_aggregation,
    find_headline,
    find_heads,
    find_ladder,
    find_outcome_pairs,
    find_pretrainings,
    find_training_sets,
    find_twins,
    resolve_aggregation,
)
from prmscale.analysis.rows import keep_final, subtract
from prmscale.errors import UserError

STUDY = [
    *simulated.prms(own=0.55, other=0.5),
    *simulated.pretraining(lambda tokens: tokens / 1.2e6),
    *simulated.diverse(lambda wordings: wordings / 6),
]


def test_controls_and_other_heads_stay_out_of_ladders() -> None:
    facts = simulated.reward_models([*STUDY, *simulated.other_heads()], 3)
    assert find_ladder(facts)["reward_model"].unique().tolist() == [
        "prm_s32",
        "prm_s48",
        "prm_s64",
        "prm_s96",
    ]
    head = find_headline(facts)
    assert head["reward_model"].unique().tolist() == ["prm_s96"] and head["replicate"].tolist() == [
        1,
        2,
        3,
    ]
    kinds = find_heads(facts)[["head", "ranking_weight"]].drop_duplicates()
    assert kinds.to_numpy().tolist() == [
        ["evidence", 0],
        ["implicit", 0],
        ["scalar", 0],
        ["scalar", 1],
    ]
    assert "prm_shuffled" not in set(find_training_sets(facts)["reward_model"])
    assert find_twins(facts) == {"math": ["prm_math"], "code": ["prm_code"]}
    assert find_pretrainings(facts).groupby("base_parameters")[
        "base_tokens"
    ].nunique().tolist() == [1, 1, 3, 3]


def test_the_aggregation_is_chosen_on_validation_problems() -> None:
    facts = simulated.reward_models(simulated.prms())
    assert choose_aggregation(facts) == "min"  # product is as good: the first of equals
    misled = facts.assign(
        validation_best_of_n_sum=np.where(facts["untrained"] | facts["shuffled"], 1000.0, 0.3)
    )
    assert (
        resolve_aggregation("validation", misled, ["last", "min"]) == "min"
    )  # controls have no say
    assert (
        resolve_aggregation("validation", facts, ["last", "product"]) == "product"
    )  # of what was measured
    assert resolve_aggregation("product", facts, ["last", "product"]) == "product"
    with pytest.raises(UserError, match=r"analysis\.aggregation"):
        choose_aggregation(
            facts.drop(columns=[c for c in facts if str(c).startswith("validation")])
        )


def test_a_base_and_a_reward_model_may_share_a_name() -> None:
    """The likelihood of `l` has training step -1 and is not an early checkpoint of a reward model
    `l`.
    """
    search = simulated.search(
        [simulated.Prm("s96", "s96", "both", "oracle", lambda d: 1.0, (0.5, 1.0))], 20
    )
    kept = keep_final(search)
    assert {"base_likelihood", "best_of_n"} <= set(kept.loc[kept.reward_model == "s96", "strategy"])
    assert set(kept.loc[kept.strategy == "best_of_n", "training_step"]) == {600}


def test_a_control_stands_against_every_seed() -> None:
    prm = pd.DataFrame({1: [1.0, 0.0], 2: [1.0, 1.0], 3: [0.0, 1.0]}, index=["a", "b"])
    one = pd.DataFrame({1: [0.5, 0.25]}, index=["b", "a"])
    wanted = pd.DataFrame({1: [0.75, -0.5], 2: [0.75, 0.5], 3: [-0.25, 0.5]}, index=["a", "b"])
    pd.testing.assert_frame_equal(subtract(prm, one), wanted)
    pd.testing.assert_frame_equal(subtract(one, prm).loc[["a", "b"]], -wanted)
    pd.testing.assert_frame_equal(subtract(prm, prm[[2, 3]]), 0 * wanted[[2, 3]])
    assert subtract(prm, pd.DataFrame()).empty


def test_a_prm_is_paired_with_the_orm_that_differs_in_supervision_alone() -> None:
    """Another training, controls, other heads on outcomes and unequal FLOPs make no pair."""
    models = [*STUDY, *simulated.other_heads(), *simulated.outcome_models(lambda size: 1.0)]
    facts = simulated.reward_models(models, 2)
    pairs = find_outcome_pairs(facts)
    assert pairs[["base", "process", "outcome"]].to_numpy().tolist() == [
        ["s64", "prm_s64", "orm_s64"], ["s96", "prm_s96", "orm_s96"],
    ]  # fmt: skip
    orm = facts["reward_model"] == "orm_s96"
    for column, value in {
        "steps": 300, "training_set": "other", "solutions": 2400, "train_flops": 1.1e12,
        "shuffled": True, "untrained": True, "head": "implicit", "target": "soft",
    }.items():  # fmt: skip
        changed = facts.assign(**{column: facts[column].mask(orm, value)})
        assert find_outcome_pairs(changed)["outcome"].tolist() == ["orm_s64"], column
    every = facts.assign(head="implicit")  # which scores every prefix, whatever it learnt from
    assert find_outcome_pairs(every).empty
    assert find_outcome_pairs(simulated.reward_models(STUDY)).empty


def test_orms_are_no_prms() -> None:
    """More sizes of ORMs than of PRMs, and better scores by other aggregations, change nothing."""
    orms = [replace(m, name=f"orm_{m.base}", supervise="outcome") for m in STUDY[:4]]
    few = [*STUDY[2:4], *STUDY[5:]]
    facts, without = simulated.reward_models([*few, *orms], 2), simulated.reward_models(few, 2)
    for choose in (find_ladder, find_headline, find_heads, find_training_sets, find_pretrainings):
        assert choose(facts)["reward_model"].tolist() == choose(without)["reward_model"].tolist()
    of_outcome = facts["supervise"] == "outcome"
    best = facts["validation_best_of_n_sum"].mask(of_outcome, 1000.0)
    assert choose_aggregation(facts.assign(validation_best_of_n_sum=best)) == "min"
    alone = simulated.reward_models(orms)
    assert find_ladder(alone)["base"].tolist() == list(simulated.SIZES)
