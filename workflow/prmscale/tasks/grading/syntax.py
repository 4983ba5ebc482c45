"""What a syntax tree says of a piece of Python: what it defines, whether it reads and prints, what
it only shows.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Sequence

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SCOPES = (*FUNCTIONS, ast.Lambda, ast.ClassDef)
_SHOWS = frozenset(("print", "pprint", "input", "exit", "quit", "breakpoint", "help", "display"))
_ENDS = frozenset(("exit", "_exit", "testmod", "main"))  # of sys, os, doctest, unittest
_PLAIN = (
    ast.Name,
    ast.Constant,
    ast.Attribute,
    ast.Tuple,
    ast.List,
    ast.UnaryOp,
    ast.unaryop,
    ast.expr_context,
)
_MAKES = frozenset(("partial", "lru_cache", "cache", "vectorize"))  # functions that give functions


def outer(body: Sequence[ast.stmt]) -> Iterator[ast.AST]:
    """Every node of these statements that is run with them: none inside a function, lambda or
    class.
    """
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, _SCOPES):
            waiting += ast.iter_child_nodes(node)


def is_body(tree: ast.Module) -> bool:
    """Whether it can only be the body of a function."""
    return any(isinstance(n, ast.Return | ast.Yield | ast.YieldFrom) for n in outer(tree.body))


def acts(tree: ast.Module) -> bool:
    """Whether it does anything when it is run but define names."""
    passive = (*_SCOPES, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)
    return any(not isinstance(n, passive) for n in tree.body)


def reads_input(tree: ast.Module) -> bool:
    """Whether it reads standard input, and not a text of its own in its place."""
    nodes = list(ast.walk(tree))
    staged = any(isinstance(n, ast.Call) and _called(n) == "StringIO" for n in outer(tree.body))
    return not staged and any(
        (isinstance(n, ast.Name) and n.id in ("input", "raw_input", "fileinput"))
        or (isinstance(n, ast.Attribute) and n.attr == "stdin")
        or (
            isinstance(n, ast.Call)
            and _called(n) in ("open", "read")
            and _first(n) in (0, "/dev/stdin")
        )
        for n in nodes
    )


def prints_output(tree: ast.Module) -> bool:
    """Whether it prints, or writes to standard output."""
    return any(
        (isinstance(n, ast.Name) and n.id == "print")
        or (isinstance(n, ast.Attribute) and n.attr == "stdout")
        or (isinstance(n, ast.Call) and _called(n) == "write" and _first(n) == 1)
        for n in ast.walk(tree)
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
    return isinstance(node, ast.If) and "__name__" in {
        n.id for n in ast.walk(node.test) if isinstance(n, ast.Name)
    }


def strength(tree: ast.Module, entry: str) -> int:
    """How well it defines a function: 3 with a body, 2 as some value, 1 without a body, 0 not at
    all.
    """
    found = 0
    for node in statements(tree.body):
        if isinstance(node, FUNCTIONS) and node.name == entry:
            found = max(found, 1 if is_stub(node) else 3)
        elif isinstance(node, ast.ClassDef):
            found = max(found, *(1 if is_stub(m) else 3 for m in _methods(node, entry)), 0)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and entry in _targets(node):
            found = max(found, _value_strength(node.value))
        elif (
            isinstance(node, ast.ImportFrom)
            and (node.module or "").split(".")[0] in sys.stdlib_module_names
        ):
            found = max(found, 2 if entry in {a.asname or a.name for a in node.names} else 0)
    return found


def class_with(tree: ast.Module, entry: str) -> str | None:
    """The class whose method a function is, where it is none of the module."""
    nodes = list(statements(tree.body))
    if any(isinstance(n, FUNCTIONS) and n.name == entry for n in nodes) or any(
        entry in _targets(n) for n in nodes
    ):
        return None
    return next(
        (
            n.name
            for n in reversed(nodes)
            if isinstance(n, ast.ClassDef) and list(_methods(n, entry))
        ),
        None,
    )


def _methods(node: ast.ClassDef, entry: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (m for m in node.body if isinstance(m, FUNCTIONS) and m.name == entry)


def _targets(node: ast.stmt) -> set[str]:
    targets = (
        node.targets
        if isinstance(node, ast.Assign)
        else [node.target]
        if isinstance(node, ast.AnnAssign)
        else []
    )
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _value_strength(value: ast.expr | None) -> int:
    """Whether a value may be a function: 3 if it surely is, 2 if it may be."""
    called = value.func if isinstance(value, ast.Call) else None
    made_by = {_called(call) for call in (value, called) if isinstance(call, ast.Call)}
    if isinstance(value, ast.Lambda) or made_by & _MAKES:
        return 3
    return (
        2
        if isinstance(value, ast.Name | ast.Attribute | ast.Call | ast.IfExp | ast.Subscript)
        else 0
    )


def is_stub(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function has no body but a docstring, `pass`, `...` or "not implemented"."""
    for node in function.body:
        if isinstance(node, ast.Pass) or (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        ):
            continue
        raised = node.exc if isinstance(node, ast.Raise) else None
        if "NotImplementedError" in (
            getattr(raised, "id", None),
            isinstance(raised, ast.Call) and _called(raised),
        ):
            continue
        return False
    return True


def counted(tree: ast.Module) -> set[str]:
    """The names that are only counted on, as in `total += x`, so that they need a value first."""
    nodes = list(outer(tree.body))
    targets = {id(n.target): n.target for n in nodes if isinstance(n, ast.AugAssign)}
    stored = [
        n
        for n in nodes
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store) and id(n) not in targets
    ]
    return {n.id for n in targets.values() if isinstance(n, ast.Name)} - {n.id for n in stored}


def usage(tree: ast.Module, entry: str) -> list[ast.stmt]:
    """The statements of a module that only show how a function is used."""
    talkers = {
        n.name for n in tree.body if isinstance(n, FUNCTIONS) and _uses(ast.walk(n), entry)
    } - {entry}
    return [n for n in tree.body if is_word(n) or _is_usage(n, entry, talkers)]


def is_word(node: ast.stmt) -> bool:
    """Whether a statement does nothing: a word of prose ("Explanation", "Note: this"), a value that
    is shown.
    """
    if isinstance(node, ast.AnnAssign):
        return node.value is None
    return isinstance(node, ast.Expr) and all(isinstance(n, _PLAIN) for n in ast.walk(node.value))


def _is_usage(node: ast.stmt, entry: str, talkers: set[str]) -> bool:
    """Whether a statement calls the function, prints, reads or asserts, and defines nothing beside
    it.
    """
    if isinstance(node, ast.Assert) or is_main(node):
        return True
    nodes = list(outer([node]))
    if any(
        isinstance(n, ast.Import | ast.ImportFrom | ast.ClassDef | ast.FunctionDef) for n in nodes
    ):
        return False
    if (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and _called(node.value) in talkers
    ):
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
