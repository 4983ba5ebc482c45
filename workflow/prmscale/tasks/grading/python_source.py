"""Python in a text: the parts that parse, as they are or repaired, and the names they define and
need.

A `Reader` parses a limited number of characters, so that no text delays a verdict.
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
from prmscale.tasks.grading.syntax import is_word, list_counted, list_usage

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
_PLAIN = str.maketrans("“”‘’−\u00a0", "\"\"''- ", "\u200b\ufeff")


@dataclass(frozen=True, eq=False)
class Code:
    """Source that parses, with its syntax tree."""

    source: str
    tree: ast.Module

    @property
    def bound(self) -> frozenset[str]:
        """The names that it binds at module level, or by `global` in a function."""
        return self._names.at_top | self._names.by_global

    @property
    def needed(self) -> frozenset[str]:
        """The names that it uses, and that neither it nor Python defines."""
        return self._names.needed

    @property
    def missing(self) -> frozenset[str]:
        """The names to look for in other code: needed, or bound by `global` alone."""
        return self.needed | (self._names.by_global - self._names.at_top)

    @property
    def takes_all(self) -> bool:
        """Whether it imports all names of a module, so that its missing names are unknown."""
        imports = [node for node in self.tree.body if isinstance(node, ast.ImportFrom)]
        return any(alias.name == "*" for node in imports for alias in node.names)

    @cached_property
    def _names(self) -> _Names:
        try:
            top = symtable.symtable(self.source, "reply", "exec")
        except _PROBLEMS:
            return _Names()
        bound, by_global, used = set(), set(), set()
        for table in _list_tables(top):
            for symbol in table.get_symbols():
                name, is_set = symbol.get_name(), symbol.is_assigned() or symbol.is_imported()
                is_top = table is top
                if is_top and (is_set or symbol.is_namespace()):
                    bound.add(name)
                elif symbol.is_global() and is_set:
                    by_global.add(name)
                if symbol.is_referenced() and (is_top or symbol.is_global()):
                    used.add(name)
        needed = (used - bound - _BUILTIN) | list_counted(self.tree)
        return _Names(frozenset(bound), frozenset(by_global), frozenset(needed))


@dataclass(frozen=True)
class _Names:
    """The names that a source binds at module level, binds by `global`, and needs."""

    at_top: frozenset[str] = frozenset()
    by_global: frozenset[str] = frozenset()
    needed: frozenset[str] = frozenset()


def _list_tables(top: symtable.SymbolTable) -> list[symtable.SymbolTable]:
    """A symbol table and all tables below it."""
    tables = [top]
    for table in tables:  # grows as it goes
        tables += table.get_children()
    return tables


class Reader:
    """Parses parts of one reply, within a budget of characters."""

    def __init__(self) -> None:
        self.left = _BUDGET

    def tree(self, source: str) -> ast.Module | int:
        """The syntax tree of a source, or the line (from 1) of its syntax error."""
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
        """The source as code; None if it does not parse or holds only comments."""
        tree = self.tree(source)
        return Code(source, tree) if isinstance(tree, ast.Module) and tree.body else None

    def block(self, body: str) -> list[Code]:
        """The code of a block: all of it, repaired if necessary, else the parts that parse."""
        for source in repair(body):
            code = self.code(source)
            if code:
                return [code]
        return self.pieces(body)

    def sessions(self, text: str) -> list[Code]:
        """The code of the interactive sessions in a text."""
        code = self.code(_join_inputs(text))
        return [code] if code else []

    def pieces(self, text: str) -> list[Code]:
        """The longest runs of lines that are Python, in a text that is mostly prose."""
        lines = textwrap.dedent(text[:_LONGEST]).lstrip().split("\n")
        found, at = [], 0
        while at < len(lines) and self.left > 0:
            code, length = None, 1
            if _STARTS.match(lines[at]) and not is_fence(lines[at]):
                code, length = self._longest(lines, at)
            if code:
                words = [node for node in code.tree.body if is_word(node)]
                code = _drop_statements(self, code, words)
            if code:
                found.append(code)
            at += length
        return found

    def _longest(self, lines: Sequence[str], start: int) -> tuple[Code | None, int]:
        """The longest code that begins at a line, and its number of lines.

        It is cut only before a line that is not indented.
        """
        run = _take_run(lines, start)
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


def _take_run(lines: Sequence[str], start: int) -> list[str]:
    """The lines from `start` to a fence or a less indented line, without the indentation."""
    margin = len(lines[start]) - len(lines[start].lstrip())
    run: list[str] = []
    for line in lines[start:]:
        if is_fence(line) or (line.strip() and line[:margin].strip()):
            break
        run.append(line[margin:])
    return run


def repair(body: str) -> Iterator[str]:
    """A block as it is, and repaired in the ways that a person would try."""
    yield body
    yield textwrap.dedent(body.expandtabs(8))
    flat = textwrap.dedent(body.expandtabs(4))
    yield flat
    yield _join_inputs(body)
    if _MAGIC.search(flat):
        yield _MAGIC.sub(r"# \1", flat)
    changed = [line for line in body.split("\n") if line[:1] in "+- @\\" or not line]
    if re.search(r"^[-+]", body, re.MULTILINE) and len(changed) == body.count("\n") + 1:
        kept = [line[1:] for line in changed if line[:1] in "+ " and not line.startswith("+++")]
        yield textwrap.dedent("\n".join(kept))
    yield html.unescape(flat).translate(_PLAIN)


def _join_inputs(text: str) -> str:
    """The input lines of the interactive sessions in a text."""
    typed = [line for line in text.split("\n") if _PROMPT.match(line)]
    return textwrap.dedent("\n".join(_PROMPT.sub("", line, count=1) for line in typed))


def drop_usage(reader: Reader, code: Code, entry: str) -> Code | None:
    """The code without statements that only show how a function is used; None if none is left."""
    return _drop_statements(reader, code, list_usage(code.tree, entry))


def _drop_statements(reader: Reader, code: Code, dropped: Sequence[ast.stmt]) -> Code | None:
    """The code without the lines of these statements, unless another statement shares them."""
    if not dropped:
        return code
    ids = {id(node) for node in dropped}
    gone: set[int] = set()
    kept: set[int] = set()
    for node in code.tree.body:
        (gone if id(node) in ids else kept).update(_line_numbers(node))
    lines = code.source.split("\n")
    return reader.code("\n".join(s for n, s in enumerate(lines, 1) if n in kept or n not in gone))


def _line_numbers(node: ast.stmt) -> range:
    """The numbers of a statement's lines, with its decorators."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    return range(first, (node.end_lineno or node.lineno) + 1)
