"""Code blocks of Markdown as models write it, which is not always valid CommonMark.

A fence may be part of a list or a quotation, or follow prose on its line; it may be longer than
three characters. A block ends at a fence alone on its line, at a fence followed by prose, at a
fence at the end of a line of code, and where the next fence names a language. A fence inside a
triple-quoted string belongs to the program, unless nothing else ends the block. A block that never
ends goes on to the end of the text. One pass over the lines finds all blocks.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

_ITEM = re.compile(r"[\s>]*(?:[-*+•]|\d{1,3}[.)])?[\s>]*")
_LANGUAGE = re.compile(r"[\s{.]*([\w+#-]*)")
# the text after a fence that opens a block: `python`, `{python}`, `python title="a.py"`,
# `python {1,3}`
_INFO = re.compile(r"\{?[.\w+#:/-]+\}?(?:\s+(?:\w+=|\{).*)?\s*")
# code on the line of the fence itself, with or without a language before it
_CODE = re.compile(
    r"[ \t]*(?:python3?|py)?[ \t]*"
    r"((?:import|from|def|class|async)[ \t].*|@\w.*|\w+ = .*|print\(.*)",
    re.IGNORECASE,
)
_PRE_TAG = re.compile(r"</?pre\b[^<>\n]{0,200}>", re.IGNORECASE)
_CODE_TAG = re.compile(r"</?code\b[^<>\n]{0,200}>", re.IGNORECASE)
_SPAN = re.compile(r"`([^`\n]+)`")
_PYTHON = frozenset(
    [
        "python",
        "python2",
        "python3",
        "py",
        "py3",
        "pypy",
        "pypy3",
        "ipython",
        "ipython3",
        "pycon",
        "repl",
        "sage",
    ]
)
# a reply that is fenced as a whole; the blocks inside it count
_WRAPPERS = frozenset(("markdown", "md"))


@dataclass(frozen=True)
class Block:
    """The text between two fences, and the language of the first (lower case, may be empty)."""

    language: str
    body: str

    @property
    def is_python(self) -> bool:
        """Whether its language is Python."""
        return self.language in _PYTHON


@dataclass(frozen=True)
class _Fence:
    """The last run of fence characters in a line, with the text before and after it."""

    before: str
    run: str
    info: str

    @property
    def leads(self) -> bool:
        """Whether only the mark of a list or a quotation is before it."""
        return _ITEM.fullmatch(self.before[:200]) is not None and len(self.before) < 200

    @property
    def opens(self) -> bool:
        """Whether it can open a block; after prose only if it names a language or nothing."""
        return (
            self.leads
            or not self.info.strip()
            or language_of(self.info) in _PYTHON
            or _CODE.match(self.info) is not None
        )

    def names_language(self) -> bool:
        """Whether it names a language, so that it cannot end a block."""
        if not self.leads:
            return False
        info = self.info[:200]
        return _INFO.fullmatch(info) is not None or info.strip().lower() in _PYTHON

    def closes(self, opening: _Fence) -> bool:
        """Whether it can close the block that `opening` opens."""
        if self.run[0] != opening.run[0] or len(self.run) < len(opening.run):
            return False
        if not self.before.strip(" \t>"):
            return True
        return not self.info.strip() and not self.before.lstrip().startswith("#")


def language_of(info: str) -> str:
    """The language that the text after a fence names.

    It is python for `{.python .numberLines}` and `Python title="a"`.
    """
    found = _LANGUAGE.match(info[:200])
    return found.group(1).lower() if found else ""


def blocks(text: str) -> list[Block]:
    """The code blocks of a text, in order; blocks inside a block follow it."""
    found = []
    for block in _scan(text.split("\n")):
        found.append(block)
        if "```" in block.body:
            found += _scan(block.body.split("\n"))
    return found


def html_blocks(text: str) -> list[Block]:
    """The contents of the `<pre>` elements of a text."""
    return [
        Block("", html.unescape(_CODE_TAG.sub("", part)).strip("\n"))
        for part in _PRE_TAG.split(text)[1::2]
    ]


def indented_blocks(text: str) -> list[Block]:
    """The indented paragraphs of a text, which are code in Markdown."""
    found: list[list[str]] = []
    is_inside = False
    for line in text.split("\n"):
        is_indented = line.startswith(("    ", "\t"))
        if is_indented and not is_inside:
            found.append([])
        is_inside = is_indented or (is_inside and not line.strip())
        if is_inside:
            found[-1].append(line)
    return [Block("", "\n".join(lines)) for lines in found]


def spans(text: str) -> list[Block]:
    """The texts between single backticks."""
    return [Block("", code) for code in _SPAN.findall(text)]


def is_fence(line: str) -> bool:
    """Whether a line opens or closes a block."""
    fence = _fence(line)
    return fence is not None and fence.leads


def _fence(line: str) -> _Fence | None:
    at = max(line.rfind("```"), line.rfind("~~~"))
    if at < 0:
        return None
    before, info = line[: at + 3].rstrip(line[at]), line[at + 3 :]
    return _Fence(before, line[len(before) : at + 3], info)


def _scan(lines: list[str]) -> Iterator[Block]:
    """The blocks of these lines, without wrappers, so that the blocks inside them are found."""
    at = 0
    while at < len(lines):
        fence = _fence(lines[at])
        at += 1
        if fence is None:
            continue
        inside = fence.before.rpartition(fence.run)
        if inside[1] and inside[2].strip() and not fence.info.strip():  # a whole block in a line
            yield _inline(inside[2])
        elif fence.opens and language_of(fence.info) not in _WRAPPERS:
            code = _CODE.match(fence.info)
            body, at = _body(lines, at, fence)
            if code:
                yield Block("python", f"{code.group(1)}\n{body}")
            else:
                yield Block(language_of(fence.info), body)


def _inline(info: str) -> Block:
    """The block between two fences on one line."""
    code = _CODE.match(info)
    return Block("", code.group(1)) if code else Block(language_of(info), info)


def _body(lines: list[str], start: int, opening: _Fence) -> tuple[str, int]:
    """The body of a block that begins at line `start`, and the line after the block."""
    quotes = [0, 0]
    closing = None  # the first fence inside a string
    for at in range(start, len(lines)):
        line = lines[at]
        fence = _fence(line)
        if fence is not None and fence.closes(opening):
            if not any(count % 2 for count in quotes):
                return _close(lines, start, at, fence, opening)
            closing = closing or (at, fence)
        for kind, quote in enumerate(('"""', "'''")):
            quotes[kind] += line.count(quote)
    if closing:
        return _close(lines, start, *closing, opening)
    return _unindent(lines[start:], opening), len(lines)


def _close(
    lines: list[str], start: int, end: int, fence: _Fence, opening: _Fence
) -> tuple[str, int]:
    last = [fence.before] if fence.before.strip(" \t>") else []
    return _unindent(lines[start:end] + last, opening), end if fence.names_language() else end + 1


def _unindent(lines: list[str], opening: _Fence) -> str:
    """The lines without the indentation, or the quotation mark, of the opening fence."""
    if opening.leads and ">" in opening.before:
        lines = [re.sub(r"\A\s{0,3}> ?", "", line) for line in lines]
    elif opening.leads:
        width = len(opening.before)
        lines = [line[min(width, len(line) - len(line.lstrip())) :] for line in lines]
    return "\n".join(lines)
