"""Exact numbers in math answers, and the units after them."""

from __future__ import annotations

import re
from fractions import Fraction

from prmscale.tasks.grading.math_latex import WORD

_LONGEST = 4000  # digits of a number that Python reads
_HEDGES = re.compile(
    r'^(?:\\approx|"?(?:about|approximately|approx|around|roughly|exactly|only|just'
    r'|a total of)"?\.?)'
    r"(?![A-Za-z]) *"
)
# what may follow a number without changing its value
_UNIT = re.compile(
    r'(?: *\^\\circ *(?:"?[CFK]"?)?| *%| *"[^"\d]*"| *\("?[A-Za-z ]+"?\)| +[A-Za-z]{2,}(?![A-Za-z])'
    r"|(?<=[\d}])(?:[A-Za-z]{4,}|cm|mm|km|kg|mg|ml|ft|in|lbs?|oz|mph|hrs?|mins?|secs?|st|nd|rd|th)(?![A-Za-z]))"
    r'(?: *(?:\^ *\{?[23]\}?|"[^"\d]*"|[A-Za-z]++|[/.\-\'()]|\\cdot))*$'
)
_SIZES = {
    "hundred": 100,
    "thousand": 10**3,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
    "dozen": 12,
}
# well-known units; other units, squares and cubes are not distinguished
_UNITS = {
    word: words.split()[0]
    for words in (
        "degree degrees deg \\circ",
        "percent %",
        "dollar dollars usd",
        "cent cents",
        "inch inches in",
        "foot feet ft",
        "yard yards yd",
        "mile miles mi",
        "meter meters metre metres m",
        "centimeter centimeters cm",
        "second seconds sec s",
        "millimeter millimeters mm",
        "kilometer kilometers km",
        "minute minutes min",
        "hour hours hr hrs h",
        "day days",
        "week weeks",
        "month months",
        "year years",
        "gram grams g",
        "kilogram kilograms kg",
        "pound pounds lb lbs",
        "ounce ounces oz",
        "liter liters litre litres l",
        "radian radians rad",
    )
    for word in words.split()
}
_ABBREVIATED = """mph kph rpm hrs mins secs sq cu cc kw mw gb mb tb kb n j w v k c f"""
_SHORT = frozenset(_ABBREVIATED.split())
# words after a number that change its value
_CHANGING = """half halves third thirds quarter quarters fourths fifths sixths eighths tenth tenths
hundredth hundredths thousandth thousandths squared cubed factorial times minus plus more less or
and not wrong pi root over than is mod"""
_CHANGES = frozenset(_CHANGING.split())
_BEGINS_FUNCTION = re.compile(r"(?:sin|cos|tan|cot|log|ln|exp|max|min|gcd|lcm|det|deg|lim)[a-z]?$")
_FUNCTION = re.compile(r"\\(?:sin|cos|tan|cot|sec|csc)")
_ORDINAL = re.compile(r"1[1-3]th$|(?<!1)1st$|(?<!1)2nd$|(?<!1)3rd$|[04-9]th$")
_CLOCK = re.compile(r"[ap]\.? ?m\.?", re.IGNORECASE)
_NUMERAL = r"(?:\d+(?:\.\d*)?|\.\d+)"
_NUMBER = re.compile(
    rf"(?P<sign>[+-]? ?)(?:(?P<value>{_NUMERAL})"
    r"(?: ?(?:[eE]|(?:\\times|\\cdot|\*) ?10 ?\^) ?\{?(?P<power>[+-]?\d{1,3})\}?)?"
    rf"|(?:(?P<whole>\d+) ?)?\\frac\{{(?P<up>[+-]? ?{_NUMERAL})\}}\{{(?P<down>[+-]? ?{_NUMERAL})\}}"
    r"|(?P<before>\d*)\.(?P<fixed>\d*)\\overline\{(?P<again>\d{1,20})\}"
    rf"|(?:(?P<whole2>\d+) )?\(?(?P<up2>{_NUMERAL})\)? ?/ ?\(?(?P<down2>{_NUMERAL})\)?)"
)


def value(text: str) -> Fraction | None:
    """The number that a text is; None if it is none."""
    found = _NUMBER.fullmatch(text.strip())
    if found is None or len(text) > _LONGEST:
        return None
    parts = found.groupdict()
    sign = -1 if "-" in (parts["sign"] or "") else 1
    try:
        return sign * _size(parts)
    except ZeroDivisionError:
        return None


def _size(parts: dict[str, str | None]) -> Fraction:
    """The number without its sign."""
    if parts["value"]:
        return Fraction(parts["value"].rstrip(".")) * Fraction(10) ** int(parts["power"] or 0)
    if parts["again"]:  # 0.1666… with a line over the 6
        fixed, again = parts["fixed"] or "", parts["again"]
        tail = Fraction(int(again), 10 ** len(again) - 1) / 10 ** len(fixed)
        return Fraction(f"{parts['before'] or 0}.{fixed or 0}") + tail
    whole = int(parts["whole"] or parts["whole2"] or 0)
    return whole + _read_part(parts, "up") / _read_part(parts, "down")


def _read_part(parts: dict[str, str | None], name: str) -> Fraction:
    """The numerator or denominator of a fraction, written in either way."""
    return Fraction(str(parts[name] or parts[f"{name}2"]).replace(" ", "").rstrip("."))


def split_unit(text: str) -> tuple[str, str, int]:
    """The text before the unit of a number, the well-known unit (or ""), and its factor.

    The factor of `million` is 10**6. A text without a unit after a number is returned unchanged,
    with the factor 1.
    """
    text = _HEDGES.sub("", text).strip()
    found = _UNIT.search(text)
    if found is None or not _is_unit(text[: found.start()].strip(), found.group()):
        return text, "", 1
    words = _list_words(found.group())
    factor = _SIZES.get(words[0].lower(), 1) if words else 1
    for word in re.findall(r"\\circ|%|[a-z]+", found.group().lower()):
        if word in _UNITS:
            return text[: found.start()].strip(), _UNITS[word], factor
    return text[: found.start()].strip(), "", factor


def _list_words(tail: str) -> list[str]:
    """The words after a number."""
    return re.findall(r"[A-Za-z.]+", tail.replace(r"\circ", ""))


def _is_unit(head: str, tail: str) -> bool:
    """Whether the text after a number leaves its value as it is: no product, function or name."""
    if not re.search(r"\d|\\pi", head) or WORD.search(head):
        return False
    if r"\circ" in tail and (_FUNCTION.search(head) or head.count("(") != head.count(")")):
        return False
    words = _list_words(tail)
    if re.search(r"-(?:digit|fold)", tail):
        return False
    if any(_CLOCK.fullmatch(word) or word.lower() in _CHANGES for word in words):
        return False
    return not words or _begins_unit(head, words[0].lower().strip("."))


def _begins_unit(head: str, word: str) -> bool:
    """Whether the first word after a number is an ordinal's ending, a unit or another noun."""
    if word in ("st", "nd", "rd", "th"):
        return _ORDINAL.search(head + word) is not None
    if word in _UNITS or word in _SIZES or word in _SHORT:
        return True
    is_word = len(word) > 2 and re.search("[aeiou]", word) is not None
    return is_word and not _BEGINS_FUNCTION.match(word)


def unit_words(text: str) -> str:
    """The text after a number; empty if there is none."""
    found = _UNIT.search(text)
    return found.group().strip().lower() if found else ""


def is_rounded(decimal: Fraction, number: Fraction) -> bool:
    """Whether a decimal is this number, rounded (the rule of math-verify).

    The decimal must have at least six digits and six decimal places.
    """
    places = next((n for n in range(6, 16) if 10**n % decimal.denominator == 0), None)
    if places is None or 10**5 % decimal.denominator == 0 or abs(decimal) * 10**places < 10**5:
        return False
    return abs(decimal - number) <= Fraction(1, 2 * 10**places)
