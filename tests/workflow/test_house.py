"""What a user meets before any code runs: the lock, the citation, the profile, the captions."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]


def test_the_lock_pins_everything_and_leaves_torch_to_the_machine():
    lines = [
        line
        for line in (ROOT / "envs/core.txt").read_text().splitlines()
        if line and line[0] not in "# "
    ]
    assert len(lines) > 50 and all("==" in line for line in lines)
    assert not [line for line in lines if line.startswith(("torch==", "nvidia", "vllm"))]


@pytest.mark.parametrize("name", ["core", "vllm"])
def test_the_conda_environments_hold_the_whole_lock_themselves(name):
    """Snakemake copies the YAML file alone: a `-r` in it would lead nowhere."""
    packages = yaml.safe_load((ROOT / f"envs/{name}.yaml").read_text())["dependencies"][-1]["pip"]
    locked = [line for line in (ROOT / f"envs/{name}.txt").read_text().split() if "==" in line]
    assert set(locked) <= set(packages) and all(re.match(r"[\w.\[\],-]+==", p) for p in packages)
    assert any(p.startswith("torch==") for p in packages)


def test_the_citation_names_the_paper():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["license"] == "MIT"
    assert citation["references"][0]["title"].startswith("From Mathematical Reasoning to Code")


def test_the_slurm_profile_is_found_by_its_name():
    profile = yaml.safe_load((ROOT / "slurm/config.yaml").read_text())
    assert profile["executor"] == "slurm"


def test_files_the_readme_names_exist():
    text = (ROOT / "README.md").read_text()
    named = set(re.findall(r"\]\(((?!http)[^)#]+)\)", text)) | set(
        re.findall(r"`((?:workflow|envs)/[\w./-]+)`", text)
    )
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
