r"""Math answers as forms: what a text says, in one shape for all the ways to write it. Nothing is
calculated here.

A text becomes one of
- a number, exact: `1,000`, `\frac{1}{2}`, `2\frac{1}{2}` (mixed: 5/2, never 21/2), `.5`, `1.0e5`,
  `3 \times 10^{4}`;
- an expression, which `math_worker` reads: `\sqrt{3}/2`, `2k+2`;
- words, compared but for case, spaces and punctuation: `\text{east}` is not `\text{west}`, `(B)` is
  not `(C)`;
- a collection without order: `3, 5, 7`, `\{7, 5, 3\}`, `x = 3 or x = 5`, `1 \pm \sqrt{2}`, and a
  union of intervals;
- one with order: pairs and intervals with their brackets, matrices by rows, ratios (`3:1` is not
  `3`);
- an equation; `x = 5` says `5`, `y = 2x + 3` says `2x + 3`, `x \in [3, 5]` and `3 \leq x \leq 5`
  say `[3, 5]`.

A comma is a thousands mark only in `\d{1,3}(,\d{3})+`: `6,9` is a list and not 69. Units go from
behind a number alone: `18 dollars`, `45^\circ`, `50\%`, `864 \mbox{ inches}^2` (but 3 m is not 3
cm); `3 \text{ hours } 20 \text{ minutes}` is neither 320 nor 3 but words, and so is `10:30 a.m.`.
What is cut short by `\ldots` is equal only to the same text. An answer without a letter or digit
says nothing, and is equal to nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from math import gcd

from prmscale.tasks.grading import math_numbers
from prmscale.tasks.grading.math_latex import WORD, plain, trim

LONGEST = 2000  # characters beyond which an answer is its own text and nothing else
_DEEPEST = 40  # brackets within brackets, likewise


@dataclass(frozen=True)
class Form:
    """What an answer says.

    `kind` is none, number, expression, words, set, union, tuple, matrix, ratio or equation. `text`
    is the normal form of what has no `parts`; of a tuple it holds the two brackets, of an equation
    its sign. `unit` is a well-known unit that stood behind it, `name` the variable that it was
    given to.
    """

    kind: str
    text: str
    parts: tuple[Form, ...] = ()
    unit: str = ""
    name: str = ""

    def __str__(self) -> str:
        """One text for all answers of this form."""
        inner = [str(part) for part in self.parts]
        match self.kind:
            case "set":
                return "{" + ", ".join(sorted(inner)) + "}"
            case "union":
                return r" \cup ".join(sorted(inner))
            case "tuple":
                return f"{self.text[0]}{', '.join(inner)}{self.text[1]}"
            case "matrix":
                return "matrix[" + "; ".join(inner) + "]"
            case "ratio":
                return ":".join(inner)
            case "equation":
                return f" {self.text} ".join(inner)
        return self.text


NONE = Form("none", "")

_OPENS, _CLOSES = {"(", "[", "{", r"\{"}, {")", "]", "}", r"\}"}
_TOKEN = re.compile(r'"[^"]*"|\\\\|\\[A-Za-z]+|\\.|[A-Za-z]+|\d+(?:\.\d+)?|\.\d+|.', re.DOTALL)
_GROUPED = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?!\d|,\d)")
_JOINS = re.compile(r'"(?:or|and)"|(?<![\\A-Za-z])(?:or|and)(?![A-Za-z])|\\(?:lor|vee)(?![A-Za-z])')
_MATRIX = re.compile(
    r"\\begin\{(?:[pbBvV]|small)?matrix\}(.*)\\end\{(?:[pbBvV]|small)?matrix\}"
    r"|\\begin\{array\}\{[^{}]*\}(.*)\\end\{array\}"
)
# what a value is given to: `x`, `y_1`, `f(2)`, `\angle ABC`, `|AB|`, `(x, y)`, `Area`; no product
# such as `xy`
_VARIABLE = re.compile(
    r"(?:m ?)?(?:\\[A-Za-z]+ ?\{?[A-Za-z]{0,4}\}?|\{?[A-Z]{1,4}\}?|[A-Za-z])'*(?:_(?:\w|\{[^{}]*\}))?'*(?:\^\{?-1\}?)?"
    rf" ?(?:\([^()]*\)|\[[^\[\]]*\])?|\([A-Za-z](?: ?, ?[A-Za-z])+\)|\\?\|[^|]{{1,10}}\\?\||(?:{WORD.pattern}| )+"
)
_CHOSEN = re.compile(r"\(?[A-J][).:] (.+)")
_SIGN = {r"\leq": "]", "<": ")", r"\geq": "[", ">": "("}
_MIRRORED = {r"\leq": r"\geq", "<": ">", r"\geq": r"\leq", ">": "<"}
_CHOICE = re.compile(
    r"(?:(?:[Oo]ption|[Cc]hoice|[Aa]nswer) )?\(?([A-J])\)?|(?:[Oo]ption )?\(?([A-J])[).:]+ (?!and|or|,).*"
)
_CLOCK = re.compile(r"(\d{1,2})(?::(\d\d))? *([ap])\.? ?m\b\.?", re.IGNORECASE)
_NEEDED_SPACE = re.compile(r"(\\[A-Za-z]+ (?=[A-Za-z])|\d (?=\d))| ")
_ALL_REALS = re.compile(
    r"\\(?:mathbb|mathbf|Bbb) *\{?R\}?|\"?all real(?:s| numbers)\"?", re.IGNORECASE
)
_BY_SPACES = re.compile(r"-?\d{1,3}(?: \d{3})+")
_COUNTED = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen twenty"""
_NUMERALS = {word: str(number) for number, word in enumerate(_COUNTED.split())}
_LEAD = re.compile(r'^"?(?:the )?(?:final )?answer(?: is)?:?"? +(?=[-\d\\(])', re.IGNORECASE)
_CURRENCY = re.compile(r"\\\$|[€£]")


@lru_cache(maxsize=1 << 16)
def read(text: str) -> Form:
    """The form of an answer."""
    if len(text) > LONGEST or _depth(text) > _DEEPEST:
        return Form("words", " ".join(text.split()))
    form = _read(_ungroup(plain(text)))
    return (
        replace(form, unit="dollar") if form.kind == "number" and _CURRENCY.search(text) else form
    )


def _ungroup(text: str) -> str:
    """The text without thousands commas; within brackets a comma is never one: (1,234) is a pair."""

    def joined(found: re.Match[str]) -> str:
        before = text[: found.start()]
        is_inside = any(
            before.count(a) > before.count(b) for a, b in (("(", ")"), ("[", "]"), (r"\{", r"\}"))
        )
        return found.group() if is_inside else found.group().replace(",", "")

    return _GROUPED.sub(joined, text)


def _depth(text: str) -> int:
    depth = deepest = 0
    for letter in text:
        depth += (letter in "([{") - (letter in ")]}")
        deepest = max(deepest, depth)
    return deepest


def _read(text: str) -> Form:
    text = _LEAD.sub("", trim(text))
    text = text.replace(" ", "") if _BY_SPACES.fullmatch(text) else text
    if not re.search(r"\w|\\infty|\\emptyset|\\pi|\\\{", text):
        return NONE
    if _ALL_REALS.fullmatch(text):
        text = r"(-\infty, \infty)"
    if choice := _CHOICE.fullmatch(text.replace('"', "").strip()):
        return Form("words", (choice.group(1) or choice.group(2)).lower())
    if r"\ldots" in text:
        return Form("words", text.replace(" ", ""))
    if time := _CLOCK.fullmatch(text.replace('"', "").strip()):
        return Form("words", f"{time.group(1)}:{time.group(2) or '00'} {time.group(3).lower()}m")
    if text.lower() in _NUMERALS:
        return Form("number", _NUMERALS[text.lower()])
    for attempt in _ATTEMPTS:
        form = attempt(text)
        if form is not None:
            return form
    # a space stays where it ends a command, or parts two numbers
    close = _NEEDED_SPACE.sub(lambda found: found.group(1) or "", text)
    is_expression = not WORD.search(text) and not re.search(r"(?<![_\d])\d+ \d", close)
    return Form("expression", close) if is_expression else _as_words(text)


def _split(text: str, *marks: str) -> list[str]:
    """The text cut at these tokens, where they stand outside of all brackets."""
    parts, depth = [""], 0
    for token in _TOKEN.findall(text):
        depth += (token in _OPENS) - (token in _CLOSES)
        if depth <= 0 and token in marks:
            parts.append("")
        else:
            parts[-1] += token
    return parts


def _as_matrix(text: str) -> Form | None:
    found = _MATRIX.fullmatch(text)
    if found is None:
        return None
    rows = [
        row.split("&")
        for row in (found.group(1) or found.group(2) or "").split(r"\\")
        if row.strip()
    ]
    return Form("matrix", "", tuple(Form("tuple", "[]", tuple(map(_read, row))) for row in rows))


def _as_list(text: str) -> Form | None:
    joined = _JOINS.sub(",", text)
    items = [item for item in _split(joined, ",", ";") if item.strip(" ,;")]
    if len(items) < 2:
        return _read(items[0]) if joined != text and items else None
    units = {math_numbers.unit_words(item.strip()) for item in items if re.search(r"\d", item)} - {
        ""
    }
    if joined != text and len(units) > 1:
        return _as_words(_JOINS.sub(" ", text))  # 3 hours and 20 minutes
    form = _collect(items)
    if joined != text and re.search("[<>]|leq|geq|infty", text) and len(form.parts) > 1:
        # x < 2 or x > 3
        return (
            replace(form, kind="union") if re.search(r"\bor\b|vee|lor", text) else _as_words(text)
        )
    return form


def _collect(items: list[str]) -> Form:
    """The set of these items; a name that all of them are given to is dropped."""
    given = [_split(item, "=") for item in items]
    names = {sides[0].strip().split("_")[0] for sides in given if len(sides) == 2}
    if len(names) > 1:
        parts = [
            Form("equation", "=", tuple(map(_read, sides))) if len(sides) == 2 else _read(item)
            for item, sides in zip(items, given, strict=True)
        ]
    else:
        parts = [_read(item) for item in items]
    flat = [
        inner
        for part, item in zip(parts, items, strict=True)
        for inner in _several(part, item)
        if inner != NONE
    ]
    unique = tuple(
        {str(part): part for part in flat}.values()
    )  # a root that counts twice is said once
    return unique[0] if len(unique) == 1 else Form("set", "", unique)


def _several(form: Form, text: str) -> tuple[Form, ...]:
    r"""The two values that `\pm` stands for, or the form alone."""
    return (
        form.parts
        if form.kind == "set" and re.search(r"\\[pm][mp]", text) and r"\{" not in text
        else (form,)
    )


def _as_bracketed(text: str) -> Form | None:
    """What stands in one pair of brackets."""
    tokens = _TOKEN.findall(text)
    if tokens[0] not in _OPENS or tokens[-1] not in _CLOSES:
        return None
    depth = 0
    for token in tokens[:-1]:
        depth += (token in _OPENS) - (token in _CLOSES)
        if depth <= 0:
            return None
    inner = "".join(tokens[1:-1])
    items = _split(inner, ",", ";")
    if _MATRIX.fullmatch(inner.strip()):
        return _read(inner)
    if tokens[0] == r"\{":
        if not inner.strip():
            return Form("expression", r"\emptyset")
        said = _split(inner, ":", "|", r"\mid")
        if len(said) > 1:  # {x : x > 2}
            return (
                _read(said[1])
                if len(said) == 2 and re.match(r"[A-Za-z]\b", said[0])
                else _as_words(text)
            )
        return _collect([item for item in items if item.strip()])
    if len(items) < 2:
        return _read(inner) if tokens[0] + tokens[-1] in ("()", "{}") else None
    return (
        _collect(items)
        if tokens[0] == "{"
        else Form("tuple", tokens[0] + tokens[-1], tuple(map(_read, items)))
    )


def _as_union(text: str) -> Form | None:
    parts = _split(text, r"\cup")
    return (
        Form("union", "", tuple(map(_read, parts)))
        if len(parts) > 1 and all(p.strip() for p in parts)
        else None
    )


def _as_relation(text: str) -> Form | None:
    """An equation, or what is said of one variable."""
    members = _split(text, r"\in")
    if len(members) == 2 and _VARIABLE.fullmatch(members[0].strip()):
        return _read(members[1])
    for sign in (r"\approx", "=", r"\equiv", r"\neq"):
        sides = _split(text, sign)
        if len(sides) > 1 and all(side.strip() for side in sides[1:]):
            if sign in ("=", r"\approx"):
                named = [
                    bool(_VARIABLE.fullmatch(side.strip())) or not side.strip() for side in sides
                ]
                is_calculation = not re.search(r"(?<![\\A-Za-z])[A-Za-z]", "".join(sides[:-1]))
                if sign != "=" and not named[0]:
                    return _read(sides[0])  # the exact value
                if named[-1] and not named[0]:
                    return _named(_read(sides[0]), sides[-1])
                if named[0] or len(sides) > 2 or is_calculation:
                    return _named(_read(sides[-1]), sides[0])
            return Form("equation", sign, tuple(map(_read, sides)))
    return _as_interval(text)


def _named(form: Form, name: str) -> Form:
    """The form, given to a variable if the name is one."""
    return replace(form, name=name.strip()) if len(name.strip()) == 1 else form


@lru_cache(maxsize=1 << 12)
def as_equation(text: str) -> Form | None:
    """The equation that an answer is written as, whatever it says of a variable; None where it is
    none.
    """
    sides = _split(plain(text), "=")
    return (
        Form("equation", "=", tuple(map(_read, sides))) if len(sides) == 2 and all(sides) else None
    )


def _as_interval(text: str) -> Form | None:
    r"""The interval of `x < 3`, `3 \leq x` or `1 < x \leq 3`; other inequalities stay as they are."""
    signs = [token for token in _TOKEN.findall(text) if token in _SIGN]
    if not signs:
        return None
    sides = [side.strip() for side in _split(text, *_SIGN)]
    if not all(sides) or len(sides) != len(signs) + 1:
        return None
    if len(sides) == 3 and sides[1].isalpha() and len({_SIGN[s] in ")]" for s in signs}) == 1:
        if _SIGN[signs[0]] in "([":
            sides, signs = sides[::-1], [_MIRRORED[sign] for sign in signs[::-1]]
        brackets = _SIGN[_MIRRORED[signs[0]]] + _SIGN[signs[1]]
        return Form("tuple", brackets, (_read(sides[0]), _read(sides[2])))
    if len(sides) == 2:
        is_named = re.fullmatch(r"[A-Za-z]|\\[a-z]+", sides[0]) is not None
        name, bound, sign = (
            (*sides, signs[0]) if is_named else (sides[1], sides[0], _MIRRORED[signs[0]])
        )
        if re.fullmatch(r"[A-Za-z]|\\[a-z]+", name):
            end = _read(bound)
            below = _SIGN[sign] in ")]"
            ends = (_read(r"-\infty"), end) if below else (end, _read(r"\infty"))
            return Form("tuple", "(" + _SIGN[sign] if below else _SIGN[sign] + ")", ends)
        return Form("equation", signs[0], tuple(map(_read, sides)))
    return None


def _as_ratio(text: str) -> Form | None:
    parts = [part.strip() for part in _split(re.sub(r'(?<=\d) *"?to"? *(?=\d)', ":", text), ":")]
    if len(parts) < 2 or not all(parts):
        return None
    numbers = [_as_number(part) for part in parts]
    if not all(number and number.kind == "number" for number in numbers) or WORD.search(
        text.replace("to", "")
    ):
        return None
    values = [Fraction(str(number)) for number in numbers]
    is_time = re.fullmatch(r"\d\d?:\d\d", text.strip())
    if not is_time and all(value.denominator == 1 for value in values) and any(values):
        common = gcd(*(value.numerator for value in values))
        values = [value / common for value in values]
    return Form("ratio", "", tuple(Form("number", str(value)) for value in values))


def _as_either_sign(text: str) -> Form | None:
    if not re.search(r"\\(?:pm|mp)(?![A-Za-z])", text):
        return None
    flip = {r"\pm": "+-", r"\mp": "-+"}
    tokens = _TOKEN.findall(text)
    return _collect(
        ["".join(flip[t][i] if t in flip else t for t in tokens).lstrip("+ ") for i in (0, 1)]
    )


def _as_number(text: str) -> Form | None:
    """A number, or an expression that a unit stands behind."""
    head, unit, size = math_numbers.without_unit(text)
    number = math_numbers.value(head)
    if number is not None:
        return Form("number", str(number * size), unit=unit)
    return replace(_read(head), unit=unit) if head != text else None


# the first one that knows a text says what it is
_ATTEMPTS = (
    _as_matrix,
    _as_list,
    _as_bracketed,
    _as_union,
    _as_relation,
    _as_ratio,
    _as_either_sign,
    _as_number,
)


def _as_words(text: str) -> Form:
    said = re.sub(r'["*_`]|^(?:a|an|the) ', "", " ".join(text.replace('"', " ").split()).lower())
    return Form("words", re.sub(r"\s+", " ", said).strip(" .,;:!?"))


def equal_forms(a: Form, b: Form, atoms: Callable[[Form, Form], bool]) -> bool:
    """Whether two forms say the same, where `atoms(a, b)` says it of numbers, expressions and
    equations.
    """
    differ = any(x and y and x != y for x, y in ((a.unit, b.unit), (a.name, b.name)))
    if differ or "none" in (a.kind, b.kind):
        return False
    if str(a) == str(b) and (a.kind == b.kind or not a.parts + b.parts):
        return True
    if not a.parts and not b.parts:
        if "words" in (a.kind, b.kind):
            return (
                "number" not in (a.kind, b.kind)
                and a.text.replace(" ", "").lower() == b.text.replace(" ", "").lower()
            )
        return atoms(a, b)
    if (a.kind, a.text, len(a.parts)) != (b.kind, b.text, len(b.parts)):
        return False
    if a.kind == "equation":
        return atoms(a, b)
    if a.kind in ("set", "union"):
        left = list(b.parts)
        for part in a.parts:
            twin = next((other for other in left if equal_forms(part, other, atoms)), None)
            if twin is None:
                return False
            left.remove(twin)
        return True
    return all(equal_forms(x, y, atoms) for x, y in zip(a.parts, b.parts, strict=True))


@lru_cache(maxsize=1 << 12)
def _content_of_choice(text: str) -> str | None:
    """The `12` of `(B) 12`."""
    found = _CHOSEN.fullmatch(plain(text).replace('"', ""))
    return found.group(1) if found else None


def same(gold: str, answer: str, atoms: Callable[[Form, Form], bool]) -> bool:
    """Whether two answers say the same, where `atoms` says it of numbers, expressions and
    equations.
    """
    a, b = read(gold), read(answer)
    if equal_forms(a, b, atoms):
        return True
    if len(gold) + len(answer) > LONGEST:
        return False
    for one, other, form, twin in ((gold, answer, a, b), (answer, gold, b, a)):
        # `(B) 12` is B and 12, `y = 2x` is the equation 2x - y = 0
        if (content := _content_of_choice(one)) and equal_forms(read(content), twin, atoms):
            return True
        if form.kind == "equation" != twin.kind and (equation := as_equation(other)):
            return equal_forms(form, equation, atoms)
    return False
