"""Other people's folders: another working directory, a workflow that has this one as a module."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pipeline import ROOT, SMOKE, digest, jobs

STUDY = str(ROOT / SMOKE[1])
MODULE = """
configfile: "config/config.yaml"

module prmscale:
    snakefile: "SNAKEFILE"
    config: config

use rule * from prmscale as prm_*
"""


def run(folder, *arguments, python=(sys.executable,)):
    """Snakemake in `folder`, where nothing leads to the package but the path of the Snakefile."""
    command = [*python, "-m", "snakemake", "--cores", "2", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.study
def test_another_working_directory_gives_the_same_bytes(project, tmp_path):
    snakefile = str(project / "Snakefile")
    target = "results/smoke/labels/m/arithmetic.monte_carlo.parquet"
    done = run(tmp_path, target, "--snakefile", snakefile, "--configfile", STUDY)
    assert done.returncode == 0, done.stderr[-2000:]
    assert digest(tmp_path / target) == digest(project / target)
    everything = run(tmp_path, "-n", "--snakefile", snakefile, "--configfile", STUDY)
    assert everything.returncode == 0 and jobs(everything)["draw_figure"] == 14


@pytest.mark.study
def test_another_workflow_has_this_one_as_a_module(tmp_path):
    """As snakedeploy writes it: config/ copied, every rule under a prefix."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text((ROOT / "config/config.yaml").read_text())
    snakefile = MODULE.replace("SNAKEFILE", str(ROOT / "workflow/Snakefile"))
    (tmp_path / "Snakefile").write_text(snakefile)
    planned = jobs(run(tmp_path, "-n", "--configfile", STUDY))
    assert planned["prm_all"] == 1 and planned["prm_label_solutions"] == 2
    target = "results/smoke/problems/arithmetic.parquet"
    assert run(tmp_path, target, "--configfile", STUDY).returncode == 0
    assert (tmp_path / target).exists()


# stands for Apptainer: notes how it is called and runs the command outside any container
APPTAINER = """#!/bin/sh
[ "$1" = --version ] && echo "apptainer version 1.3.4" && exit
echo "$@" >> "$NOTES"
while [ "$1" != -c ]; do shift; done
exec bash -c "$2"
"""


@pytest.mark.study
@pytest.mark.parametrize("in_container", [False, True])
def test_jobs_run_in_the_image_only_if_apptainer_is_asked_for(in_container, tmp_path, monkeypatch):
    (tmp_path / "apptainer").write_text(APPTAINER)
    (tmp_path / "apptainer").chmod(0o755)
    monkeypatch.setenv("NOTES", str(tmp_path / "notes"))
    monkeypatch.setenv("PATH", f"{tmp_path}:{Path(sys.executable).parent}:{os.environ['PATH']}")
    target = "results/smoke/problems/arithmetic.parquet"
    asked = ["--sdm", "apptainer"] if in_container else []
    given = ("--snakefile", str(ROOT / "Snakefile"), "--configfile", STUDY, *asked)
    done = run(tmp_path, target, *given)
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / target).exists()
    image = os.path.relpath(ROOT, tmp_path) + "/envs/prmscale.sif"
    assert (tmp_path / "notes").exists() == in_container
    assert not in_container or image in (tmp_path / "notes").read_text()


def test_a_python_without_the_packages_is_told_what_is_missing(tmp_path):
    """Snakemake alone, as a linter of workflows has it."""
    (tmp_path / "huggingface_hub.py").write_text(
        "raise ModuleNotFoundError(name='huggingface_hub')"
    )
    script = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); "
    script += "from snakemake.cli import main; main()"
    command = [sys.executable, "-c", script, "--lint", "--snakefile", str(ROOT / "Snakefile")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "has no package 'huggingface_hub'" in done.stderr and "make setup" in done.stderr
