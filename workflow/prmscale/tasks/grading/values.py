"""Comparing the values that functions return, as canonical JSON text, by the rules of the sets' own
judges.

Numbers are equal by value as in Python: True is 1, 2 is 2.0, -0.0 is 0. An integer must be met
exactly; a number meets an expected float within `absolute` + `relative` times its size (EvalPlus:
1e-6 and 1e-7; 0 and 0: exactly). NaN meets NaN, since a reference that returns it must pass its own
tests. A list is not a tuple, sets and dictionaries have no order, texts are the same letter for
letter. A value too long to be sent is its digest and must be met exactly.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

ABSOLUTE, RELATIVE = 1e-6, 1e-7  # of EvalPlus; stricter judges say so


def same(
    value: str | None, expected: str, absolute: float = ABSOLUTE, relative: float = RELATIVE
) -> bool:
    """Whether a canonical value meets the expected one; None, no value, never does."""
    if value is None or value == expected:
        return value is not None
    try:
        return _meets(json.loads(value), json.loads(expected), absolute, relative)
    except (ValueError, RecursionError):  # beyond what Python reads
        return False


def same_in_json(value: str | None, expected: str, levels: int) -> bool:
    """Whether a canonical value is exactly the expected one, a tuple being a list at the first
    `levels` levels.
    """
    if value is None:
        return False
    return same(
        without_tuples(value, levels), without_tuples(expected, levels), absolute=0.0, relative=0.0
    )


def is_root(value: str | None, coefficients: Sequence[float]) -> bool:
    """Whether a canonical value is a root of a polynomial, within HumanEval's 1e-4: any of its
    roots is right.
    """
    try:
        x = json.loads(value or "")
        return (
            isinstance(x, int | float)
            and abs(sum(c * x**i for i, c in enumerate(coefficients))) < 1e-4
        )
    except (ValueError, OverflowError, RecursionError):
        return False


def without_tuples(value: str, levels: int) -> str:
    """A canonical value whose tuples are lists, as in JSON, down to so many levels (1: the value
    itself alone).
    """
    if '["tuple"' not in value:
        return value
    try:
        return json.dumps(_listed(json.loads(value), levels))
    except (ValueError, RecursionError):  # beyond what Python reads
        return value


def _listed(value: Any, levels: int) -> Any:
    if levels < 1 or not isinstance(value, list) or value[:1] not in (["tuple"], ["list"]):
        return value
    return ["list", *(_listed(part, levels - 1) for part in value[1:])]


def _meets(given: Any, wanted: Any, absolute: float, relative: float) -> bool:
    if isinstance(given, list) and isinstance(wanted, list):
        pairs = zip(given, wanted, strict=False)
        return len(given) == len(wanted) and all(_meets(g, w, absolute, relative) for g, w in pairs)
    if isinstance(wanted, float) and isinstance(given, int | float):
        return given == wanted or _near(given, wanted, absolute + relative * abs(wanted))
    return bool(given == wanted)


def _near(given: float, wanted: float, bound: float) -> bool:
    """Whether two different numbers are within a bound; never where the bound is 0, as floats
    round.
    """
    try:
        return bound > 0 and abs(given - wanted) <= bound
    except OverflowError:  # an integer that no float can hold
        return False
