"""Packages depend one way: a module imports from its own floor and those below it."""

import ast

from pipeline import ROOT

PACKAGE = ROOT / "workflow/prmscale"
# from the ground up; modules of one floor do not import each other
FLOORS = [
    {"errors", "__init__"},
    {"files", "seeds", "study"},
    {"plugins"},
    {"columns", "tables", "jobs", "shards", "stages"},
    {"tasks"},
    {"cards"},
    {"engines"},
    {"configuration"},
    {"policies"},
    {"labels"},
    {"rewards"},
    {"search"},
    {"analysis"},
    {"results"},
    {"claims"},
    {"explorer", "figures"},
    {"plan"},
    {"compare", "cost", "deploy", "fetch", "library", "reference"},
    {"progress"},
]
FLOOR_OF = {name: number for number, names in enumerate(FLOORS) for name in names}


def imported(path):
    """The packages and modules of prmscale that a file imports from."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative imports hide where they lead"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            if name.startswith("prmscale."):
                yield name.split(".")[1]


def test_no_module_imports_from_a_floor_above_its_own():
    upward = []
    for path in PACKAGE.rglob("*.py"):
        place = path.relative_to(PACKAGE).with_suffix("").parts[0]
        others = {name for name in imported(path) if name != place}
        above = {name for name in others if FLOOR_OF[name] >= FLOOR_OF[place]}
        upward += [f"{path.relative_to(PACKAGE)} imports {name}" for name in above]
    assert upward == []


def test_every_module_has_a_floor():
    names = {path.stem for path in PACKAGE.iterdir() if not path.name.startswith(("_", "."))}
    assert names - set(FLOOR_OF) == set()
