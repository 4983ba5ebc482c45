"""Compares the values that functions return, as canonical JSON text, like the published judges.

Numbers are equal by value as in Python: True is 1, 2 is 2.0, -0.0 is 0. An integer must be exact; a
number equals an expected float within `absolute` + `relative` times its size (EvalPlus: 1e-6 and
1e-7; 0 and 0: exactly). NaN equals NaN, since a reference that returns it must pass its tests. A
list is not a tuple, sets and dictionaries have no order, texts must be the same. A value too long
to be sent is a digest, which must be the same.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

ABSOLUTE, RELATIVE = 1e-6, 1e-7  # of EvalPlus; stricter judges say so


def matches(
    value: str | None, expected: str, absolute: float = ABSOLUTE, relative: float = RELATIVE
) -> bool:
    """Whether a canonical value equals the expected one; None (no value) never does."""
    if value is None or value == expected:
        return value is not None
    try:
        return _is_equal(json.loads(value), json.loads(expected), absolute, relative)
    except (ValueError, RecursionError):  # beyond what Python reads
        return False


def matches_in_json(value: str | None, expected: str, levels: int) -> bool:
    """Whether a canonical value is exactly the expected one.

    At the first `levels` levels, a tuple counts as a list.
    """
    if value is None:
        return False
    return matches(
        replace_tuples(value, levels), replace_tuples(expected, levels), absolute=0.0, relative=0.0
    )


def is_root(value: str | None, coefficients: Sequence[float]) -> bool:
    """Whether a canonical value is a root of a polynomial, within 1e-4 as in HumanEval."""
    try:
        x = json.loads(value or "")
        if not isinstance(x, int | float):
            return False
        return abs(sum(c * x**i for i, c in enumerate(coefficients))) < 1e-4
    except (ValueError, OverflowError, RecursionError):
        return False


def replace_tuples(value: str, levels: int) -> str:
    """A canonical value whose tuples are lists, at the first `levels` levels (1: only itself)."""
    if '["tuple"' not in value:
        return value
    try:
        return json.dumps(_tuples_to_lists(json.loads(value), levels))
    except (ValueError, RecursionError):  # beyond what Python reads
        return value


def _tuples_to_lists(value: Any, levels: int) -> Any:
    if levels < 1 or not isinstance(value, list) or value[:1] not in (["tuple"], ["list"]):
        return value
    return ["list", *(_tuples_to_lists(part, levels - 1) for part in value[1:])]


def _is_equal(given: Any, expected: Any, absolute: float, relative: float) -> bool:
    if isinstance(given, list) and isinstance(expected, list):
        pairs = zip(given, expected, strict=False)
        return len(given) == len(expected) and all(
            _is_equal(g, w, absolute, relative) for g, w in pairs
        )
    if isinstance(expected, float) and isinstance(given, int | float):
        return given == expected or _is_near(given, expected, absolute + relative * abs(expected))
    return bool(given == expected)


def _is_near(given: float, expected: float, bound: float) -> bool:
    """Whether two different numbers are within a bound; never if the bound is 0."""
    try:
        return bound > 0 and abs(given - expected) <= bound
    except OverflowError:  # an integer that no float can hold
        return False
