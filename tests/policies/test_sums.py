"""A policy that has not learnt to add must not write the solutions of a study."""

from __future__ import annotations

import pandas as pd
import pytest

from prmscale.errors import UserError
from prmscale.policies.sample import check_sums
from prmscale.tasks.world.arithmetic import holds_wrong_sum

RIGHT = ["b = a + 3 = 6 + 3 = 2", "c = 2 * ( b + 1 ) = 2 * ( 2 + 1 ) = 2 * 3 = 6", "answer 2 6"]
MISREAD = ["b = 2 * a + 3 = 2 * 6 + 3 = 5 + 3 = 1", "answer 1 1"]


@pytest.mark.parametrize(
    ("steps", "wrong"),
    [
        (RIGHT, False),
        (MISREAD, False),
        (["b = a + 3 = 6 + 3 = 4"], True),
        (["b = 2 * ( a + 3 ) = 2 * ( 1 + 3 ) = 2 * 5 = 3"], True),
        (["b = 2 * a = 2 * 6 = 12 = 5"], False),  # equal modulo 7
        (["b = a + = 6 +"], False),
        (["answer = = 3"], False),
        ([], False),
    ],
)
def test_only_calculations_of_numbers_count(steps: list[str], wrong: bool) -> None:
    assert holds_wrong_sum(steps, 7) == wrong


def test_the_share_is_of_wrong_solutions() -> None:
    slip = ["b = a + 3 = 6 + 3 = 4"]
    table = pd.DataFrame(
        {"steps": [RIGHT, slip, MISREAD, MISREAD], "correct": [True, False, False, False]}
    )
    check_sums([table[:2], table[2:]], "m", 7, most=0.34)
    with pytest.raises(UserError, match=r"33% of m's wrong solutions.*most_wrong_sums: 30%"):
        check_sums([table], "m", 7, most=0.3)
    check_sums([table[table["correct"]]], "m", 7, most=0.0)  # none is wrong
