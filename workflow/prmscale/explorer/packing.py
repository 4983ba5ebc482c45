"""Columns of numbers as text: few bytes for each value, which the page reads as typed arrays."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

# a share from 0 to 1 takes one byte, in steps of 0.004; the largest byte stands for a missing one
STEPS, MISSING = 250, 255
_KINDS = {"u8": np.uint8, "i16": np.int16, "u32": np.uint32}


def pack(values: Sequence[Any] | np.ndarray, kind: str) -> dict[str, str]:
    """A column of integers of this kind (u8, i16 or u32), little-endian."""
    array = np.asarray(values, dtype=np.dtype(_KINDS[kind]).newbyteorder("<"))
    return {kind: base64.b64encode(array.tobytes()).decode()}


def pack_shares(values: Iterable[float] | np.ndarray) -> dict[str, str]:
    """A column of shares from 0 to 1 in one byte each; NaN is missing."""
    array = np.asarray(values, dtype=float)
    whole = np.round(np.clip(np.nan_to_num(array), 0, 1) * STEPS)
    return pack(np.where(np.isnan(array), MISSING, whole), "u8")


class Texts:
    """The distinct texts of a study; columns hold their numbers."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        """The number of a text."""
        return self._numbers.setdefault(text, len(self._numbers))

    def to_list(self) -> list[str]:
        """The texts in the order of their numbers."""
        return list(self._numbers)


def compress(data: Any) -> str:
    """Data as JSON, compressed by gzip, in base64; the same data gives the same text."""
    plain = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(gzip.compress(plain.encode(), compresslevel=9, mtime=0)).decode()
