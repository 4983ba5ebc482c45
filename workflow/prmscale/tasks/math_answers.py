"""Final answers of math solutions: found in the text, normalised for voting, compared by math-verify."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from functools import cache

from prmscale.tasks.worker import Worker

_MARKS = (r"####\s*(.+)", r"[Aa]nswer(?:\s+is)?\s*:?\s*\**\s*(.+)")
_NUMBER = re.compile(r"-?\$?\d[\d,]*(?:\.\d+)?(?:/\d+)?")
_START = 30.0  # seconds: the first comparison waits for the imports of the helper
_worker: list[Worker] = []


def extract(text: str) -> str | None:
    r"""The final answer: the last \boxed{}, else what follows the last `####` or `answer is`, else the last number."""
    boxed = _boxed(text)
    if boxed is not None:
        return boxed
    for mark in _MARKS:
        found = re.findall(mark, text)
        if found:
            answer = found[-1].strip().strip("*").rstrip(".").strip()
            # "The answer is 18 dollars": in running text the number is meant
            number = _NUMBER.search(answer)
            return number.group() if number and not re.search(r"[\\^{]", answer) else answer or None
    numbers = _NUMBER.findall(text)
    return numbers[-1] if numbers else None


def _boxed(text: str) -> str | None:
    start = text.rfind("\\boxed{")
    if start < 0:
        return None
    depth, begin = 0, start + len("\\boxed{")
    for i in range(begin - 1, len(text)):
        depth += {"{": 1, "}": -1}.get(text[i], 0)
        if depth == 0:
            return text[begin:i].strip()
    return None


@cache
def canonical(answer: str) -> str:
    """One form for answers that are written alike: no spaces, thousands commas, units of currency or trailing zeros."""
    text = re.sub(r"\\(?:left|right|,|!|;|text\{[^}]*\}|\$|%)", "", answer).replace(" ", "").strip("$.")
    text = re.sub(r"\\[dt]frac", r"\\frac", text)
    number = text.replace(",", "").lstrip("$").rstrip("%")
    if re.fullmatch(r"-?\d+(\.\d*)?", number):
        return f"{float(number):g}" if "." in number else str(int(number))
    return text


_known: dict[tuple[str, str], bool] = {}


def equal(pairs: Sequence[tuple[str, str]], seconds: float = 5.0) -> list[bool]:
    """Whether each (reference, answer) is equal: written alike, or equal for math-verify within `seconds`.

    A comparison that hangs or crashes counts as not equal and costs no other.
    """
    for gold, answer in dict.fromkeys(pairs):
        if (gold, answer) not in _known:
            _known[gold, answer] = canonical(gold) == canonical(answer) or _verified(gold, answer, seconds)
    return [_known[pair] for pair in pairs]


def _verified(gold: str, answer: str, seconds: float) -> bool:
    if all(re.fullmatch(r"-?\d+", canonical(text)) for text in (gold, answer)):
        return False  # two integers that are not written alike
    if not _worker:
        _worker.append(Worker([sys.executable, "-m", "prmscale.tasks.math_worker"]))
        _worker[0].ask(["1", "1"], _START)
    found = _worker[0].ask([gold, answer], seconds)
    if found is None:
        _worker.clear()
    return bool(found and found["equal"])
