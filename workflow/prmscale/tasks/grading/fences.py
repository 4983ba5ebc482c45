"""Code blocks of Markdown as models write it, which is not always as CommonMark has it; one pass
over the lines.

A fence may stand in a list, in a quotation or behind prose; it may be longer than three characters;
it closes at a fence alone, at one with prose behind it, at one at the end of a line of code, and
where the next block opens with a language. A fence inside a string of three quotes is text of the
program, unless nothing else closes the block. A block that is never closed goes on to the end.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

_ITEM = re.compile(r"[\s>]*(?:[-*+•]|\d{1,3}[.)])?[\s>]*")
_LANGUAGE = re.compile(r"[\s{.]*([\w+#-]*)")
# what stands behind a fence that opens a block: `python`, `{python}`, `python title="a.py"`,
# `python {1,3}`
_INFO = re.compile(r"\{?[.\w+#:/-]+\}?(?:\s+(?:\w+=|\{).*)?\s*")
# code on the line of the fence itself, with or without a language before it
_CODE = re.compile(
    r"[ \t]*(?:python3?|py)?[ \t]*((?:import|from|def|class|async)[ \t].*|@\w.*|\w+ = .*|print\(.*)",
    re.IGNORECASE,
)
_PRE_TAG = re.compile(r"</?pre\b[^<>\n]{0,200}>", re.IGNORECASE)
_CODE_TAG = re.compile(r"</?code\b[^<>\n]{0,200}>", re.IGNORECASE)
_SPAN = re.compile(r"`([^`\n]+)`")
_PYTHON = frozenset(
    (
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
    )
)
_WRAPPERS = frozenset(
    ("markdown", "md")
)  # a reply that is fenced as a whole: the blocks inside it count


@dataclass(frozen=True)
class Block:
    """What stands between two fences, and the language that the first one names (lower case, may be
    empty).
    """

    language: str
    body: str

    @property
    def is_python(self) -> bool:
        """Whether it says of itself that it is Python."""
        return self.language in _PYTHON


@dataclass(frozen=True)
class _Fence:
    """The last run of fence characters in a line, with what stands before and behind it."""

    before: str
    run: str
    info: str

    @property
    def leads(self) -> bool:
        """Whether nothing but a list's or a quotation's mark stands before it."""
        return _ITEM.fullmatch(self.before[:200]) is not None and len(self.before) < 200

    @property
    def opens(self) -> bool:
        """Whether it can open a block: behind prose only with a language or nothing."""
        return (
            self.leads
            or not self.info.strip()
            or language_of(self.info) in _PYTHON
            or _CODE.match(self.info) is not None
        )

    def names_language(self) -> bool:
        """Whether the block that it would open is named, so that it cannot be the end of one."""
        info = self.info[:200]
        return bool(self.leads and _INFO.fullmatch(info)) or (
            self.leads and info.strip().lower() in _PYTHON
        )

    def closes(self, opening: _Fence) -> bool:
        """Whether it can close a block."""
        if self.run[0] != opening.run[0] or len(self.run) < len(opening.run):
            return False
        return not self.before.strip(" \t>") or not (
            self.info.strip() or self.before.lstrip().startswith("#")
        )


def language_of(info: str) -> str:
    """The language in what stands behind a fence: `{.python .numberLines}` and `Python title="a"`
    are python.
    """
    found = _LANGUAGE.match(info[:200])
    return found.group(1).lower() if found else ""


def blocks(text: str) -> list[Block]:
    """The code blocks of a text, in order; those inside a longer fence too, behind it."""
    found = []
    for block in _scan(text.split("\n")):
        found.append(block)
        if "```" in block.body:
            found += _scan(block.body.split("\n"))
    return found


def html_blocks(text: str) -> list[Block]:
    """What a text has between the tags of HTML's blocks of code."""
    return [
        Block("", html.unescape(_CODE_TAG.sub("", part)).strip("\n"))
        for part in _PRE_TAG.split(text)[1::2]
    ]


def indented_blocks(text: str) -> list[Block]:
    """The paragraphs of a text that are indented, as Markdown writes code without fences."""
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
    """What a text has between single backticks."""
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
    """The blocks of these lines; those of wrappers are left out, so that the blocks inside them are
    found.
    """
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
            yield (
                Block("python", f"{code.group(1)}\n{body}")
                if code
                else Block(language_of(fence.info), body)
            )


def _inline(info: str) -> Block:
    code = _CODE.match(info)
    return Block(language_of(info) if code is None else "", code.group(1) if code else info)


def _body(lines: list[str], start: int, opening: _Fence) -> tuple[str, int]:
    """The body of a block whose first line is `start`, and the line to go on from."""
    quotes = [0, 0]
    closing = None  # the first fence inside a string
    for at in range(start, len(lines)):
        line = lines[at]
        fence = _fence(line)
        if fence is not None and fence.closes(opening):
            if not any(count % 2 for count in quotes):
                return _closed(lines, start, at, fence, opening)
            closing = closing or (at, fence)
        for kind, quote in enumerate(('"""', "'''")):
            quotes[kind] += line.count(quote)
    if closing:
        return _closed(lines, start, *closing, opening)
    return _undone(lines[start:], opening), len(lines)


def _closed(
    lines: list[str], start: int, end: int, fence: _Fence, opening: _Fence
) -> tuple[str, int]:
    last = [fence.before] if fence.before.strip(" \t>") else []
    return _undone(lines[start:end] + last, opening), end if fence.names_language() else end + 1


def _undone(lines: list[str], opening: _Fence) -> str:
    """Lines without the indentation, or the quotation's mark, of the fence before them."""
    if opening.leads and ">" in opening.before:
        lines = [re.sub(r"\A\s{0,3}> ?", "", line) for line in lines]
    elif opening.leads:
        width = len(opening.before)
        lines = [line[min(width, len(line) - len(line.lstrip())) :] for line in lines]
    return "\n".join(lines)
