"""The figure of granularity draws each rule's own reward model on its own steps."""

import numpy as np
import pandas as pd
import pytest
import simulated
from simulated import Prm

from prmscale.analysis.granularity import count_steps
from prmscale.analysis.verdicts import Rules
from prmscale.columns import CSV_FILES
from prmscale.errors import UserError
from prmscale.figures import granularity
from prmscale.results import Results

RULES = Rules("min", {"math_to_code": 0.1})
QUALITIES = {"line": 2.0, "words_20": 1.2, "words_100": 0.2}
STEPS = {"line": 6.0, "words_20": 3.0, "words_100": 1.0}


def study():
    """One set of solutions; a reward model for each rule, the better the finer its steps."""
    models = [
        Prm(f"prm_{rule}", "s96", "math", f"monte_carlo / {rule}", lambda d, q=quality: q)
        for rule, quality in QUALITIES.items()
    ]
    one = simulated.search(models, problems=200, seeds=2)
    one = one[one["dataset"] == "arithmetic"]
    splits = [
        ("arithmetic", f"arithmetic-{rule}", rule, f"prm_{rule}", "prm_line", 800, STEPS[rule])
        for rule in QUALITIES
    ]
    columns = ["original", "dataset", "rule", "reward_model", "like", "solutions", "steps"]
    splits = pd.DataFrame(splits, columns=columns)
    splits.loc[splits.rule == "line", "dataset"] = "arithmetic"
    rows = pd.concat([one.assign(dataset=name) for name in splits["dataset"]])
    facts = simulated.reward_models(models, seeds=2)
    facts["validation_within_auc"] = np.linspace(0.9, 0.6, len(facts))
    return splits, rows, facts


def test_each_rule_is_measured_on_its_own_steps():
    splits, rows, facts = study()
    results = Results(granularity=splits, search=rows, reward_models=facts)
    figure, data = granularity.draw(results, RULES)
    (file,) = [each for each in CSV_FILES if each.path == "figures/granularity.csv"]
    assert file.allows(list(data))
    chosen = data[(data.measure == "accuracy") & (data.strategy == "best_of_n")].set_index("rule")
    for rule in QUALITIES:
        own = rows[(rows.reward_model == f"prm_{rule}") & (rows.dataset == "arithmetic")]
        own = own[(own.strategy == "best_of_n") & (own.budget == 64) & (own.aggregation == "min")]
        assert chosen["mean"][rule] == pytest.approx(own["correct"].mean())
        assert (chosen.steps[rule], chosen.n[rule]) == (STEPS[rule], 200)
        ranked = facts[facts.reward_model == f"prm_{rule}"].validation_within_auc
        found = data[(data.measure == "within_auc") & (data.rule == rule)].iloc[0]
        assert (found.low, found["mean"], found.high) == pytest.approx(
            (ranked.min(), ranked.mean(), ranked.max())
        )
    assert chosen["mean"]["line"] > chosen["mean"]["words_20"] > chosen["mean"]["words_100"]
    drawn = [line.get_xydata() for axis in figure.axes for line in axis.lines]
    assert any(len(each) == 3 and set(each[:, 0]) == set(STEPS.values()) for each in drawn)
    said = {text.get_text() for axis in figure.axes for text in axis.texts}
    assert said >= set(QUALITIES)


def test_steps_are_counted_in_each_split():
    splits, _, _ = study()
    names = ["original", "dataset", "rule", "reward_model", "like"]
    tables = {
        name: pd.DataFrame({"steps": [["x"] * int(steps), ["x"] * int(steps)]})
        for name, steps in zip(splits.dataset, splits.steps, strict=True)
    }
    found = count_steps(splits[names].to_dict("records"), tables)
    pd.testing.assert_frame_equal(found, splits.assign(solutions=2))
    (file,) = [each for each in CSV_FILES if each.path == "tables/granularity.csv"]
    assert file.allows(list(found))


def test_a_study_of_one_rule_has_no_such_figure():
    _, rows, facts = study()
    with pytest.raises(UserError, match="solutions_of"):
        granularity.draw(Results(search=rows, reward_models=facts), RULES)
