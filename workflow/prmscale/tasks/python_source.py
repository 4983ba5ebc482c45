"""Python found in text: what parses, what it defines and needs, and what of it is only a demonstration.

Everything is read from the syntax tree. A `Reader` parses no more than a fixed number of characters, so that no text,
however long or odd, holds a verdict up.
"""

from __future__ import annotations

import ast
import builtins
import html
import re
import symtable
import sys
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from prmscale.tasks.fences import is_fence

_BUDGET = 1 << 20  # characters parsed for one reply
_LONGEST = 1 << 16  # characters of a program
_TRIES = 40  # cuts of a piece of text before it is no program
_PROBLEMS = (SyntaxError, ValueError, RecursionError, MemoryError)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SCOPES = (*FUNCTIONS, ast.Lambda, ast.ClassDef)
_BUILTIN = frozenset([*dir(builtins), "__file__", "__annotations__"])
_SHOWS = frozenset(("print", "pprint", "input", "exit", "quit", "breakpoint", "help", "display"))
_ENDS = frozenset(("exit", "_exit", "testmod", "main"))  # of sys, os, doctest, unittest
_STARTS = re.compile(
    r"(?:[ \t]*(?:(?:import|from|def|class|async)\b|@\w))|(?:if|for|while|with|try|return)\b"
    r"|[A-Za-z_][\w.\[\], ]*[-+*/]?=[^=]|[A-Za-z_][\w.]*\("
)
_PROMPT = re.compile(r"^[ \t]*(?:>>>|\.\.\.|In \[\d{1,4}\]:)(?: |$)", re.MULTILINE)
_MAGIC = re.compile(r"^([!%].*)$", re.MULTILINE)
_PLAIN = str.maketrans(
    {"“": '"', "”": '"', "‘": "'", "−": "-", "’": "'", "\u00a0": " ", "\u200b": None, "\ufeff": None}
)


@dataclass(frozen=True, eq=False)
class Code:
    """Source text that parses, with its syntax tree."""

    source: str
    tree: ast.Module

    @cached_property
    def bound(self) -> frozenset[str]:
        """The names that it gives a value at the top."""
        return self._names[0]

    @cached_property
    def needed(self) -> frozenset[str]:
        """The names that it uses and neither it nor Python gives a value."""
        return self._names[1]

    @property
    def takes_all(self) -> bool:
        """Whether it imports all names of a module, so that what it lacks is not known."""
        imports = [n for n in self.tree.body if isinstance(n, ast.ImportFrom)]
        return any(alias.name == "*" for n in imports for alias in n.names)

    @cached_property
    def _names(self) -> tuple[frozenset[str], frozenset[str]]:
        try:
            top = symtable.symtable(self.source, "reply", "exec")
        except _PROBLEMS:
            return frozenset(), frozenset()
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
        needed = (used - bound - _BUILTIN) | _counted(self.tree)
        return frozenset(bound | set_inside), frozenset(needed)


def _counted(tree: ast.Module) -> set[str]:
    """The names that are only counted on, as in `total += x`, so that they need a value first."""
    nodes = list(outer(tree.body))
    counted = [n.target for n in nodes if isinstance(n, ast.AugAssign)]
    stored = [n for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store) and n not in counted]
    return {n.id for n in counted if isinstance(n, ast.Name)} - {n.id for n in stored}


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
        """The code of a block: all of it, mended where that makes it Python, else the pieces of it that are."""
        for source in mended(body):
            code = self.code(source)
            if code:
                return [code]
        return self.pieces(textwrap.dedent(body[:_LONGEST]))

    def typed(self, text: str) -> list[Code]:
        """The code of the interactive sessions in a text."""
        code = self.code(_typed(text))
        return [code] if code else []

    def pieces(self, text: str) -> list[Code]:
        """The longest runs of lines that are Python, of a text that is mostly prose."""
        lines = text[:_LONGEST].split("\n")
        found, at = [], 0
        while at < len(lines) and self.left > 0:
            code, length = None, 1
            if _STARTS.match(lines[at]) and not is_fence(lines[at]):
                code, length = self._longest(lines, at)
            code = code and _without(self, code, [node for node in code.tree.body if _is_word(node)])
            if code:
                found.append(code)
            at += length
        return found

    def _longest(self, lines: Sequence[str], start: int) -> tuple[Code | None, int]:
        """The longest code from a line on, cut only before a line at its margin, and how many lines it takes."""
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


def outer(body: Sequence[ast.stmt]) -> Iterator[ast.AST]:
    """Every node of these statements that is run with them: none inside a function, lambda or class."""
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, _SCOPES):
            waiting += ast.iter_child_nodes(node)


def is_body(code: Code) -> bool:
    """Whether it can only be the body of a function."""
    return any(isinstance(n, ast.Return | ast.Yield | ast.YieldFrom) for n in outer(code.tree.body))


def acts(code: Code) -> bool:
    """Whether it does anything when it is run but define names."""
    passive = (*_SCOPES, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)
    return any(not isinstance(n, passive) for n in code.tree.body)


def reads_input(code: Code) -> bool:
    """Whether it reads standard input, and not a text of its own in its place."""
    nodes = list(ast.walk(code.tree))
    staged = any(isinstance(n, ast.Call) and _called(n) == "StringIO" for n in outer(code.tree.body))
    return not staged and any(
        (isinstance(n, ast.Name) and n.id in ("input", "raw_input", "fileinput"))
        or (isinstance(n, ast.Attribute) and n.attr == "stdin")
        or (isinstance(n, ast.Call) and _called(n) in ("open", "read") and _first(n) in (0, "/dev/stdin"))
        for n in nodes
    )


def prints_output(code: Code) -> bool:
    """Whether it prints, or writes to standard output."""
    return any(
        (isinstance(n, ast.Name) and n.id == "print")
        or (isinstance(n, ast.Attribute) and n.attr == "stdout")
        or (isinstance(n, ast.Call) and _called(n) == "write" and _first(n) == 1)
        for n in ast.walk(code.tree)
    )


def _first(call: ast.Call) -> object:
    """The first argument of a call, if it is a constant."""
    return call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None


def statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module, with those under an `if`, `try` or `with`."""
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try | ast.With) and not is_main(node):
            yield from statements(node.body)


def is_main(node: ast.stmt) -> bool:
    """Whether a statement is `if __name__ == "__main__":`."""
    return isinstance(node, ast.If) and "__name__" in {n.id for n in ast.walk(node.test) if isinstance(n, ast.Name)}


def strength(code: Code, entry: str) -> int:
    """How well it defines a function: 3 with a body, 2 as some value, 1 without a body, 0 not at all."""
    found = 0
    for node in statements(code.tree.body):
        if isinstance(node, FUNCTIONS) and node.name == entry:
            found = max(found, 1 if is_stub(node) else 3)
        elif isinstance(node, ast.ClassDef):
            found = max(found, *(1 if is_stub(m) else 3 for m in _methods(node, entry)), 0)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and entry in _targets(node):
            found = max(found, _value_strength(node.value))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in sys.stdlib_module_names:
            found = max(found, 2 if entry in {a.asname or a.name for a in node.names} else 0)
    return found


def class_with(code: Code, entry: str) -> str | None:
    """The class whose method a function is, where it is none of the module."""
    nodes = list(statements(code.tree.body))
    if any(isinstance(n, FUNCTIONS) and n.name == entry for n in nodes) or any(entry in _targets(n) for n in nodes):
        return None
    return next((n.name for n in reversed(nodes) if isinstance(n, ast.ClassDef) and list(_methods(n, entry))), None)


def _methods(node: ast.ClassDef, entry: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (m for m in node.body if isinstance(m, FUNCTIONS) and m.name == entry)


def _targets(node: ast.stmt) -> set[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _value_strength(value: ast.expr | None) -> int:
    """Whether a value may be a function: 3 if it surely is, 2 if it may be."""
    if isinstance(value, ast.Lambda):
        return 3
    if isinstance(value, ast.Call) and ast.unparse(value.func).endswith(("partial", "lru_cache", "cache", "vectorize")):
        return 3
    return 2 if isinstance(value, ast.Name | ast.Attribute | ast.Call | ast.IfExp | ast.Subscript) else 0


def is_stub(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function has no body but a docstring, `pass`, `...` or "not implemented"."""
    for node in function.body:
        if isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            continue
        if isinstance(node, ast.Raise) and node.exc and "NotImplemented" in ast.unparse(node.exc)[:40]:
            continue
        return False
    return True


def without_usage(reader: Reader, code: Code, entry: str) -> Code | None:
    """The code without what only shows how a function is used; None where that is all of it."""
    talkers = {n.name for n in code.tree.body if isinstance(n, FUNCTIONS) and _uses(ast.walk(n), entry)} - {entry}
    return _without(reader, code, [n for n in code.tree.body if _is_word(n) or _is_usage(n, entry, talkers)])


def _without(reader: Reader, code: Code, dropped: Sequence[ast.stmt]) -> Code | None:
    """The code without the lines of these statements, as far as no other statement stands on them."""
    if not dropped:
        return code
    ids = {id(node) for node in dropped}
    gone = {line for node in dropped for line in _lines(node)}
    kept = {line for node in code.tree.body if id(node) not in ids for line in _lines(node)}
    lines = [line for i, line in enumerate(code.source.split("\n"), 1) if i in kept or i not in gone]
    return reader.code("\n".join(lines))


def _lines(node: ast.stmt) -> range:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return range(min([node.lineno, *(d.lineno for d in decorators)]), (node.end_lineno or node.lineno) + 1)


def _is_word(node: ast.stmt) -> bool:
    """Whether a statement does nothing: a word of prose ("Explanation", "Note: this"), a value that is shown."""
    if isinstance(node, ast.AnnAssign):
        return node.value is None
    plain = (
        ast.Name | ast.Constant | ast.Attribute | ast.Tuple | ast.List | ast.UnaryOp | ast.unaryop | ast.expr_context
    )
    return isinstance(node, ast.Expr) and all(isinstance(n, plain) for n in ast.walk(node.value))


def _is_usage(node: ast.stmt, entry: str, talkers: set[str]) -> bool:
    """Whether a statement calls the function, prints, reads or asserts, and defines nothing beside it."""
    if isinstance(node, ast.Assert) or is_main(node):
        return True
    nodes = list(outer([node]))
    if any(isinstance(n, ast.Import | ast.ImportFrom | ast.ClassDef | ast.FunctionDef) for n in nodes):
        return False
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and _called(node.value) in talkers:
        return True
    return _uses(nodes, entry)


def _uses(nodes: Iterable[ast.AST], entry: str) -> bool:
    """Whether any of these nodes prints, reads, ends the program or calls the function."""
    for node in nodes:
        if isinstance(node, ast.Attribute) and node.attr == "stdin":
            return True
        if isinstance(node, ast.Call):
            name, plain = _called(node), isinstance(node.func, ast.Name)
            if name == entry or (name in _SHOWS and plain) or (name in _ENDS and not plain):
                return True
    return False


def _called(call: ast.Call) -> str | None:
    """The name of what is called, without what it is an attribute of."""
    return getattr(call.func, "id", None) or getattr(call.func, "attr", None)
