"""Whether two forms, or two answers, are equal."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from prmscale.tasks.grading.math_forms import Form
from prmscale.tasks.grading.math_latex import normalise
from prmscale.tasks.grading.math_reading import LONGEST, as_equation, read

Compare = Callable[[Form, Form], bool]
_CHOSEN = re.compile(r"\(?[A-J][).:] (.+)")


def compare_answers(gold: str, answer: str, compare: Compare) -> bool:
    """Whether two answers are equal; `compare` decides for numbers, expressions and equations."""
    a, b = read(gold), read(answer)
    if compare_forms(a, b, compare):
        return True
    if len(gold) + len(answer) > LONGEST:
        return False
    for text, other, form, other_form in ((gold, answer, a, b), (answer, gold, b, a)):
        # `(B) 12` is B and 12
        content = _read_choice(text)
        if content and compare_forms(read(content), other_form, compare):
            return True
        # `y = 2x` is the equation 2x - y = 0
        equation = as_equation(other) if form.kind == "equation" != other_form.kind else None
        if equation:
            return compare_forms(form, equation, compare)
    return False


def compare_forms(a: Form, b: Form, compare: Compare) -> bool:
    """Whether two forms are equal; `compare` decides for numbers, expressions and equations."""
    if "none" in (a.kind, b.kind) or _contradict(a.unit, b.unit) or _contradict(a.name, b.name):
        return False
    if str(a) == str(b) and (a.kind == b.kind or not a.parts + b.parts):
        return True
    if not a.parts and not b.parts:
        return _compare_texts(a, b) if "words" in (a.kind, b.kind) else compare(a, b)
    if (a.kind, a.text, len(a.parts)) != (b.kind, b.text, len(b.parts)):
        return False
    if a.kind == "equation":
        return compare(a, b)
    if a.kind in ("set", "union"):
        return _compare_sets(a.parts, b.parts, compare)
    return all(compare_forms(x, y, compare) for x, y in zip(a.parts, b.parts, strict=True))


def _contradict(one: str, other: str) -> bool:
    """Whether two units, or two names, are given and differ."""
    return bool(one and other and one != other)


def _compare_texts(a: Form, b: Form) -> bool:
    """Whether two forms, one of which is words, have the same text; words are never a number."""
    if "number" in (a.kind, b.kind):
        return False
    return a.text.replace(" ", "").lower() == b.text.replace(" ", "").lower()


def _compare_sets(a: Sequence[Form], b: Sequence[Form], compare: Compare) -> bool:
    """Whether two collections of the same size are equal in some order."""
    left = list(b)
    for form in a:
        twin = next((other for other in left if compare_forms(form, other, compare)), None)
        if twin is None:
            return False
        left.remove(twin)
    return True


@lru_cache(maxsize=1 << 12)
def _read_choice(text: str) -> str | None:
    """The `12` of `(B) 12`."""
    found = _CHOSEN.fullmatch(normalise(text).replace('"', ""))
    return found.group(1) if found else None
