"""The helper process that compares math answers.

A comparison that hangs or crashes takes down this process only. An expression is parsed by
math-verify's grammar, which parses all of a text or raises. Two expressions are equal if their
values are: exactly if both are rational, else to 40 digits. If they have variables, they are
compared at several points: positive ones, and negative ones where both are real (so |x| is not x).
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

from prmscale.tasks.grading.math_equality import compare_answers, compare_forms
from prmscale.tasks.grading.math_forms import Form
from prmscale.tasks.grading.math_numbers import is_rounded

_MEMORY = 4 << 30  # bytes: 10^{10^{10}} must not take the machine down
_AS_WRITTEN = ConversionConfig(interpret_as_mixed_fractions=False, lowercase_symbols=False)
_NOWHERE = (sympy.zoo, sympy.nan)  # what 1/0 is, and 1/0 + 1
# fractions at which expressions are compared; a further variable takes a value next to them
_POINTS = ((7, 5), (13, 11), (29, 17), (-7, 5), (-19, 13))
_POSITIVE = 3  # of these points


@lru_cache(maxsize=4096)
def expression(text: str) -> Any:
    """The sympy expression of a text; raises if it is none, or if the grammar ignores a part."""
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
    """Whether this is an odd root of a negative number, by which people mean the real root."""
    return (
        part.is_Pow
        and part.exp.is_Rational
        and part.exp.q % 2 == 1
        and part.exp.q > 1
        and part.base.is_negative
    )


@lru_cache(maxsize=1 << 15)
def values(text: str, names: tuple[Any, ...]) -> tuple[Any, ...]:
    """The values of an expression at each point of these variables, or its one value."""
    found = expression(text)
    if not names:
        return (found if found.is_Rational else sympy.N(found, 60),)
    return tuple(sympy.N(found.subs(_point(names, number)), 50) for number in range(len(_POINTS)))


def _point(names: Sequence[Any], number: int) -> dict[Any, Any]:
    """Values of all variables, with the same sign and far apart."""
    value = sympy.Rational(*_POINTS[number])
    step = (1 + number) * sympy.sign(value)
    return {name: value + place * step for place, name in enumerate(names)}


def is_same_number(a: Any, b: Any) -> bool:
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


def compare_atoms(a: Form, b: Form) -> bool:
    """Whether two numbers, expressions or equations are equal."""
    if a.kind == "equation":
        return _compare_equations(a, b)
    symbols = expression(str(a)).free_symbols | expression(str(b)).free_symbols
    names = tuple(sorted(symbols, key=str))
    first, second = values(str(a), names), values(str(b), names)
    if not names:
        return (
            is_same_number(first[0], second[0])
            or _is_rounded(a, second[0])
            or _is_rounded(b, first[0])
        )
    return _agree(list(zip(first, second, strict=True)))


def _agree(pairs: Sequence[tuple[Any, Any]]) -> bool:
    """Whether two expressions agree at all points where both have a value.

    They must have a value at two positive points; at negative points only real values count.
    """
    finite = [_is_finite(v) and _is_finite(w) for v, w in pairs]
    if sum(finite[:_POSITIVE]) < 2:
        return False
    for number, (v, w) in enumerate(pairs):
        counts = finite[number] and (number < _POSITIVE or (v.is_real and w.is_real))
        if counts and not is_same_number(v, w):
            return False
    return True


def _is_finite(value: Any) -> bool:
    return bool(value.is_number and value.is_finite)


def _is_rounded(form: Form, value: Any) -> bool:
    """Whether a decimal number is this value, rounded."""
    if form.kind != "number" or not value.is_real:
        return False
    return is_rounded(Fraction(str(form)), Fraction(str(sympy.Rational(str(value)))))


def _compare_equations(a: Form, b: Form) -> bool:
    """Whether one equation is a multiple of the other."""
    if a.text not in ("=", r"\neq"):
        return all(
            compare_forms(x, y, compare_atoms) for x, y in zip(a.parts, b.parts, strict=True)
        )
    first, second = _difference(a), _difference(b)
    if first.free_symbols != second.free_symbols or not first.free_symbols:
        return False
    names = sorted(first.free_symbols, key=str)
    ratios = []
    for number in range(len(_POINTS)):
        point = _point(names, number)
        ratios.append(sympy.N(first.subs(point) / second.subs(point), 50))
    return all(r.is_finite and r != 0 and is_same_number(r, ratios[0]) for r in ratios)


def _difference(equation: Form) -> Any:
    """The left side of an equation minus its right side."""
    left, right = (expression(str(part)) for part in equation.parts)
    return left - right


def compare(gold: str, answer: str) -> bool:
    """Whether the two answers are equal."""
    return compare_answers(gold, answer, compare_atoms)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    sys.setrecursionlimit(5000)
    for line in sys.stdin:
        try:
            found = compare(*json.loads(line))
        except Exception:  # any fault of the parser means: not shown to be equal
            found = False
        sys.stdout.write(json.dumps({"equal": found}) + "\n")
        sys.stdout.flush()
