"""Compares what programs print."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal


@dataclass(frozen=True)
class Printed:
    """How printed text is compared: by line, by filled line or by word; numbers with a tolerance.

    White space around lines never counts; white space within a line of words counts only by line,
    as in LiveCodeBench. Words must be the same, and integers must be exact.
    """

    by: Literal["line", "filled line", "word"]
    relative: float = 0.0
    absolute: float = 0.0
    case: bool = True

    def matches(self, text: str | None, expected: str) -> bool:
        """Whether a text equals the expected one."""
        if text is None:
            return False
        given, asked = self._parts(text), self._parts(expected)
        return len(given) == len(asked) and all(map(self._close, given, asked))

    def strip(self, text: str) -> str:
        """The text without white space that never counts."""
        return "\n".join(self._parts(text))

    def _parts(self, text: str) -> list[str]:
        text = text.strip() if self.case else text.strip().lower()
        if self.by == "word":
            return text.split()
        if self.by == "line":
            return [line.strip() for line in text.split("\n")]
        return [" ".join(line.split()) for line in text.split("\n") if line.strip()]

    def _close(self, given: str, expected: str) -> bool:
        if given == expected:
            return True
        one, other = given.split(), expected.split()
        try:
            pairs = [(Decimal(a), Decimal(b)) for a, b in zip(one, other, strict=True)]
            return all(a == b or self._is_near(a, b) for a, b in pairs)
        except (ArithmeticError, ValueError):  # not numbers, or not the same count
            return False

    def _is_near(self, given: Decimal, expected: Decimal) -> bool:
        """Whether two different numbers are within the tolerance; two integers never are."""
        whole = given.as_tuple().exponent == expected.as_tuple().exponent == 0
        if whole or not given.is_finite() or not expected.is_finite():
            return False
        bound = Decimal(self.absolute) + Decimal(self.relative) * abs(expected)
        return abs(given - expected) < bound
