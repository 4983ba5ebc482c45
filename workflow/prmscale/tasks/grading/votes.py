"""What a majority vote counts for a program: nothing that depends on hidden tests.

If the prompt shows calls or tests (examples in a docstring or an assert, public tests, samples in
its words), programs that behave alike on them count as the same answer. Otherwise programs that are
the same up to their layout do. No input is invented, and none is taken from hidden tests.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any

_LONGEST = 60  # closing brackets that are tried as the end of a call
_BETWEEN = 3  # lines such as "Sample Output 1" between a sample's input and its output


def answer(program: str, seen: Sequence[str | None], error: str | None = None) -> str | None:
    """What a vote counts for a program that returned these values on the visible calls.

    None if it ended with an error.
    """
    if error is not None:
        return None
    return behaviour(seen) if seen else shape(program)


def behaviour(values: Sequence[str | None]) -> str:
    """A digest of what a program returned or printed for the visible calls or inputs."""
    return _digest(json.dumps(values))


def shape(program: str) -> str | None:
    """A digest of a program that does not depend on its layout; None if it does not parse."""
    try:
        return _digest(ast.dump(ast.parse(program)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def examples(prompt: str, entry: str) -> list[str]:
    """The calls with literal arguments that a prompt shows: `>>> f(1)`, "f(1) == 2", an assert."""
    found = []
    for place in re.finditer(rf"(?<![\w.]){re.escape(entry)}\(", prompt):
        if not prompt[: place.start()].endswith("def "):
            found.append(_read_call(prompt[place.start() :]))
    return list(dict.fromkeys(call for call in found if call))


def arguments(call: str) -> list[Any]:
    """The positional arguments of a call that `examples` returns."""
    tree = ast.parse(call, mode="eval").body
    return [ast.literal_eval(given) for given in tree.args] if isinstance(tree, ast.Call) else []


def shows(words: str, given: str, printed: str) -> bool:
    """Whether a problem's words show a test: its input, soon followed by its output."""
    lines, first, second = (_lines(text) for text in (words, given, printed))
    if not first or not second:
        return False
    for start in _places(lines, first):
        after = start + len(first)
        if any(after <= place <= after + _BETWEEN for place in _places(lines, second)):
            return True
    return False


def _read_call(text: str) -> str | None:
    """The call at the beginning of a text, on one line; None if its arguments are not literal."""
    for end in [place.end() for place in re.finditer(r"\)", text)][:_LONGEST]:
        try:
            tree = ast.parse(text[:end], mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        return ast.unparse(tree) if isinstance(tree, ast.Call) and _is_literal(tree) else None
    return None


def _is_literal(call: ast.Call) -> bool:
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    try:
        return bool([ast.literal_eval(value) for value in given])
    except (ValueError, TypeError, SyntaxError, RecursionError):
        return False


def _lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def _places(lines: Sequence[str], part: Sequence[str]) -> list[int]:
    """The places where these lines follow each other."""
    return [i for i in range(len(lines) - len(part) + 1) if lines[i : i + len(part)] == part]


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
