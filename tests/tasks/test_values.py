"""How values and printed text are compared: rows of cases, by the rules of the sets' own judges."""

import csv
from collections import Counter, namedtuple
from decimal import Decimal
from functools import partial
from pathlib import Path

import numpy
import pytest

from prmscale.tasks.grading.printed import Printed
from prmscale.tasks.grading.sandbox_values import text_of
from prmscale.tasks.grading.values import matches, matches_in_json

VALUES = {
    "evalplus": matches,
    "isclose": partial(matches, relative=0.001),
    "livecodebench": partial(matches_in_json, levels=1),
    "taco": partial(matches_in_json, levels=2),
}
PRINTED = {
    "line": Printed("line"),
    "filled line": Printed("filled line", 1e-5, 1e-8),
    "word": Printed("word", 0, 1e-5, case=False),
}


def nested(levels):
    return [nested(levels - 1)] if levels else []


NAMES = {
    "Counter": Counter,
    "namedtuple": namedtuple,
    "Decimal": Decimal,
    "numpy": numpy,
    "nested": nested,
}


def cases(name):
    with open(Path(__file__).parents[1] / "cases" / f"{name}.csv", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    "case", cases("values"), ids=lambda case: f"{case['judge']}: {case['why']}"
)
def test_a_returned_value_is_compared_as_its_judge_does(case):
    value, expected = (text_of(eval(case[key], NAMES), 1 << 14) for key in ("value", "expected"))
    assert VALUES[case["judge"]](value, expected) == (case["right"] == "yes")


@pytest.mark.parametrize("judge", VALUES)
@pytest.mark.parametrize(
    "value", [None, "", "[", "[" * 100_000, "9" * 5000, '["tuple"', "NaN", "{}"]
)
def test_what_is_no_canonical_value_is_wrong_and_never_an_error(judge, value):
    assert not VALUES[judge](value, '["list", 1.0]')


@pytest.mark.parametrize("case", cases("printed"), ids=lambda case: f"{case['by']}: {case['why']}")
def test_printed_text_is_compared_as_its_judge_does(case):
    printed, expected = (
        case[key].encode().decode("unicode_escape") for key in ("printed", "expected")
    )
    assert PRINTED[case["by"]].matches(printed, expected) == (case["right"] == "yes")
