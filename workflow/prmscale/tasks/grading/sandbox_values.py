"""The values of a program as text, the same for equal values. Its source stands before that of the
sandbox's worker (`sandbox_worker.py`); it imports only the standard library.
"""

import hashlib
import json
from typing import Any


def to_canonical(value: Any, depth: int = 0) -> Any:
    """A value as JSON that is the same for equal values; raises ValueError if it is too deep.

    A list is not a tuple. Numbers of numpy are numbers; arrays of numpy are arrays, never lists. An
    object is its type, and its repr if its class defines equality (Decimal, bytes, range, deque).
    """
    if depth > 50:
        raise ValueError("too deep to be compared")
    if hasattr(value, "dtype") and hasattr(value, "tolist"):
        plain = to_canonical(value.tolist(), depth + 1)
        return ["array", *plain[1:]] if getattr(value, "ndim", 0) else plain
    if value is None or isinstance(value, (str, int, float, complex)):
        return to_canonical_scalar(value)
    if isinstance(value, (list, tuple)):
        kind = "list" if isinstance(value, list) else "tuple"
        return [kind, *(to_canonical(item, depth + 1) for item in value)]
    if isinstance(value, (set, frozenset, type({}.keys()))):
        return ["set", *sorted((to_canonical(item, depth + 1) for item in value), key=repr)]
    if isinstance(value, dict):
        items = [[to_canonical(k, depth + 1), to_canonical(v, depth + 1)] for k, v in value.items()]
        return ["dict", *sorted(items, key=repr)]
    by_identity: Any = object.__eq__
    shown = [] if type(value).__eq__ is by_identity else [repr(value)]
    return ["object", type(value).__name__, *shown]


def to_canonical_scalar(value: Any) -> Any:
    """A number, a text or None as JSON."""
    if isinstance(value, int):
        # Python writes no more than 4,300 decimal digits
        return int(value) if value.bit_length() < 14_000 else ["int", hex(value)]
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else ["float", repr(value)]
    if isinstance(value, complex):
        return ["complex", value.real, value.imag]
    return value


def text_of(value: Any, longest: int) -> str:
    """A value as canonical JSON text; a digest if the text is longer than `longest` characters."""
    text = json.dumps(to_canonical(value))
    if len(text) <= longest:
        return text
    return json.dumps(["long", hashlib.blake2b(text.encode()).hexdigest()])
