"""Reading math answers: the form of a text (see `math_forms`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from math import gcd

from prmscale.tasks.grading import math_numbers
from prmscale.tasks.grading.math_forms import NONE, Form
from prmscale.tasks.grading.math_latex import WORD, normalise, trim

LONGEST = 2000  # characters; a longer answer is read as words
_DEEPEST = 40  # brackets within brackets; a deeper answer is read as words


_OPENS, _CLOSES = {"(", "[", "{", r"\{"}, {")", "]", "}", r"\}"}
_TOKEN = re.compile(r'"[^"]*"|\\\\|\\[A-Za-z]+|\\.|[A-Za-z]+|\d+(?:\.\d+)?|\.\d+|.', re.DOTALL)
_GROUPED = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?!\d|,\d)")
_JOINS = re.compile(r'"(?:or|and)"|(?<![\\A-Za-z])(?:or|and)(?![A-Za-z])|\\(?:lor|vee)(?![A-Za-z])')
_MATRIX = re.compile(
    r"\\begin\{(?:[pbBvV]|small)?matrix\}(.*)\\end\{(?:[pbBvV]|small)?matrix\}"
    r"|\\begin\{array\}\{[^{}]*\}(.*)\\end\{array\}"
)
# a name for a value: `x`, `y_1`, `f(2)`, `\angle ABC`, `|AB|`, `(x, y)`, `Area`; not a product
# such as `xy`
_VARIABLE = re.compile(
    r"(?:m ?)?(?:\\[A-Za-z]+ ?\{?[A-Za-z]{0,4}\}?|\{?[A-Z]{1,4}\}?|[A-Za-z])"
    r"'*(?:_(?:\w|\{[^{}]*\}))?'*(?:\^\{?-1\}?)?"
    r" ?(?:\([^()]*\)|\[[^\[\]]*\])?|\([A-Za-z](?: ?, ?[A-Za-z])+\)"
    rf"|\\?\|[^|]{{1,10}}\\?\||(?:{WORD.pattern}| )+"
)
_SIGN = {r"\leq": "]", "<": ")", r"\geq": "[", ">": "("}
_MIRRORED = {r"\leq": r"\geq", "<": ">", r"\geq": r"\leq", ">": "<"}
_CHOICE = re.compile(
    r"(?:(?:[Oo]ption|[Cc]hoice|[Aa]nswer) )?\(?([A-J])\)?"
    r"|(?:[Oo]ption )?\(?([A-J])[).:]+ (?!and|or|,).*"
)
_CLOCK = re.compile(r"(\d{1,2})(?::(\d\d))? *([ap])\.? ?m\b\.?", re.IGNORECASE)
_NEEDED_SPACE = re.compile(r"(\\[A-Za-z]+ (?=[A-Za-z])|\d (?=\d))| ")
_ALL_REALS = re.compile(
    r"\\(?:mathbb|mathbf|Bbb) *\{?R\}?|\"?all real(?:s| numbers)\"?", re.IGNORECASE
)
_BY_SPACES = re.compile(r"-?\d{1,3}(?: \d{3})+")
_WORDS = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
fifteen sixteen seventeen eighteen nineteen twenty"""
_NUMERALS = {word: str(number) for number, word in enumerate(_WORDS.split())}
_LEAD = re.compile(r'^"?(?:the )?(?:final )?answer(?: is)?:?"? +(?=[-\d\\(])', re.IGNORECASE)
_INEQUALITY_NAME = re.compile(r"[A-Za-z]|\\[a-z]+")
_CURRENCY = re.compile(r"\\\$|[€£]")


@lru_cache(maxsize=1 << 16)
def read(text: str) -> Form:
    """The form of an answer."""
    if len(text) > LONGEST or _measure_depth(text) > _DEEPEST:
        return Form("words", " ".join(text.split()))
    form = _read(_ungroup(normalise(text)))
    if form.kind == "number" and _CURRENCY.search(text):
        return replace(form, unit="dollar")
    return form


def _ungroup(text: str) -> str:
    """The text without thousands commas; a comma within brackets is none: (1,234) is a pair."""

    def join(found: re.Match[str]) -> str:
        before = text[: found.start()]
        for opening, closing in (("(", ")"), ("[", "]"), (r"\{", r"\}")):
            if before.count(opening) > before.count(closing):
                return found.group()
        return found.group().replace(",", "")

    return _GROUPED.sub(join, text)


def _measure_depth(text: str) -> int:
    depth = deepest = 0
    for letter in text:
        depth += (letter in "([{") - (letter in ")]}")
        deepest = max(deepest, depth)
    return deepest


def _read(text: str) -> Form:
    text = _LEAD.sub("", trim(text))
    if _BY_SPACES.fullmatch(text):
        text = text.replace(" ", "")
    if not re.search(r"\w|\\infty|\\emptyset|\\pi|\\\{", text):
        return NONE
    if _ALL_REALS.fullmatch(text):
        text = r"(-\infty, \infty)"
    for attempt in _ATTEMPTS:
        form = attempt(text)
        if form is not None:
            return form
    # a space stays if it ends a command or separates two numbers
    close = _NEEDED_SPACE.sub(lambda found: found.group(1) or "", text)
    if WORD.search(text) or re.search(r"(?<![_\d])\d+ \d", close):
        return _as_words(text)
    return Form("expression", close)


def _as_set_phrase(text: str) -> Form | None:
    """The letter of a choice, an abridged text, a time of day, or a number in words."""
    unquoted = text.replace('"', "").strip()
    if choice := _CHOICE.fullmatch(unquoted):
        return Form("words", (choice.group(1) or choice.group(2)).lower())
    if r"\ldots" in text:
        return Form("words", text.replace(" ", ""))
    if time := _CLOCK.fullmatch(unquoted):
        return Form("words", f"{time.group(1)}:{time.group(2) or '00'} {time.group(3).lower()}m")
    numeral = _NUMERALS.get(text.lower())
    return Form("number", numeral) if numeral else None


def _read_tuple(brackets: str, items: Iterable[str]) -> Form:
    return Form("tuple", brackets, tuple(map(_read, items)))


def _read_equation(sign: str, sides: Iterable[str]) -> Form:
    return Form("equation", sign, tuple(map(_read, sides)))


def _split(text: str, *marks: str) -> list[str]:
    """The text cut at these tokens where they are outside of all brackets."""
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
    rows = (found.group(1) or found.group(2) or "").split(r"\\")
    return Form("matrix", "", tuple(_read_tuple("[]", r.split("&")) for r in rows if r.strip()))


def _as_list(text: str) -> Form | None:
    joined = _JOINS.sub(",", text)
    has_word = joined != text
    items = [item for item in _split(joined, ",", ";") if item.strip(" ,;")]
    if len(items) < 2:
        return _read(items[0]) if has_word and items else None
    units = {math_numbers.unit_words(item.strip()) for item in items if re.search(r"\d", item)}
    if has_word and len(units - {""}) > 1:
        return _as_words(_JOINS.sub(" ", text))  # 3 hours and 20 minutes
    form = _collect(items)
    if not has_word or len(form.parts) < 2 or not re.search("[<>]|leq|geq|infty", text):
        return form
    if re.search(r"\bor\b|vee|lor", text):
        return replace(form, kind="union")  # x < 2 or x > 3
    return _as_words(text)


def _collect(items: Sequence[str]) -> Form:
    """The set of these items; a variable that all of them are values of is dropped."""
    sides = [_split(item, "=") for item in items]
    names = {each[0].strip().split("_")[0] for each in sides if len(each) == 2}
    unique: dict[str, Form] = {}  # a double root counts once
    for item, each in zip(items, sides, strict=True):
        is_equation = len(names) > 1 and len(each) == 2
        form = _read_equation("=", each) if is_equation else _read(item)
        for value in _list_values(form, item):
            if value != NONE:
                unique[str(value)] = value
    forms = tuple(unique.values())
    return forms[0] if len(forms) == 1 else Form("set", "", forms)


def _list_values(form: Form, text: str) -> tuple[Form, ...]:
    r"""The two values that `\pm` stands for, or the form alone."""
    has_two = form.kind == "set" and re.search(r"\\[pm][mp]", text) and r"\{" not in text
    return form.parts if has_two else (form,)


def _as_bracketed(text: str) -> Form | None:
    """The content of one pair of brackets around all of the text."""
    tokens = _TOKEN.findall(text)
    if not _is_one_pair(tokens):
        return None
    brackets, inner = tokens[0] + tokens[-1], "".join(tokens[1:-1])
    if _MATRIX.fullmatch(inner.strip()):
        return _read(inner)
    if tokens[0] == r"\{":
        return _read_set(text, inner)
    items = _split(inner, ",", ";")
    if len(items) < 2:
        return _read(inner) if brackets in ("()", "{}") else None
    return _collect(items) if tokens[0] == "{" else _read_tuple(brackets, items)


def _is_one_pair(tokens: Sequence[str]) -> bool:
    """Whether the bracket that opens at the first token closes at the last."""
    if tokens[0] not in _OPENS or tokens[-1] not in _CLOSES:
        return False
    depth = 0
    for token in tokens[:-1]:
        depth += (token in _OPENS) - (token in _CLOSES)
        if depth <= 0:
            return False
    return True


def _read_set(text: str, inner: str) -> Form:
    r"""The set `\{inner\}`."""
    if not inner.strip():
        return Form("expression", r"\emptyset")
    parts = _split(inner, ":", "|", r"\mid")
    if len(parts) == 1:
        return _collect([item for item in _split(inner, ",", ";") if item.strip()])
    if len(parts) == 2 and re.match(r"[A-Za-z]\b", parts[0]):
        return _read(parts[1])  # {x : x > 2}
    return _as_words(text)


def _as_union(text: str) -> Form | None:
    parts = _split(text, r"\cup")
    if len(parts) < 2 or not all(part.strip() for part in parts):
        return None
    return Form("union", "", tuple(map(_read, parts)))


def _as_relation(text: str) -> Form | None:
    """An equation, or the value that a relation gives to one variable."""
    members = _split(text, r"\in")
    if len(members) == 2 and _VARIABLE.fullmatch(members[0].strip()):
        return _read(members[1])
    for sign in (r"\approx", "=", r"\equiv", r"\neq"):
        sides = _split(text, sign)
        if len(sides) > 1 and all(side.strip() for side in sides[1:]):
            form = _read_value(sign, sides) if sign in ("=", r"\approx") else None
            return form or _read_equation(sign, sides)
    return _as_interval(text)


def _read_value(sign: str, sides: Sequence[str]) -> Form | None:
    """The value that an equation gives to a variable, or calculates; None if it does neither."""
    first, last = sides[0].strip(), sides[-1].strip()
    is_first_named = not first or _VARIABLE.fullmatch(first) is not None
    if sign != "=" and not is_first_named:
        return _read(sides[0])  # the exact value
    if not is_first_named and _VARIABLE.fullmatch(last):
        return _add_name(_read(sides[0]), last)
    is_calculation = not re.search(r"(?<![\\A-Za-z])[A-Za-z]", "".join(sides[:-1]))
    if is_first_named or len(sides) > 2 or is_calculation:
        return _add_name(_read(sides[-1]), first)
    return None


def _add_name(form: Form, name: str) -> Form:
    """The form as the value of a variable, if the name is that of a variable."""
    return replace(form, name=name) if len(name) == 1 else form


@lru_cache(maxsize=1 << 12)
def as_equation(text: str) -> Form | None:
    """The equation that an answer is written as, whatever its value; None if it is none."""
    sides = _split(normalise(text), "=")
    return _read_equation("=", sides) if len(sides) == 2 and all(sides) else None


def _as_interval(text: str) -> Form | None:
    r"""The interval of `x < 3`, `3 \leq x` or `1 < x \leq 3`; other inequalities are equations."""
    signs = [token for token in _TOKEN.findall(text) if token in _SIGN]
    sides = [side.strip() for side in _split(text, *_SIGN)]
    if not signs or not all(sides) or len(sides) != len(signs) + 1:
        return None
    if len(sides) == 2:
        return _read_inequality(sides[0], signs[0], sides[1])
    if len(sides) == 3 and sides[1].isalpha():
        return _read_double_inequality(sides, signs)
    return None


def _read_double_inequality(sides: Sequence[str], signs: Sequence[str]) -> Form | None:
    r"""The interval of `1 < x \leq 3`; None if the two signs point in different directions."""
    if len({_SIGN[sign] in ")]" for sign in signs}) > 1:
        return None
    low, high = sides[0], sides[2]
    if _SIGN[signs[0]] in "([":
        low, high, signs = high, low, [_MIRRORED[sign] for sign in signs[::-1]]
    brackets = _SIGN[_MIRRORED[signs[0]]] + _SIGN[signs[1]]
    return _read_tuple(brackets, (low, high))


def _read_inequality(left: str, sign: str, right: str) -> Form:
    """The interval that an inequality gives for a variable, else an equation."""
    if _INEQUALITY_NAME.fullmatch(left):
        bound = right
    elif _INEQUALITY_NAME.fullmatch(right):
        bound, sign = left, _MIRRORED[sign]
    else:
        return _read_equation(sign, (left, right))
    bracket = _SIGN[sign]
    if bracket in ")]":
        return _read_tuple("(" + bracket, (r"-\infty", bound))
    return _read_tuple(bracket + ")", (bound, r"\infty"))


def _as_ratio(text: str) -> Form | None:
    parts = [part.strip() for part in _split(re.sub(r'(?<=\d) *"?to"? *(?=\d)', ":", text), ":")]
    if len(parts) < 2 or not all(parts):
        return None
    values = []
    for part in parts:
        number = _as_number(part)
        if number is None or number.kind != "number":
            return None
        values.append(Fraction(str(number)))
    if WORD.search(text.replace("to", "")):
        return None
    is_time = re.fullmatch(r"\d\d?:\d\d", text.strip())
    if not is_time and any(values) and all(value.denominator == 1 for value in values):
        common = gcd(*(value.numerator for value in values))
        values = [value / common for value in values]
    return Form("ratio", "", tuple(Form("number", str(value)) for value in values))


def _as_either_sign(text: str) -> Form | None:
    r"""The two values of a text with `\pm` or `\mp`."""
    if not re.search(r"\\(?:pm|mp)(?![A-Za-z])", text):
        return None
    values = []
    for signs in ({r"\pm": "+", r"\mp": "-"}, {r"\pm": "-", r"\mp": "+"}):
        value = "".join(signs.get(token, token) for token in _TOKEN.findall(text))
        values.append(value.lstrip("+ "))
    return _collect(values)


def _as_number(text: str) -> Form | None:
    """A number, or an expression followed by a unit."""
    head, unit, size = math_numbers.split_unit(text)
    number = math_numbers.value(head)
    if number is not None:
        return Form("number", str(number * size), unit=unit)
    return replace(_read(head), unit=unit) if head != text else None


# the first function that returns a form decides
_ATTEMPTS = (
    _as_set_phrase,
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
    text = " ".join(text.replace('"', " ").split()).lower()
    text = re.sub(r'["*_`]|^(?:a|an|the) ', "", text)
    return Form("words", re.sub(r"\s+", " ", text).strip(" .,;:!?"))
