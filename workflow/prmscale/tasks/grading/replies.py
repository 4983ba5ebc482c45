"""Finds the program in a reply: the program that a person would run."""

from __future__ import annotations

import ast
import bisect
import collections
import functools
import heapq
import itertools
import math
import re
import textwrap
import typing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from prmscale.tasks import thoughts
from prmscale.tasks.grading.fences import (
    Block,
    blocks,
    html_blocks,
    indented_blocks,
    is_fence,
    spans,
)
from prmscale.tasks.grading.python_source import Code, Reader, drop_usage
from prmscale.tasks.grading.syntax import (
    FUNCTIONS,
    acts,
    class_with,
    is_body,
    outer,
    prints_output,
    reads_input,
    strength,
)

_MOST = 64  # blocks of a reply that are examined, from its end
# tokens that end a reply, if the engine did not stop there, and tokens before a program
_END = re.compile(
    r"<\|(?:endoftext|im_end|eot_id|eom_id|end|end_of_text|return)\|>"
    r"|<｜end▁of▁sentence｜>|<end_of_turn>"
)
_TOKENS = ("<|python_tag|>", "<|begin_of_solution|>", "<|end_of_solution|>")
_MODULES = (bisect, collections, functools, heapq, itertools, math, typing)
# names that a judge may provide, and a person would import: a program may lack them
_COMMON = {"operator", "random", "re", "string", "sys", "os", "np", "numpy", "pd"}
for _module in _MODULES:
    _COMMON |= {_module.__name__, *dir(_module)}
_FUTURE = re.compile(r"^from __future__ import [^\n#;]*$", re.MULTILINE)
_ENDS = 20  # places where a body may end
_CODE = re.compile(r"^(?:import|from|def|class|async|@|[A-Za-z_]\w* *=)", re.MULTILINE)
_FOLLOWS = re.compile(r"^(?:class|def|if|print|assert|@|```|#)", re.MULTILINE)


class Found(NamedTuple):
    """A program, and the name of the rule that found it."""

    program: str
    rule: str


def find(entry: str | None, prefix: str, text: str) -> Found:
    """The program in a reply that defines the function `entry` (None: that reads and prints).

    `prefix` is the part of the prompt that a completion continues. Thoughts are removed first. The
    first of these rules that finds a program decides:

    - `completion`: the reply begins with an indented line, which continues the prompt. The program
      ends where the function ends (`def other():`, "# Example", prose), and keeps the later helpers
      that the function calls.
    - `block`: the last code block whose syntax tree defines the function with a body, and that
      needs no other name. A block that only calls the function, or names it in a comment, a string
      or as the start of another name (`f2` for `f`), does not count; of several versions ("this one
      is wrong", "corrected") the last complete one counts. For programs: the last block that reads
      and prints (not the sample output, nor `n = int(input())` quoted in an explanation).
    - `joined_blocks`: such a block together with other blocks that define the helpers, imports and
      constants it lacks, without their prints, asserts and calls of the function.
    - `bare_code`: the same outside of fences: runs of lines that are Python ("prose, code, prose"),
      interactive sessions, indented paragraphs, and the texts between single backticks.
    - these three rules again, for code that is not complete: it lacks a name, or only prints.
    - `completion`: a block, or the text, that becomes the function below the prompt's signature,
      indented or not.
    - `broken_block`, `whole_text`: no Python was found; the best guess, which fails when it runs.
    - `none`: the reply is empty.

    A method of a class (`class Solution`) can be called like a function. Statements that only show
    how the function is used are removed: a wrong assert, or a prompt for input, is not part of it.
    """
    said = _strip(text)
    if not said.strip():
        return Found("", "none")
    return next(found for found in _candidates(entry, prefix, said) if found is not None)


def bodies(text: str) -> list[str]:
    """The contents of the code blocks of a reply, without its thoughts."""
    return [block.body for block in blocks(_strip(text))]


def prepend(first: str, program: str) -> str:
    """A program with other source before it; imports from `__future__` stay at the top."""
    if not first.strip():
        return program
    future = dict.fromkeys(_FUTURE.findall(f"{first}\n{program}"))
    if future:
        first, program = _FUTURE.sub("", first), _FUTURE.sub("", program)
    return "".join(line + "\n" for line in future) + f"{first}\n{program}"


def _strip(text: str) -> str:
    """A reply without thoughts, special tokens and the text after its end, with Unix line ends."""
    said = thoughts.reply(text).replace("\r\n", "\n").replace("\r", "\n")
    end = _END.search(said)
    said = said[: end.start()] if end else said
    for token in _TOKENS:
        said = said.replace(token, "\n")
    return said.rstrip().removesuffix("</s>")


@dataclass(frozen=True)
class _Place:
    """The code in one kind of place, and the rule that finds it there, alone or with other code."""

    codes: Sequence[Code]
    rule: str
    joined_rule: str


def _candidates(entry: str | None, prefix: str, text: str) -> Iterator[Found | None]:
    """The program that each rule finds, in order; the last rule always finds one."""
    reader = Reader()
    search = _Search(reader, entry, prefix)
    begun = text.lstrip("\n")
    if begun[:1].isspace() and not is_fence(begun.split("\n", 1)[0]):
        yield search.complete(begun)
    fenced = blocks(text)[-_MOST:]
    places: list[_Place] = []
    for place in _list_places(reader, fenced, text):
        yield search.choose(place, only_whole=True)
        places.append(place)
    for place in places:
        yield search.choose(place, only_whole=False)
    bodies = [block.body for block in reversed(fenced)]
    for body in [*bodies, text, _drop_prose(text), *_list_bare_bodies(places)]:
        yield search.complete(body)
    yield search.guess(fenced, text)


def _list_places(reader: Reader, fenced: Sequence[Block], text: str) -> Iterator[_Place]:
    """The places where a program may be, each with its code."""

    def read(found: Sequence[Block]) -> list[Code]:
        codes = []
        for block in found[-_MOST:]:
            codes += reader.block(block.body)
        return codes

    yield _Place(read(fenced), "block", "joined_blocks")
    yield _Place(read(html_blocks(text)), "block", "joined_blocks")
    yield _Place(reader.pieces(text), "bare_code", "bare_code")
    yield _Place(reader.sessions(text), "bare_code", "bare_code")
    yield _Place(read(indented_blocks(text)), "bare_code", "bare_code")
    yield _Place(read(spans(text)), "bare_code", "bare_code")


def _list_bare_bodies(places: Sequence[_Place]) -> list[str]:
    """Code that can only be the body of a function, the last first."""
    bodies: list[str] = []
    for place in reversed(places):
        bodies += [code.source for code in reversed(place.codes) if is_body(code.tree)]
    return bodies[:_MOST]


class _Search:
    """Searches for one function, or for a program that reads and prints."""

    def __init__(self, reader: Reader, entry: str | None, prefix: str) -> None:
        self.reader, self.entry = reader, entry
        self.prefix = prefix if prefix.endswith("\n") else prefix + "\n"
        self.preamble = _preamble(prefix, entry) if entry else None
        given = reader.code(self.preamble or "")
        self.known = _COMMON | (given.bound if given else frozenset())

    def choose(self, place: _Place, only_whole: bool) -> Found | None:
        """The best code of a place, with the code that it needs from the others."""
        if self.entry is None:
            best: tuple[int, ...] = (1,) if only_whole else (0, 0, 0, 1)
        else:
            best = (3, True) if only_whole else (2,)
        found: list[Code] = []
        codes = self._drop_usage(place.codes[-_MOST:])
        for index, code in enumerate(codes):
            if not self._is_candidate(code):
                continue
            parts = self._join(codes, index)
            rank = self._rank(parts)
            if rank >= best:
                best, found = rank, parts
        if not found:
            return None
        return Found(self._write(found), place.joined_rule if len(found) > 1 else place.rule)

    def _is_candidate(self, code: Code) -> bool:
        """Whether a code may be the program itself."""
        if is_body(code.tree):
            return False
        return self.entry is None or strength(code.tree, self.entry) > 1

    def complete(self, body: str) -> Found | None:
        """The prompt's function with this body, which may lack indentation or end in other text."""
        if self.entry is None or self.preamble is None or not body.strip():
            return None
        margin = _margin(self.prefix)
        attempts = (
            (body, body[:1].isspace()),
            (margin + body.lstrip(), False),
            (textwrap.indent(textwrap.dedent(body), margin), False),
        )
        for indented, is_as_written in attempts:
            code, rest = self._head(indented)
            if code and self._completes(code, is_as_written):
                helpers = self._drop_usage(self.reader.pieces(rest)[:_MOST])
                return Found(_stack(self._join([*helpers, code], len(helpers))), "completion")
        return None

    def guess(self, fenced: Sequence[Block], text: str) -> Found:
        """The text to run if no program was found."""
        broken: list[Block] = []
        if self.entry:
            defines = re.compile(rf"\bdef\s+{re.escape(self.entry)}\b")
            broken = [block for block in fenced if defines.search(block.body)]
            if not broken and defines.search(text):
                start = _CODE.search(text)
                return Found(self._prepend(text[start.start() :] if start else text), "whole_text")
            if not broken and self.preamble is not None:
                end = _FOLLOWS.search(text)
                return Found(self.prefix + (text[: end.start()] if end else text), "completion")
        broken = broken or [block for block in fenced if block.is_python] or list(fenced)
        if broken:
            return Found(self._prepend(broken[-1].body), "broken_block")
        return Found(self._prepend(text), "whole_text")

    def _prepend(self, source: str) -> str:
        """The source after the imports and helpers of the prompt."""
        return prepend(self.preamble or "", source)

    def _drop_usage(self, codes: Sequence[Code]) -> list[Code]:
        """The codes without statements that only show how the function is used."""
        if self.entry is None:
            return list(codes)
        return [code for each in codes if (code := drop_usage(self.reader, each, self.entry))]

    def _join(self, codes: Sequence[Code], index: int) -> list[Code]:
        """A code after the other codes that define the names it needs.

        The nearest code before it is tried first.
        """
        code = codes[index]
        lenders: set[int] = set()
        have, need = set(code.bound), set(code.missing)
        while (lender := self._find_lender(codes, index, lenders, need)) is not None:
            lenders.add(lender)
            need = (need - codes[lender].bound) | (codes[lender].needed - have)
            have |= codes[lender].bound
        return [*(codes[lender] for lender in sorted(lenders)), code]

    def _find_lender(
        self, codes: Sequence[Code], index: int, tried: set[int], need: set[str]
    ) -> int | None:
        """The number of a code that defines a name needed by code `index`; None if none does."""
        for other in (*reversed(range(index)), *range(index + 1, len(codes))):
            if other not in tried and self._lends(codes[other], other < index, need):
                return other
        return None

    def _lends(self, code: Code, is_before: bool, need: set[str]) -> bool:
        """Whether a code defines a needed name.

        A code that is a program itself, or a demonstration that comes later, does not lend.
        """
        if not code.bound & need and not (code.takes_all and need):
            return False
        if self.entry is not None:
            return True
        return not self._rank([code])[0] if is_before else not acts(code.tree)

    def _rank(self, parts: Sequence[Code]) -> tuple[int, ...]:
        """The quality of a choice; of two choices with equal rank the later one counts."""
        if self.entry is not None:
            return strength(parts[-1].tree, self.entry), self._is_whole(parts)
        trees = [code.tree for code in parts]
        reads, prints = any(map(reads_input, trees)), any(map(prints_output, trees))
        is_program = reads and prints and any(map(acts, trees))
        return is_program and self._is_whole(parts), is_program, prints, reads

    def _is_whole(self, parts: Sequence[Code]) -> bool:
        """Whether these codes together define all names that they need."""
        if any(code.takes_all for code in parts):
            return True
        bound = frozenset().union(*(code.bound for code in parts))
        needed = frozenset().union(*(code.needed for code in parts))
        return needed <= bound | self.known

    def _write(self, parts: Sequence[Code]) -> str:
        """One source of these codes, in which the function can be called by its name."""
        source = _stack(parts)
        method_of = class_with(parts[-1].tree, self.entry) if self.entry else None
        if method_of:
            call = f"{method_of}().{self.entry}(*args, **named)"
            source += f"\n\n\ndef {self.entry}(*args, **named):\n    return {call}\n"
        return self._prepend(source)

    def _head(self, body: str) -> tuple[Code | None, str]:
        """The prompt with the first lines of a body, and the rest of the body.

        The lines end before the first line without indentation where they parse.
        """
        lines = body.split("\n")
        ends = [i for i, line in enumerate(lines) if i and _is_left(lines, i)][:_ENDS]
        for end in [*ends, len(lines)]:
            code = self.reader.code(self.prefix + "\n".join(lines[:end]) + "\n")
            if code:
                return code, "\n".join(lines[end:])
        return None, ""

    def _completes(self, code: Code, is_as_written: bool) -> bool:
        """Whether the prompt's function has a body; a body indented here must return a value."""
        assert self.entry is not None
        if strength(code.tree, self.entry) < 3:
            return False
        functions = [node for node in ast.walk(code.tree) if isinstance(node, FUNCTIONS)]
        first, *others = [node for node in functions if node.name == self.entry]
        if others:  # the reply repeats the whole function
            return False
        returning = ast.Return | ast.Yield | ast.YieldFrom
        if any(isinstance(node, returning) for node in outer(first.body)):
            return True
        return is_as_written and any(not isinstance(node, ast.Expr) for node in first.body)


def _stack(parts: Sequence[Code]) -> str:
    """One source of these codes, in order."""
    source = parts[-1].source
    for part in reversed(parts[:-1]):
        source = prepend(part.source, source)
    return source


def _is_left(lines: Sequence[str], index: int) -> bool:
    """Whether an unindented line ends the body before it; a comment within the body does not."""
    line = lines[index]
    if not line.strip() or line[0].isspace():
        return False
    following = next((later for later in lines[index + 1 : index + 4] if later.strip()), "")
    return not (line.startswith("#") and following[:1].isspace())


def _margin(prefix: str) -> str:
    """The indentation of the body of the prompt's function."""
    last = prefix.rstrip().rsplit("\n", 1)[-1]
    margin = last[: len(last) - len(last.lstrip())]
    return margin + "    " if last.endswith(":") else margin


def _preamble(prefix: str, entry: str) -> str | None:
    """The imports and helpers before the function in the prompt; None if it is not begun there."""
    lines = prefix.split("\n")
    defines = re.compile(rf"\s*(?:async\s+)?def\s+{re.escape(entry)}\b")
    at = next((i for i, line in enumerate(lines) if defines.match(line)), None)
    if at is None:
        return None
    while at > 0 and lines[at][:1].isspace():
        at -= 1
    return "\n".join(lines[:at])


def _drop_prose(text: str) -> str:
    """The text from its first indented line on."""
    lines = text.split("\n")
    at = next((i for i, line in enumerate(lines) if line.strip() and line[0].isspace()), len(lines))
    return "\n".join(lines[at:])
