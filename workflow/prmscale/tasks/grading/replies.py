"""The program in a reply: the one place that looks for it; the program that a person would run."""

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
from prmscale.tasks.grading.python_source import Code, Reader, without_usage
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

_MOST = 64  # blocks of a reply that are looked at, from its end
# how models end a reply, where the engine did not; and what some write before a program
_END = re.compile(
    r"<\|(?:endoftext|im_end|eot_id|eom_id|end|end_of_text|return)\|>|<｜end▁of▁sentence｜>|<end_of_turn>"
)
_TOKENS = ("<|python_tag|>", "<|begin_of_solution|>", "<|end_of_solution|>")
_MODULES = (bisect, collections, functools, heapq, itertools, math, typing)
# what a judge may bring, and a person would import: nothing of it makes a program incomplete
_COMMON = {name for module in _MODULES for name in [module.__name__, *dir(module)]} | {
    *("operator", "random", "re", "string", "sys", "os", "np", "numpy", "pd")
}
_FUTURE = re.compile(r"^from __future__ import [^\n#;]*$", re.MULTILINE)
_ENDS = 20  # places where a body may end
_CODE = re.compile(r"^(?:import|from|def|class|async|@|[A-Za-z_]\w* *=)", re.MULTILINE)
_FOLLOWS = re.compile(r"^(?:class|def|if|print|assert|@|```|#)", re.MULTILINE)


class Found(NamedTuple):
    """A program, and the name of the rule that found it."""

    program: str
    rule: str


def find(entry: str | None, prefix: str, text: str) -> Found:
    """The program in a reply that defines the function `entry` (None: one that reads and prints).

    `prefix` is what stands before a completion. Thoughts are taken off first. The first rule that
    finds a program wins:

    - `completion`: the reply begins with an indented line that goes on with the prompt; it is cut
      where the function ends (`def other():`, "# Example", prose), and keeps the helpers behind it
      that it calls.
    - `block`: the last code block whose syntax tree defines the function with a body and lacks no
      name. A block that only calls the function, or names it in a comment, a string or as the start
      of another name (`f2` for `f`), is none; of several versions ("this one is wrong",
      "corrected") the last complete one counts. For programs: the last block that reads and prints
      (not the sample output, nor `n = int(input())` quoted in an explanation).
    - `joined_blocks`: the same, with those other blocks that give it the helpers, imports and
      constants that it lacks, without their prints, asserts and calls of the function.
    - `bare_code`: the same outside of fences: the runs of lines that are Python ("prose, code,
      prose"), interactive sessions, indented paragraphs, and what stands between single backticks.
    - these three again, where no code is whole: one that lacks a name, a program that only prints.
    - `completion`: a block, or the text, that becomes the function below the prompt's signature,
      indented or not.
    - `broken_block`, `whole_text`: no Python was found; the best guess, which fails when it is run.
    - `none`: nothing was said.

    A method of a class (`class Solution`) can be called as a function. What a reply shows of the
    function's use is left out: a wrong assert, or a question for input, is no part of the function.
    """
    said = _plain(text)
    if not said.strip():
        return Found("", "none")
    return next(found for found in _candidates(entry, prefix, said) if found is not None)


def bodies(text: str) -> list[str]:
    """What stands between the fences of a reply, without its thoughts."""
    return [block.body for block in blocks(_plain(text))]


def after(first: str, program: str) -> str:
    """A program with other source before it; imports from `__future__` stay at the top."""
    if not first.strip():
        return program
    future = "".join(line + "\n" for line in dict.fromkeys(_FUTURE.findall(f"{first}\n{program}")))
    return f"{future}{_FUTURE.sub('', first) if future else first}\n{_FUTURE.sub('', program) if future else program}"


def _plain(text: str) -> str:
    """A reply without thoughts, special tokens and what was written behind its end, its line ends
    as Unix has them.
    """
    said = thoughts.reply(text).replace("\r\n", "\n").replace("\r", "\n")
    end = _END.search(said)
    said = said[: end.start()] if end else said
    for token in _TOKENS:
        said = said.replace(token, "\n")
    return said.rstrip().removesuffix("</s>")


def _candidates(entry: str | None, prefix: str, text: str) -> Iterator[Found | None]:
    """What each rule finds, in order; the last one finds something in any text."""
    reader = Reader()
    search = _Search(reader, entry, prefix)
    begun = text.lstrip("\n")
    if begun[:1].isspace() and not is_fence(begun.split("\n", 1)[0]):
        yield search.completed(begun)
    fenced = blocks(text)[-_MOST:]
    places: list[tuple[list[Code], tuple[str, str]]] = []
    for place in _places(reader, fenced, text):
        yield search.chosen(*place, only_whole=True)
        places.append(place)
    for place in places:
        yield search.chosen(*place, only_whole=False)
    read = [
        code.source
        for codes, _ in reversed(places)
        for code in reversed(codes)
        if is_body(code.tree)
    ]
    for body in [
        *(block.body for block in reversed(fenced)),
        text,
        _without_prose(text),
        *read[:_MOST],
    ]:
        yield search.completed(body)
    yield search.guess(fenced, text)


def _places(
    reader: Reader, fenced: Sequence[Block], text: str
) -> Iterator[tuple[list[Code], tuple[str, str]]]:
    """The code in each place where a program may stand, with the names of the rules that find it
    there.
    """
    block, bare = ("block", "joined_blocks"), ("bare_code", "bare_code")
    yield [code for each in fenced for code in reader.block(each.body)], block
    yield [code for each in html_blocks(text)[-_MOST:] for code in reader.block(each.body)], block
    yield reader.pieces(text), bare
    yield reader.typed(text), bare
    yield (
        [code for each in indented_blocks(text)[-_MOST:] for code in reader.block(each.body)],
        bare,
    )
    yield [code for each in spans(text)[-_MOST:] for code in reader.block(each.body)], bare


class _Search:
    """The search for one function, or for a program that reads and prints."""

    def __init__(self, reader: Reader, entry: str | None, prefix: str) -> None:
        self.reader, self.entry = reader, entry
        self.prefix = prefix if prefix.endswith("\n") else prefix + "\n"
        self.preamble = _preamble(prefix, entry) if entry else None
        given = reader.code(self.preamble or "")
        self.known = _COMMON | (given.bound if given else frozenset())

    def chosen(
        self, codes: Sequence[Code], rules: tuple[str, str], only_whole: bool
    ) -> Found | None:
        """The best of the codes with what it lacks of the others; the rule's name depends on
        whether it lacks any.
        """
        whole, any_at_all = ((1,), (0, 0, 0, 1)) if self.entry is None else ((3, True), (2,))
        best: tuple[int, ...] = whole if only_whole else any_at_all
        found: list[Code] = []
        shown = self._without_usage(codes[-_MOST:])
        for index, code in enumerate(shown):
            if not is_body(code.tree) and (
                self.entry is None or strength(code.tree, self.entry) > 1
            ):
                parts = self._joined(shown, index)
                rank = self._rank(parts)
                if rank >= best:
                    best, found = rank, parts
        return Found(self._written(found), rules[len(found) > 1]) if found else None

    def completed(self, body: str) -> Found | None:
        """The prompt's function with this body, which may lack its indentation and be followed by
        anything.
        """
        if self.entry is None or self.preamble is None or not body.strip():
            return None
        margin = _margin(self.prefix)
        flat = body.lstrip()
        for indented, is_own in (
            (body, True),
            (margin + flat, False),
            (textwrap.indent(textwrap.dedent(body), margin), False),
        ):
            code, rest = self._head(indented)
            if code and self._completes(code, is_own and body[:1].isspace()):
                helpers = self._without_usage(self.reader.pieces(rest)[:_MOST])
                parts = self._joined([*helpers, code], len(helpers))
                return Found(_stacked(parts), "completion")
        return None

    def guess(self, fenced: Sequence[Block], text: str) -> Found:
        """What is run where nothing was found."""
        if self.entry:
            defines = re.compile(rf"\bdef\s+{re.escape(self.entry)}\b")
            broken = [block for block in fenced if defines.search(block.body)]
            if not broken and defines.search(text):
                start = _CODE.search(text)
                return Found(
                    after(self.preamble or "", text[start.start() if start else 0 :]), "whole_text"
                )
            if not broken and self.preamble is not None:
                end = _FOLLOWS.search(text)
                return Found(self.prefix + text[: end.start() if end else len(text)], "completion")
        else:
            broken = []
        broken = broken or [block for block in fenced if block.is_python] or list(fenced)
        if broken:
            return Found(after(self.preamble or "", broken[-1].body), "broken_block")
        return Found(after(self.preamble or "", text), "whole_text")

    def _without_usage(self, codes: Sequence[Code]) -> list[Code]:
        if self.entry is None:
            return list(codes)
        return [code for each in codes if (code := without_usage(self.reader, each, self.entry))]

    def _joined(self, codes: Sequence[Code], index: int) -> list[Code]:
        """A code, behind those of the others that give it the names that it needs: the nearest
        before it first.
        """
        code, parts = codes[index], {index}
        have, need = set(code.bound), set(code.wanted)
        order = [*reversed(range(index)), *range(index + 1, len(codes))]
        while lenders := [
            j for j in order if j not in parts and self._lends(codes[j], j < index, need)
        ]:
            lender = codes[lenders[0]]
            parts.add(lenders[0])
            need = (need - lender.bound) | (lender.needed - have)
            have |= lender.bound
        return [*(codes[j] for j in sorted(parts - {index})), code]

    def _lends(self, code: Code, is_before: bool, need: set[str]) -> bool:
        """Whether a code gives a needed name, and is no program of its own nor a demonstration that
        comes later.
        """
        if not code.bound & need and not (code.takes_all and need):
            return False
        return self.entry is not None or (
            not self._rank([code])[0] if is_before else not acts(code.tree)
        )

    def _rank(self, parts: Sequence[Code]) -> tuple[int, ...]:
        """How good a choice is; the later one is taken of two that are as good."""
        bound = frozenset().union(*(code.bound for code in parts))
        needed = frozenset().union(*(code.needed for code in parts))
        is_whole = any(code.takes_all for code in parts) or needed <= bound | self.known
        if self.entry is not None:
            return strength(parts[-1].tree, self.entry), is_whole
        trees = [code.tree for code in parts]
        reads, prints = any(reads_input(t) for t in trees), any(prints_output(t) for t in trees)
        is_program = reads and prints and any(acts(t) for t in trees)
        return is_program and is_whole, is_program, prints, reads

    def _written(self, parts: Sequence[Code]) -> str:
        """One source from these codes, in which the function can be called by its name."""
        source = _stacked(parts)
        method_of = class_with(parts[-1].tree, self.entry) if self.entry else None
        if method_of:
            call = f"{method_of}().{self.entry}(*args, **named)"
            source += f"\n\n\ndef {self.entry}(*args, **named):\n    return {call}\n"
        return after(self.preamble or "", source)

    def _head(self, body: str) -> tuple[Code | None, str]:
        """The prompt with the first lines of a body, up to the first line at the left where they
        parse; the rest.
        """
        lines = body.split("\n")
        ends = [i for i, line in enumerate(lines) if i and _is_left(lines, i)][:_ENDS]
        for end in [*ends, len(lines)]:
            code = self.reader.code(self.prefix + "\n".join(lines[:end]) + "\n")
            if code:
                return code, "\n".join(lines[end:])
        return None, ""

    def _completes(self, code: Code, is_own: bool) -> bool:
        """Whether the last function of a prompt has got a body; one whose indentation is ours must
        return something.
        """
        assert self.entry is not None
        if strength(code.tree, self.entry) < 3:
            return False
        functions = [
            n for n in ast.walk(code.tree) if isinstance(n, FUNCTIONS) and n.name == self.entry
        ]
        if len(functions) > 1:  # the whole function was said again
            return False
        returned = any(
            isinstance(n, ast.Return | ast.Yield | ast.YieldFrom) for n in outer(functions[0].body)
        )
        return returned or (is_own and any(not isinstance(n, ast.Expr) for n in functions[0].body))


def _stacked(parts: Sequence[Code]) -> str:
    source = parts[-1].source
    for part in reversed(parts[:-1]):
        source = after(part.source, source)
    return source


def _is_left(lines: Sequence[str], index: int) -> bool:
    """Whether a line at the left ends the body before it: not a comment with more of the body
    behind it.
    """
    line = lines[index]
    if not line.strip() or line[0].isspace():
        return False
    following = next((later for later in lines[index + 1 : index + 4] if later.strip()), "")
    return not (line.startswith("#") and following[:1].isspace())


def _margin(prefix: str) -> str:
    """The indentation of the body that a prompt's function is to get."""
    last = prefix.rstrip().rsplit("\n", 1)[-1]
    own = last[: len(last) - len(last.lstrip())]
    return own + "    " if last.endswith(":") else own


def _preamble(prefix: str, entry: str) -> str | None:
    """What stands before the function in the prompt: imports and helpers; None where the prompt
    does not begin it.
    """
    lines = prefix.split("\n")
    defines = re.compile(rf"\s*(?:async\s+)?def\s+{re.escape(entry)}\b")
    at = next((i for i, line in enumerate(lines) if defines.match(line)), None)
    if at is None:
        return None
    while at > 0 and lines[at][:1].isspace():
        at -= 1
    return "\n".join(lines[:at])


def _without_prose(text: str) -> str:
    """A text from its first indented line on."""
    lines = text.split("\n")
    at = next((i for i, line in enumerate(lines) if line.strip() and line[0].isspace()), len(lines))
    return "\n".join(lines[at:])
