"""Comparing what programs print."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal


@dataclass(frozen=True)
class Printed:
    """How printed text is compared: by line, by line without the blank ones, or word by word; numbers within a bound.

    White space between words never counts. A line of other words than numbers must be the same.
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

    def _parts(self, text: str) -> list[list[str]]:
        text = text.strip() if self.case else text.strip().lower()
        if self.by == "word":
            return [[word] for word in text.split()]
        return [line.split() for line in text.split("\n") if self.by == "line" or line.strip()]

    def _close(self, given: list[str], wanted: list[str]) -> bool:
        if given == wanted or len(given) != len(wanted):
            return given == wanted
        try:
            pairs = [(Decimal(a), Decimal(b)) for a, b in zip(given, wanted, strict=True)]
            bounds = [Decimal(self.absolute) + Decimal(self.relative) * abs(b) for _, b in pairs]
            return all(a == b or abs(a - b) < bound for (a, b), bound in zip(pairs, bounds, strict=True))
        except ArithmeticError:  # not numbers
            return False
