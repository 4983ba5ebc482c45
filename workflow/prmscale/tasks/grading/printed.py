"""Comparing what programs print."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal


@dataclass(frozen=True)
class Printed:
    """How printed text is compared: by line, by line without the blank ones, or word by word;
    numbers within a bound.

    White space around lines never counts; that within a line of words counts by line alone, as in
    LiveCodeBench. A line of other words than numbers must be the same, and so must integers.
    """

    by: Literal["line", "filled line", "word"]
    relative: float = 0.0
    absolute: float = 0.0
    case: bool = True

    def same(self, text: str | None, expected: str) -> bool:
        """Whether this is what was expected."""
        if text is None:
            return False
        given, wanted = self._parts(text), self._parts(expected)
        return len(given) == len(wanted) and all(map(self._close, given, wanted))

    def plain(self, text: str) -> str:
        """The text without what never counts."""
        return "\n".join(self._parts(text))

    def _parts(self, text: str) -> list[str]:
        text = text.strip() if self.case else text.strip().lower()
        if self.by == "word":
            return text.split()
        if self.by == "line":
            return [line.strip() for line in text.split("\n")]
        return [" ".join(line.split()) for line in text.split("\n") if line.strip()]

    def _close(self, given: str, wanted: str) -> bool:
        if given == wanted:
            return True
        one, other = given.split(), wanted.split()
        try:
            pairs = [(Decimal(a), Decimal(b)) for a, b in zip(one, other, strict=True)]
            return all(a == b or self._near(a, b) for a, b in pairs)
        except (ArithmeticError, ValueError):  # not numbers, or not as many
            return False

    def _near(self, given: Decimal, wanted: Decimal) -> bool:
        """Whether two different numbers are within the bound; two integers never are, however
        large.
        """
        whole = given.as_tuple().exponent == wanted.as_tuple().exponent == 0
        bound = (
            Decimal(self.absolute) + Decimal(self.relative) * abs(wanted)
            if wanted.is_finite()
            else Decimal(0)
        )
        return not whole and given.is_finite() and abs(given - wanted) < bound
