"""Every random draw has a stream of its own: its name is used in one place alone."""

import ast
from collections import defaultdict

from pipeline import ROOT

WORKFLOW = ROOT / "workflow"
NAMES = {"seeds.generator", "seeds.seed_of", "generator", "seed_of"}
# streams that data name, and how: no two draws have the same
NAMED_BY_DATA = {
    "prmscale/engines/backends/transformers_policy.py": "policy, problem, prefix, draw",
    "prmscale/engines/backends/vllm_model.py": "policy",
    "prmscale/engines/backends/vllm_policy.py": "policy, problem, prefix, draw, position",
    "prmscale/engines/verifier.py": "the steps that are judged",
    "prmscale/library.py": "the user's problem",
    "prmscale/tasks/benchmarks/questions.py": "question",
    "prmscale/tasks/benchmarks/sources.py": "data set",
}


def list_streams():
    """Each call of `prmscale.seeds`: its file, and its name, the texts among its arguments."""
    for file in sorted(WORKFLOW.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in NAMES:
                words = [each.value for each in node.args if isinstance(each, ast.Constant)]
                yield str(file.relative_to(WORKFLOW)), tuple(w for w in words if isinstance(w, str))


def test_no_two_places_draw_from_streams_of_one_name():
    places = defaultdict(set)
    for file, name in list_streams():
        if name:
            places[name].add(file)
        elif file != "prmscale/seeds.py":
            assert file in NAMED_BY_DATA, f"{file}: name the stream, or say here what names it"
    assert len(places) > 10
    assert [name for name, files in places.items() if len(files) > 1] == []


def test_nothing_is_random_but_by_these_streams():
    """Neither NumPy's, Python's nor torch's own state, but where it was set from a stream."""
    drawing = {
        "default_rng",
        "Philox",
        "RandomState",
        "urandom",
        "randperm",
        "multinomial",
        "randn",
    }
    found = defaultdict(set)
    for file in sorted(WORKFLOW.rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in drawing:
                found[node.attr].add(file.name)
            if isinstance(node, ast.Import) and any(each.name == "random" for each in node.names):
                found["random"].add(file.name)
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("manual_seed"):
                assert "seeds.seed_of(" in ast.unparse(node), f"{file}: {ast.unparse(node)}"
    assert found == {"Philox": {"seeds.py"}}
