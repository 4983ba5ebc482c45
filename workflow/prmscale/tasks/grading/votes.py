"""What a choice among programs may look at: nothing that depends on hidden tests.

If the prompt shows calls or tests (examples in a docstring or an assert, public tests, samples in
its words), programs that behave alike on them count as the same answer of a majority vote.
Otherwise programs that are the same up to their layout do. No input is invented, and none is taken
from hidden tests. A shown call whose outcome is shown too is a visible test.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

_LONGEST = 60  # closing brackets that are tried as the end of a call
_BETWEEN = 3  # lines such as "Sample Output 1" between a sample's input and its output
_DOCTEST = re.compile(r"[ \t]*(?:#.*)?\n[ \t]*")  # the outcome is on the next line
_GIVES = re.compile(
    r"`*[ \t]*(?:#[ \t]*)?(?:==>|=>|==|=|➞|→|->|(?:should )?returns?\b|should be\b|is\b)[ \t]*"
)
# what cannot follow an outcome: it would be the beginning of an expression or of a name
_GOES_ON = re.compile(r"[\w(\[]|\.\w|\s*[-+*/%<>=]")


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


def share(passed: Sequence[bool]) -> float | None:
    """The share of the visible tests that a program has passed; None if there are none."""
    return sum(passed) / len(passed) if passed else None


def examples(prompt: str, entry: str) -> list[str]:
    """The calls with literal arguments that a prompt shows: `>>> f(1)`, "f(1) == 2", an assert."""
    return list(dict.fromkeys(call for call, _, _ in _iter_calls(prompt, entry)))


def outcomes(prompt: str, entry: str) -> dict[str, Any]:
    """What a prompt says that these calls give, where it says it as a literal: the visible tests.

    It follows the call in a doctest, an assert or words (`f(1) => 2`, "f(1) returns 2").
    """
    found: dict[str, Any] = {}
    for call, start, end in _iter_calls(prompt, entry):
        shown = _read_outcome(prompt[:start], prompt[end:])
        if shown and call not in found:
            found[call] = shown[0]
    return found


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


def _iter_calls(prompt: str, entry: str) -> Iterator[tuple[str, int, int]]:
    """Each call with literal arguments, on one line, and where it starts and ends in the prompt."""
    for place in re.finditer(rf"(?<![\w.]){re.escape(entry)}\(", prompt):
        start = place.start()
        if not prompt[:start].endswith("def ") and (read := _read_call(prompt[start:])):
            yield read[0], start, start + read[1]


def _read_call(text: str) -> tuple[str, int] | None:
    """The call at the beginning of a text, on one line, and its end; None if its arguments are not
    literal.
    """
    for end in [place.end() for place in re.finditer(r"\)", text)][:_LONGEST]:
        try:
            tree = ast.parse(text[:end], mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        is_call = isinstance(tree, ast.Call) and _is_literal(tree)
        return (ast.unparse(tree), end) if is_call else None
    return None


def _read_outcome(before: str, after: str) -> tuple[Any] | None:
    """The literal that a prompt shows as the outcome of a call between these texts, if any."""
    if before.endswith("set(") and after.startswith(")"):
        after = after[1:]
    gives = _GIVES.match(after)
    if not gives and before.endswith(">>> "):
        gives = _DOCTEST.match(after)
    if not gives:
        return None
    line = after[gives.end() :].partition("\n")[0]
    for end in range(len(line), 0, -1):
        shown = None if line[end - 1] in ", " else _read_literal(line[:end])
        if shown:
            return None if _GOES_ON.match(line[end:]) else shown
    return None


def _read_literal(text: str) -> tuple[Any] | None:
    """The value of a literal, or of a set of one: `set([1, 2])`."""
    inner = re.fullmatch(r"set\((.+)\)", text)
    try:
        value = ast.literal_eval(inner[1] if inner else text)
        return (set(value) if inner else value,)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
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
