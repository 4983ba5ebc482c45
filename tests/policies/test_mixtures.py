"""Samples of several policies that take turns."""

import pandas as pd
import pytest
from scripted import CoinPolicy, grade, problem

from prmscale.engines.requests import Extension
from prmscale.policies.sample import average_speed, mix_solutions, solution_table

PROBLEMS = [problem(i) for i in range(3)]


def written(name, samples):
    drawn = CoinPolicy(length=4, seed=name).extend(
        [Extension(each, (), samples, 0, "end") for each in PROBLEMS]
    )
    return solution_table(name, grade, PROBLEMS, drawn)


@pytest.mark.parametrize("samples", [1, 5, 6])
def test_policies_take_turns_and_fewer_samples_are_the_beginning_of_more(samples):
    parts = {name: written(name, 6) for name in "ml"}
    mixed = mix_solutions([*parts.values()], samples)
    for each in PROBLEMS:
        rows = mixed[mixed.problem_id == each.problem_id]
        assert list(rows.solution_id) == list(range(samples))
        for number, row in enumerate(rows.itertuples()):
            part = parts["ml"[number % 2]]
            (same,) = part[
                (part.problem_id == each.problem_id) & (part.solution_id == number // 2)
            ].itertuples()
            assert (row.policy, row.steps, row.correct) == (
                "ml"[number % 2],
                same.steps,
                same.correct,
            )
    more = mix_solutions([*parts.values()], 8)
    beginning = more[more.solution_id < samples].reset_index(drop=True)
    pd.testing.assert_frame_equal(mixed, beginning)


def test_the_speed_is_that_of_all_tokens():
    table = pd.DataFrame({"policy": ["m", "l", "m"], "tokens": [10, 20, 10]})
    assert average_speed(table, {"m": 1.0, "l": 4.0}) == pytest.approx((20 + 80) / 40)
