"""Numbers that are near enough to a reference: one number, or a list of them in any order."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from prmscale.tasks.grading.math_forms import Form
from prmscale.tasks.grading.math_reading import read


def is_near(gold: str, answer: str, errors: Sequence[Fraction]) -> bool:
    """Whether an answer is as many numbers as the reference, each within an absolute error.

    `errors` has one error for all numbers of the reference, or one for each in their order. Numbers
    with different units are never near; an answer that is no number is not judged here.
    """
    ours, theirs = _list_numbers(read(gold)), _list_numbers(read(answer))
    if not errors or not ours or len(ours) != len(theirs):
        return False
    allowed = list(errors) if len(errors) == len(ours) else [max(errors)] * len(ours)
    pairs = zip(sorted(zip(ours, allowed, strict=True), key=_by_value), sorted(theirs), strict=True)
    units = {form.unit for form in (read(gold), read(answer)) if form.unit}
    return len(units) < 2 and all(abs(x - y) <= error for (x, error), y in pairs)


def _by_value(number: tuple[Fraction, Fraction]) -> Fraction:
    return number[0]


def _list_numbers(form: Form) -> list[Fraction]:
    """The numbers that a form is; empty if it is anything else."""
    parts = form.parts if form.kind == "set" else (form,)
    if any(part.kind != "number" for part in parts):
        return []
    return [Fraction(str(part)) for part in parts]
