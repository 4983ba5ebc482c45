"""The helper process that compares math answers; a comparison that hangs or crashes takes only this
process down.

An expression is read by math-verify's grammar, which reads the whole of a text or none of it. Two
are equal if their values are: exactly where they are rational, to 40 digits where they are not, and
at several values of their variables where they have some, positive ones and, where both are real
there, negative ones (so that |x| is not x).
"""

from __future__ import annotations

import json
import re
import resource
import sys
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

import sympy
from latex2sympy2_extended import latex2sympy
from latex2sympy2_extended.latex2sympy2 import ConversionConfig

from prmscale.tasks.grading.math_forms import Form, equal_forms, same
from prmscale.tasks.grading.math_numbers import is_rounded

_MEMORY = 4 << 30  # bytes: 10^{10^{10}} must not take the machine down
_AS_WRITTEN = ConversionConfig(interpret_as_mixed_fractions=False, lowercase_symbols=False)
_NOWHERE = (sympy.zoo, sympy.nan)  # what 1/0 is, and 1/0 + 1
_POINTS = (
    (7, 5),
    (13, 11),
    (29, 17),
    (-7, 5),
    (-19, 13),
)  # fractions; further variables take the next ones


@lru_cache(maxsize=4096)
def expression(text: str) -> Any:
    """The sympy expression of a text; raises where it is none, or says something that the grammar
    passes over.
    """
    if "'" in text or re.search(r"\d_|mod", text):
        raise ValueError(text)
    radians = re.sub(r"([\d.]+|[A-Za-z])\^\\circ", r"{(\1\\cdot\\frac{\\pi}{180})}", text)
    found = latex2sympy(radians, normalization_config=None, conversion_config=_AS_WRITTEN)
    exact = found.replace(lambda part: part.is_Float, lambda part: sympy.Rational(str(part)))
    exact = exact.replace(
        _is_real_root, lambda power: sympy.real_root(power.base**power.exp.p, power.exp.q)
    )
    return exact.subs(sympy.Symbol("i"), sympy.I).doit()


def _is_real_root(part: Any) -> bool:
    """Whether this is an odd root of a negative number, which people take for the real one."""
    return (
        part.is_Pow
        and part.exp.is_Rational
        and part.exp.q % 2 == 1
        and part.exp.q > 1
        and part.base.is_negative
    )


@lru_cache(maxsize=1 << 15)
def values(text: str, names: tuple[Any, ...]) -> tuple[Any, ...]:
    """Of an expression its values at each point of these variables; without any its one value."""
    found = expression(text)
    if not names:
        return (found if found.is_Rational else sympy.N(found, 60),)
    return tuple(sympy.N(found.subs(_point(names, number)), 50) for number in range(len(_POINTS)))


def _point(names: Sequence[Any], number: int) -> dict[Any, Any]:
    """Values of all variables, of one sign and far apart."""
    value = sympy.Rational(*_POINTS[number])
    return {
        name: value + place * (1 + number) * sympy.sign(value) for place, name in enumerate(names)
    }


def alike(a: Any, b: Any) -> bool:
    """Whether two values are the same number: exactly if rational, else to 40 digits."""
    if a in _NOWHERE or b in _NOWHERE:
        return False
    if a == b:
        return True
    if a.is_Rational and b.is_Rational:
        return False
    if not (a.is_finite and b.is_finite):
        return False
    size = max(abs(a), abs(b)) if a != 0 and b != 0 else 1
    return bool(abs(a - b) <= size * sympy.Float("1e-40", 50))


def same_atoms(a: Form, b: Form) -> bool:
    """Whether two numbers, expressions or equations are equal."""
    if a.kind == "equation":
        return _same_equations(a, b)
    names = tuple(
        sorted(expression(str(a)).free_symbols | expression(str(b)).free_symbols, key=str)
    )
    first, second = values(str(a), names), values(str(b), names)
    if not names:
        return alike(first[0], second[0]) or _is_rounded(a, second[0]) or _is_rounded(b, first[0])
    pairs = [
        pair
        for pair in zip(first, second, strict=True)
        if all(v.is_number and v.is_finite for v in pair)
    ]
    positive = [pair for pair in zip(first[:3], second[:3], strict=True) if pair in pairs]
    real = [(v, w) for v, w in pairs if v.is_real and w.is_real]
    return len(positive) > 1 and all(alike(v, w) for v, w in [*positive, *real])


def _is_rounded(form: Form, value: Any) -> bool:
    """Whether a decimal number is this value, rounded."""
    if form.kind != "number" or not value.is_real:
        return False
    return is_rounded(Fraction(str(form)), Fraction(str(sympy.Rational(str(value)))))


def _same_equations(a: Form, b: Form) -> bool:
    """Whether one equation is the other one, times a number."""
    if a.text not in ("=", r"\neq"):
        return all(equal_forms(x, y, same_atoms) for x, y in zip(a.parts, b.parts, strict=True))
    sides = [[expression(str(part)) for part in form.parts] for form in (a, b)]
    first, second = (left - right for left, right in sides)
    if first.free_symbols != second.free_symbols or not first.free_symbols:
        return False
    points = [_point(sorted(first.free_symbols, key=str), number) for number in range(len(_POINTS))]
    ratios = [sympy.N(first.subs(point) / second.subs(point), 50) for point in points]
    return all(r.is_finite and r != 0 and alike(r, ratios[0]) for r in ratios)


def equal(gold: str, answer: str) -> bool:
    """Whether the two answers say the same."""
    return same(gold, answer, same_atoms)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    sys.setrecursionlimit(5000)
    for line in sys.stdin:
        try:
            found = equal(*json.loads(line))
        except Exception:  # any fault of the parser means: not shown to be equal
            found = False
        sys.stdout.write(json.dumps({"equal": found}) + "\n")
        sys.stdout.flush()
