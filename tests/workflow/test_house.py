"""What a user meets before any code runs: the lock, the citation, the profile, the captions."""

import ast
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()


def test_the_lock_pins_everything_and_leaves_torch_to_the_machine():
    lines = [
        line
        for line in (ROOT / "envs/core.txt").read_text().splitlines()
        if line and line[0] not in "# "
    ]
    assert len(lines) > 50 and all("==" in line for line in lines)
    assert not [line for line in lines if line.startswith(("torch==", "nvidia", "vllm"))]


@pytest.mark.parametrize("lock", sorted((ROOT / "envs").glob("*.txt")), ids=lambda lock: lock.stem)
def test_every_lock_has_the_hashes_of_its_files(lock):
    packages = re.split(r"^(?=\w)", lock.read_text(), flags=re.MULTILINE)[1:]
    assert packages and all(re.match(r"\S+==\S+ \\\n *--hash=sha256:", each) for each in packages)
    assert f"$(INSTALL_LOCK) envs/{lock.stem}.txt" in MAKEFILE.replace("$(VLLM)", lock.stem)


@pytest.mark.parametrize("name", ["core", "vllm"])
def test_the_conda_environments_hold_the_whole_lock_themselves(name):
    """Snakemake copies the YAML file alone: a `-r` in it would lead nowhere."""
    packages = yaml.safe_load((ROOT / f"envs/{name}.yaml").read_text())["dependencies"][-1]["pip"]
    locked = [line for line in (ROOT / f"envs/{name}.txt").read_text().split() if "==" in line]
    assert set(locked) <= set(packages) and all(re.match(r"[\w.\[\],-]+==", p) for p in packages)
    assert any(p.startswith("torch==") for p in packages)


@pytest.mark.parametrize("recipe", ["Dockerfile", "apptainer.def"])
def test_an_image_holds_what_make_setup_installs(recipe):
    image = (ROOT / f"envs/{recipe}").read_text()
    assert re.search(r"install .*--no-deps --require-hashes -r \S*core\.txt", image)
    assert set(re.findall(r"torch==\S+", image)) == set(re.findall(r"torch==[\d.]+", MAKEFILE))


def test_the_citation_names_the_paper():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["license"] == "MIT"
    assert citation["references"][0]["title"].startswith("From Mathematical Reasoning to Code")


def test_the_slurm_profile_is_found_by_its_name():
    profile = yaml.safe_load((ROOT / "slurm/config.yaml").read_text())
    assert profile["executor"] == "slurm"


def test_functions_and_files_stay_short():
    """At most 60 lines a function and 400 a file; study.py is one list of keys."""
    long = []
    for path in sorted((ROOT / "workflow").rglob("*.py")):
        text = path.read_text()
        if len(text.splitlines()) > 400 and path.name != "study.py":
            long.append(path.name)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= 60:
                long.append(f"{path.name}: {node.name}")
    assert long == []


COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def test_comprehensions_stay_flat():
    """None inside another, and at most two `for` clauses."""
    dense = []
    for path in sorted((ROOT / "workflow").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, COMPREHENSIONS):
                inner = [n for n in ast.walk(node) if isinstance(n, COMPREHENSIONS)]
                if len(inner) > 1 or len(node.generators) > 2:
                    dense.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert dense == []
