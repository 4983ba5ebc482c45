"""Outcome reward models beside process reward models, and nothing new where there are none."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest
import simulated
import simulated_strategies as simulation
from matplotlib.figure import Figure

from prmscale import tables
from prmscale.analysis.strategies import TREE, find_guide
from prmscale.analysis.verdicts import Rules
from prmscale.figures import fig1, fig3, fig4, strategy_lines
from prmscale.results import Results

MODELS = [*simulated.prms(), *simulated.outcome_models(lambda size: 1.0)]
FACTS = simulated.reward_models(MODELS, seeds=2)
SAMPLED = simulated.search(MODELS, problems=25, seeds=2)
TREES = simulation.rows(problems=25)
SEARCH = pd.concat([SAMPLED, TREES[~TREES.strategy.isin(["best_of_n", "majority"])]])
ORMS = FACTS["supervise"] == "outcome"
RULES = Rules(smallest_effects={"math_to_code": 0.1}, aggregation="min")


def _draw(module: ModuleType, facts: pd.DataFrame = FACTS) -> tuple[Figure, pd.DataFrame]:
    drawing: tuple[Figure, pd.DataFrame] = module.draw(
        Results(search=SEARCH, reward_models=facts), RULES
    )
    return drawing


def _labels(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def _accuracies(reward_model: str, dataset: str, budget: int) -> float:
    """The mean accuracy of an ORM's best-of-n, from the rows."""
    rows = SAMPLED[(SAMPLED.reward_model == reward_model) & (SAMPLED.dataset == dataset)]
    return float(rows.loc[rows.budget == budget, "correct"].mean())


def test_fig1_has_a_line_of_the_orms_at_the_largest_n() -> None:
    figure, data = _draw(fig1)
    line = data[data["strategy"] == fig1.OUTCOME]
    assert line[["dataset", "base_parameters", "budget"]].to_numpy().tolist() == [
        [dataset, simulated.SIZES[size], 64]
        for dataset in ("arithmetic", "programs")
        for size in ("s64", "s96")
    ]
    wanted = [_accuracies(f"orm_{size}", "programs", 64) for size in ("s64", "s96")]
    assert line["mean"].tolist()[2:] == pytest.approx(wanted)
    assert "best-of-n by ORMs, n = 64" in _labels(figure)


def test_fig3_has_the_orm_of_one_training_set() -> None:
    figure, data = _draw(fig3)
    assert "ORM trained on math and code, outcomes alone" in _labels(figure)
    assert not any(label.startswith("PRM") and "outcomes" in label for label in _labels(figure))
    own = data[(data["kind"] == "trained on math and code, outcomes alone") & (data.budget == 16)]
    assert own["mean"].tolist() == pytest.approx(
        [_accuracies("orm_s96", dataset, 16) for dataset in ("arithmetic", "programs")]
    )


def test_fig4_has_best_of_n_by_the_orm_that_is_like_the_guide() -> None:
    figure, data = _draw(fig4)
    own = data[data["strategy"] == strategy_lines.OUTCOME]
    assert set(own["reward_model"]) == {"orm_s96"} and set(own["aggregation"]) == {"last"}
    assert own.loc[own.budget == 8, "mean"].tolist() == pytest.approx(
        [_accuracies("orm_s96", dataset, 8) for dataset in ("arithmetic", "programs")]
    )
    guided = data[data["strategy"].isin(strategy_lines.GUIDED)]
    assert set(guided["reward_model"]) == {"prm_s96"}
    assert "best-of-n by the ORM (last)" in _labels(figure)


@pytest.mark.parametrize("module", [fig1, fig3, fig4], ids=lambda m: m.__name__)
@pytest.mark.parametrize("kept", [[], ["orm_s64"]], ids=["no ORM", "ORM of one size"])
def test_the_rest_of_a_figure_is_the_same_without_orms(module: ModuleType, kept: list[str]) -> None:
    """An ORM of a base that is no guide's has no line either: one size makes no ladder."""
    _, whole = _draw(module)
    _, data = _draw(module, FACTS[~ORMS | FACTS["reward_model"].isin(kept)])
    by_outcome = whole["strategy"].isin([fig1.OUTCOME, strategy_lines.OUTCOME])
    by_outcome |= whole.get("kind", whole["strategy"]).fillna("").str.contains("outcomes alone")
    assert by_outcome.any()
    pd.testing.assert_frame_equal(data, whole[~by_outcome].reset_index(drop=True))


def test_a_study_keeps_the_last_step_of_models_that_are_compared_alone(tmp_path: Path) -> None:
    rows = SAMPLED.assign(answer="", chosen=0, policy_tokens=1, reward_tokens=1)
    every = pd.concat([rows, rows[rows.aggregation == "min"].assign(aggregation="last")])
    tables.write(every, tmp_path / "search.parquet", "search")
    results = Results({"search": [str(tmp_path / "search.parquet")]}, reward_models=FACTS)
    results.__dict__["aggregation"] = "min"
    found = results.search[results.search["strategy"] == "best_of_n"]
    by_last = found.loc[found["aggregation"] == "last", "reward_model"]
    assert set(by_last) == {"orm_s64", "orm_s96", "prm_s64", "prm_s96"}
    assert set(found.loc[found["aggregation"] == "min", "reward_model"]) == {
        model.name for model in MODELS if model.supervise != "outcome"
    }


def test_an_orm_may_guide_and_a_prm_goes_before_it() -> None:
    """An ORM whose name comes first, with as many tree strategies."""
    facts = FACTS.replace({"reward_model": {"orm_s96": "a_orm"}})
    by_orm = TREES[TREES.strategy.isin(TREE)].assign(reward_model="a_orm")
    assert find_guide(pd.concat([SEARCH, by_orm]), facts) == "prm_s96"
    assert find_guide(by_orm, facts) == "a_orm"
