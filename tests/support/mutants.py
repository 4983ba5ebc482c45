"""Programs with one operator or constant changed, and what the published tests say of them."""

import ast
import copy
import json
import subprocess
import sys

SWAPPED = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.And: ast.Or,
    ast.Or: ast.And,
}

# runs each program with its tests in a fork of its own, as the benchmarks' authors do
_JUDGE = """
import json, os, resource, signal, sys
for source in json.load(sys.stdin):
    process = os.fork()
    if not process:
        quiet = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(quiet, stream)
        resource.setrlimit(resource.RLIMIT_AS, (1 << 29, 1 << 29))
        signal.alarm(int(sys.argv[1]))
        try:
            exec(compile(source, "tested", "exec"), {"__name__": "tested"})
        except BaseException:
            os._exit(1)
        os._exit(0)
    print(int(os.waitpid(process, 0)[1] == 0), flush=True)
"""


def mutants(source: str) -> list[tuple[str, str]]:
    """All one-step changes of a program, each behind what was changed."""
    found = []
    for index, node in enumerate(ast.walk(ast.parse(source))):
        for change in _changes(node):
            tree = ast.parse(source)
            place = next(n for i, n in enumerate(ast.walk(tree)) if i == index)
            before = ast.unparse(place)
            change(place)
            found.append(
                (f"line {place.lineno}: {before} -> {ast.unparse(place)}", ast.unparse(tree))
            )
    return found


def _changes(node):
    """The changes of one node."""
    if isinstance(node, ast.BinOp | ast.BoolOp | ast.AugAssign) and type(node.op) in SWAPPED:
        yield lambda n: setattr(n, "op", SWAPPED[type(n.op)]())
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPPED:
        yield lambda n: n.ops.__setitem__(0, SWAPPED[type(n.ops[0])]())
    if isinstance(node, ast.Constant) and type(node.value) is int:
        yield lambda n: setattr(n, "value", n.value + 1)
        yield lambda n: setattr(n, "value", n.value - 1)


def published_verdicts(sources: list[str], seconds: int) -> list[bool]:
    """Whether each program, with its tests behind it, runs to its end in time."""
    done = subprocess.run(
        [sys.executable, "-c", _JUDGE, str(seconds)],
        input=json.dumps(sources),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return [line == "1" for line in done.stdout.split()]


def renamed(source: str, old: str, new: str) -> str:
    """A program in which a function, and every call of it, has another name."""
    tree = copy.deepcopy(ast.parse(source))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == old:
            node.name = new
        if isinstance(node, ast.Name) and node.id == old:
            node.id = new
    return ast.unparse(tree)
