"""Python found in text: what parses of it, as it stands or mended, and the names that it gives and
needs.

A `Reader` parses no more than a fixed number of characters, so that no text,
however long or odd, holds a verdict up.
"""

from __future__ import annotations

import ast
import builtins
import html
import re
import symtable
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from prmscale.tasks.grading.fences import is_fence
from prmscale.tasks.grading.syntax import counted, is_word, usage

_BUDGET = 1 << 20  # characters parsed for one reply
_LONGEST = 1 << 16  # characters of a program
_TRIES = 40  # cuts of a piece of text before it is no program
_PROBLEMS = (SyntaxError, ValueError, RecursionError, MemoryError)
_BUILTIN = frozenset([*dir(builtins), "__file__", "__annotations__"])
_STARTS = re.compile(
    r"(?:[ \t]*(?:(?:import|from|def|class|async)\b|@\w))|(?:if|for|while|with|try|return)\b"
    r"|[A-Za-z_][\w.\[\], ]*[-+*/]?=[^=]|[A-Za-z_][\w.]*\("
)
_PROMPT = re.compile(r"^[ \t]*(?:>>>|\.{3,9}:?|In \[\d{1,4}\]:)(?: |$)", re.MULTILINE)
_MAGIC = re.compile(r"^([!%].*)$", re.MULTILINE)
_PLAIN = str.maketrans(
    {
        "“": '"',
        "”": '"',
        "‘": "'",
        "−": "-",
        "’": "'",
        "\u00a0": " ",
        "\u200b": None,
        "\ufeff": None,
    }
)


@dataclass(frozen=True, eq=False)
class Code:
    """Source text that parses, with its syntax tree."""

    source: str
    tree: ast.Module

    @cached_property
    def bound(self) -> frozenset[str]:
        """The names that it gives a value at the top, or for all by `global`."""
        return self._names[0] | self._names[2]

    @cached_property
    def needed(self) -> frozenset[str]:
        """The names that it uses and neither it nor Python gives a value."""
        return self._names[1]

    @property
    def wanted(self) -> frozenset[str]:
        """The names to look for elsewhere: those needed, and those that it changes by `global`
        alone.
        """
        return self.needed | (self._names[2] - self._names[0])

    @property
    def takes_all(self) -> bool:
        """Whether it imports all names of a module, so that what it lacks is not known."""
        imports = [n for n in self.tree.body if isinstance(n, ast.ImportFrom)]
        return any(alias.name == "*" for n in imports for alias in n.names)

    @cached_property
    def _names(self) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
        """The names bound at the top, those needed, and those bound by `global`."""
        try:
            top = symtable.symtable(self.source, "reply", "exec")
        except _PROBLEMS:
            return frozenset(), frozenset(), frozenset()
        bound, set_inside, used, tables = set(), set(), set(), [top]
        while tables:
            table = tables.pop()
            tables += table.get_children()
            for symbol in table.get_symbols():
                name, is_given = symbol.get_name(), symbol.is_assigned() or symbol.is_imported()
                if table is top and (is_given or symbol.is_namespace()):
                    bound.add(name)
                elif symbol.is_global() and is_given:
                    set_inside.add(name)
                if (table is top or symbol.is_global()) and symbol.is_referenced():
                    used.add(name)
        needed = (used - bound - _BUILTIN) | counted(self.tree)
        return frozenset(bound), frozenset(needed), frozenset(set_inside)


class Reader:
    """Parses what one reply holds, within a budget."""

    def __init__(self) -> None:
        self.left = _BUDGET

    def tree(self, source: str) -> ast.Module | int:
        """The syntax tree of a source, or the line (from 1) at which it is no Python."""
        self.left -= len(source) + 64
        if self.left < 0 or len(source) > _LONGEST:
            return 1
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return ast.parse(source)
        except SyntaxError as error:
            return max(1, error.lineno or 1)
        except _PROBLEMS:
            return 1

    def code(self, source: str) -> Code | None:
        """The source, if it is Python and more than comments."""
        tree = self.tree(source)
        return Code(source, tree) if isinstance(tree, ast.Module) and tree.body else None

    def block(self, body: str) -> list[Code]:
        """The code of a block: all of it, mended where that makes it Python, else the pieces of it
        that are.
        """
        for source in mended(body):
            code = self.code(source)
            if code:
                return [code]
        return self.pieces(body)

    def typed(self, text: str) -> list[Code]:
        """The code of the interactive sessions in a text."""
        code = self.code(_typed(text))
        return [code] if code else []

    def pieces(self, text: str) -> list[Code]:
        """The longest runs of lines that are Python, of a text that is mostly prose."""
        lines = textwrap.dedent(text[:_LONGEST]).lstrip().split("\n")
        found, at = [], 0
        while at < len(lines) and self.left > 0:
            code, length = None, 1
            if _STARTS.match(lines[at]) and not is_fence(lines[at]):
                code, length = self._longest(lines, at)
            code = code and _without(self, code, [node for node in code.tree.body if is_word(node)])
            if code:
                found.append(code)
            at += length
        return found

    def _longest(self, lines: Sequence[str], start: int) -> tuple[Code | None, int]:
        """The longest code from a line on, cut only before a line at its margin, and how many lines
        it takes.
        """
        run = _run(lines, start)
        for _ in range(_TRIES):
            tree = self.tree("\n".join(run))
            if isinstance(tree, ast.Module):
                return (Code("\n".join(run), tree) if tree.body else None), max(1, len(run))
            cut = min(tree, len(run)) - 1
            while cut > 0 and (not run[cut].strip() or run[cut][0].isspace()):
                cut -= 1
            if cut < 1:
                break
            run = run[:cut]
        return None, 1


def _run(lines: Sequence[str], start: int) -> list[str]:
    """The lines from `start` to the next fence, or to one left of its margin, without that margin."""
    margin = len(lines[start]) - len(lines[start].lstrip())
    run: list[str] = []
    for line in lines[start:]:
        if is_fence(line) or (line.strip() and line[:margin].strip()):
            break
        run.append(line[margin:])
    return run


def mended(body: str) -> Iterator[str]:
    """A block as it stands, and as a person would mend what is no Python."""
    yield body
    yield textwrap.dedent(body.expandtabs(8))
    flat = textwrap.dedent(body.expandtabs(4))
    yield flat
    yield _typed(body)
    if _MAGIC.search(flat):
        yield _MAGIC.sub(r"# \1", flat)
    changed = [line for line in body.split("\n") if line[:1] in "+- @\\" or not line]
    if re.search(r"^[-+]", body, re.MULTILINE) and len(changed) == body.count("\n") + 1:
        kept = [line[1:] for line in changed if line[:1] in "+ " and not line.startswith("+++")]
        yield textwrap.dedent("\n".join(kept))
    yield html.unescape(flat).translate(_PLAIN)


def _typed(text: str) -> str:
    """What was typed in the interactive sessions of a text."""
    typed = [line for line in text.split("\n") if _PROMPT.match(line)]
    return textwrap.dedent("\n".join(_PROMPT.sub("", line, count=1) for line in typed))


def without_usage(reader: Reader, code: Code, entry: str) -> Code | None:
    """The code without what only shows how a function is used; None where that is all of it."""
    return _without(reader, code, usage(code.tree, entry))


def _without(reader: Reader, code: Code, dropped: Sequence[ast.stmt]) -> Code | None:
    """The code without the lines of these statements, as far as no other statement stands on them."""
    if not dropped:
        return code
    ids = {id(node) for node in dropped}
    gone = {line for node in dropped for line in _lines(node)}
    kept = {line for node in code.tree.body if id(node) not in ids for line in _lines(node)}
    lines = [
        line for i, line in enumerate(code.source.split("\n"), 1) if i in kept or i not in gone
    ]
    return reader.code("\n".join(lines))


def _lines(node: ast.stmt) -> range:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return range(
        min([node.lineno, *(d.lineno for d in decorators)]), (node.end_lineno or node.lineno) + 1
    )
