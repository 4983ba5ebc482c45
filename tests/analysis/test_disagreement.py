"""How often two labellers disagree, counted by hand and on chances that are known."""

import numpy as np
import pandas as pd
import pytest

from prmscale.analysis.disagreement import COLUMNS, disagreements
from prmscale.columns import CSV_FILES


def labels(by_solution):
    """A table of labels of one solution a problem."""
    rows = [
        (f"d/train/{number:05d}", 0, step, label)
        for number, of_steps in enumerate(by_solution)
        for step, label in enumerate(of_steps)
    ]
    return pd.DataFrame(rows, columns=["problem_id", "solution_id", "step", "label"])


def named(labeller, method="binary_search", policy="m"):
    return {"labeller": labeller, "policy": policy, "dataset": "d", "method": method}


def test_shares_are_those_counted_by_hand():
    first, second = [[1, 1, 0, 0], [1, 1], [0]], [[1, 0, 0, 0], [1, 1], [1]]
    third = [[1, 1, 0, 0], [1, 1]]  # labels two of the three
    found = disagreements(
        [(named("m"), labels(first)), (named("l"), labels(second)),
         (named("l", "monte_carlo"), labels(third)), (named("l", policy="s"), labels(third))],
        0.95,
    )  # fmt: skip
    pairs = [("m", "l, binary_search"), ("m", "l, monte_carlo"), ("l", "l, monte_carlo")]
    assert list(zip(found.labeller.str[:1], found.other, strict=True)) == pairs
    row = found.iloc[0]
    assert row.steps == pytest.approx((1 / 4 + 0 + 1) / 3)
    assert row.first_errors == pytest.approx(2 / 3)
    assert (row.wrong_by_labeller, row.wrong_by_other) == pytest.approx((1 / 3, 1 / 4 / 3))
    assert found.solutions.tolist() == found.n.tolist() == [3, 2, 2]
    assert (found.steps[1], found.first_errors[1]) == (0, 0)


def test_intervals_cover_the_true_shares():
    stream, covered = np.random.default_rng(5), []
    for _ in range(150):
        truth = stream.random((40, 3)) < 0.6
        other = truth ^ (stream.random((40, 3)) < 0.2)
        tables = [labels(each.astype(int).tolist()) for each in (truth, other)]
        row = disagreements([(named("m"), tables[0]), (named("l"), tables[1])], 0.95).iloc[0]
        covered.append(row.steps_low <= 0.2 <= row.steps_high)
    assert np.mean(covered) >= 0.92


def test_one_labeller_has_nobody_to_disagree_with():
    found = disagreements([(named("m"), labels([[1]]))], 0.95)
    assert found.empty and list(found) == COLUMNS
    (file,) = [each for each in CSV_FILES if each.name == "label_disagreement"]
    assert file.allows(list(found))
