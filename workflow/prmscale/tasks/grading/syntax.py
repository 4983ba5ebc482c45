"""What a syntax tree tells about Python code: what it defines, reads, prints, or only shows."""

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
    """Every node that runs with these statements: none inside a function, lambda or class."""
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, _SCOPES):
            waiting += ast.iter_child_nodes(node)


def is_body(tree: ast.Module) -> bool:
    """Whether the code can only be the body of a function."""
    return any(isinstance(n, ast.Return | ast.Yield | ast.YieldFrom) for n in outer(tree.body))


def acts(tree: ast.Module) -> bool:
    """Whether the code does more than define names."""
    passive = (*_SCOPES, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)
    return any(not isinstance(n, passive) for n in tree.body)


def reads_input(tree: ast.Module) -> bool:
    """Whether the code reads standard input, and does not replace it by a text."""
    if any(isinstance(node, ast.Call) and _callee(node) == "StringIO" for node in outer(tree.body)):
        return False
    return any(map(_refers_to_input, ast.walk(tree)))


def _refers_to_input(node: ast.AST) -> bool:
    """Whether a node refers to standard input."""
    if isinstance(node, ast.Name):
        return node.id in ("input", "raw_input", "fileinput")
    if isinstance(node, ast.Attribute):
        return node.attr == "stdin"
    if isinstance(node, ast.Call) and _callee(node) in ("open", "read"):
        return _first_argument(node) in (0, "/dev/stdin")
    return False


def prints_output(tree: ast.Module) -> bool:
    """Whether the code prints, or writes to standard output."""
    return any(map(_refers_to_output, ast.walk(tree)))


def _refers_to_output(node: ast.AST) -> bool:
    """Whether a node refers to standard output."""
    if isinstance(node, ast.Name):
        return node.id == "print"
    if isinstance(node, ast.Attribute):
        return node.attr == "stdout"
    return isinstance(node, ast.Call) and _callee(node) == "write" and _first_argument(node) == 1


def _first_argument(call: ast.Call) -> object:
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
    """How well the code defines a function.

    3: with a body; 2: as a value that may be one; 1: without a body; 0: not at all.
    """
    return max((_measure(node, entry) for node in statements(tree.body)), default=0)


def _measure(node: ast.stmt, entry: str) -> int:
    """The strength with which one statement defines a function."""
    if isinstance(node, FUNCTIONS):
        return _measure_body(node) if node.name == entry else 0
    if isinstance(node, ast.ClassDef):
        return max(map(_measure_body, _methods(node, entry)), default=0)
    if isinstance(node, ast.Assign | ast.AnnAssign):
        return _measure_value(node.value) if entry in _targets(node) else 0
    if isinstance(node, ast.ImportFrom) and _is_standard(node):
        return 2 if entry in {alias.asname or alias.name for alias in node.names} else 0
    return 0


def _measure_body(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return 1 if is_stub(function) else 3


def _is_standard(node: ast.ImportFrom) -> bool:
    """Whether a statement imports from the standard library."""
    return (node.module or "").split(".")[0] in sys.stdlib_module_names


def class_with(tree: ast.Module, entry: str) -> str | None:
    """The last class with this method; None if there is none, or the module defines the name."""
    found = None
    for node in statements(tree.body):
        if isinstance(node, FUNCTIONS) and node.name == entry:
            return None
        if entry in _targets(node):
            return None
        if isinstance(node, ast.ClassDef) and any(_methods(node, entry)):
            found = node.name
    return found


def _methods(node: ast.ClassDef, entry: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (m for m in node.body if isinstance(m, FUNCTIONS) and m.name == entry)


def _targets(node: ast.stmt) -> set[str]:
    """The names that an assignment binds."""
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign):
        targets = [node.target]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _measure_value(value: ast.expr | None) -> int:
    """3 if a value is surely a function, 2 if it may be one, else 0."""
    called = value.func if isinstance(value, ast.Call) else None
    made_by = {_callee(call) for call in (value, called) if isinstance(call, ast.Call)}
    if isinstance(value, ast.Lambda) or made_by & _MAKES:
        return 3
    may_be = ast.Name | ast.Attribute | ast.Call | ast.IfExp | ast.Subscript
    return 2 if isinstance(value, may_be) else 0


def is_stub(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function's body is only a docstring, `pass`, `...` or "not implemented"."""
    return all(map(_is_placeholder, function.body))


def _is_placeholder(node: ast.stmt) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Raise):
        raised = node.exc
        name = _callee(raised) if isinstance(raised, ast.Call) else getattr(raised, "id", None)
        return name == "NotImplementedError"
    return isinstance(node, ast.Pass)


def list_counted(tree: ast.Module) -> set[str]:
    """The names that are only updated, as in `total += x`, so that they need a value first."""
    nodes = list(outer(tree.body))
    updated = [node.target for node in nodes if isinstance(node, ast.AugAssign)]
    ids = set(map(id, updated))
    stored = set()
    for node in nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and id(node) not in ids:
            stored.add(node.id)
    return {target.id for target in updated if isinstance(target, ast.Name)} - stored


def list_usage(tree: ast.Module, entry: str) -> list[ast.stmt]:
    """The statements of a module that only show how a function is used."""
    functions = [node for node in tree.body if isinstance(node, FUNCTIONS)]
    talkers = {node.name for node in functions if _uses(ast.walk(node), entry)} - {entry}
    return [node for node in tree.body if is_word(node) or _is_usage(node, entry, talkers)]


def is_word(node: ast.stmt) -> bool:
    """Whether a statement does nothing: a word ("Explanation", "Note: this") or a bare value."""
    if isinstance(node, ast.AnnAssign):
        return node.value is None
    return isinstance(node, ast.Expr) and all(isinstance(n, _PLAIN) for n in ast.walk(node.value))


def _is_usage(node: ast.stmt, entry: str, talkers: set[str]) -> bool:
    """Whether a statement calls the function, prints, reads or asserts, and defines nothing."""
    if isinstance(node, ast.Assert) or is_main(node):
        return True
    nodes = list(outer([node]))
    defining = ast.Import | ast.ImportFrom | ast.ClassDef | ast.FunctionDef
    if any(isinstance(each, defining) for each in nodes):
        return False
    call = node.value if isinstance(node, ast.Expr) else None
    if isinstance(call, ast.Call) and _callee(call) in talkers:
        return True
    return _uses(nodes, entry)


def _uses(nodes: Iterable[ast.AST], entry: str) -> bool:
    """Whether any of these nodes prints, reads, ends the program or calls the function."""
    for node in nodes:
        if isinstance(node, ast.Attribute) and node.attr == "stdin":
            return True
        if isinstance(node, ast.Call):
            name, plain = _callee(node), isinstance(node.func, ast.Name)
            if name == entry or (name in _SHOWS and plain) or (name in _ENDS and not plain):
                return True
    return False


def _callee(call: ast.Call) -> str | None:
    """The name of the called function, without the object that it is an attribute of."""
    return getattr(call.func, "id", None) or getattr(call.func, "attr", None)
