"""What is released: the source and the wheel, as somebody who has nothing else installs it."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
from pathlib import Path

import pytest
from documents import blocks
from example_models import make_models, name_models
from pipeline import ROOT, SMOKE, jobs

pytestmark = pytest.mark.study
LEFT_OUT = (".*", "results", "dist", "build", "site", "__pycache__", "*.egg-info", "*.sif")
KINDS = {".py", ".smk", ".yaml", ".json", ".rst", ".csv", ".html", ".css", ".js"}
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
ENVIRONMENT |= {"PIP_NO_INDEX": "1"}


def run(*command, **options):
    done = subprocess.run(
        [*map(str, command)], env=ENVIRONMENT, capture_output=True, text=True, **options
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """The folder into which `make dist` has put the source and the wheel."""
    folder = tmp_path_factory.mktemp("release") / "project"
    shutil.copytree(ROOT, folder, symlinks=True, ignore=shutil.ignore_patterns(*LEFT_OUT))
    (folder / "results").mkdir()
    shutil.copy(ROOT / "results/README.md", folder / "results")
    settings = ("-o", ".venv/.installed", f"BIN={Path(sys.executable).parent}")
    run("make", *settings, "dist", cwd=folder)
    return folder / "dist"


@pytest.fixture(scope="module")
def installed(released, tmp_path_factory):
    """The folder of commands of a new environment that has the wheel and the locked packages."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, symlinks=True)
    packages = sysconfig.get_path("purelib", "venv", {"base": str(folder)})
    # packages alone: the editable installation of this folder is none of them
    Path(packages, "locked.pth").write_text(sysconfig.get_path("purelib"))
    (wheel,) = released.glob("*.whl")
    run(folder / "bin/python", "-m", "pip", "install", "--quiet", "--no-deps", wheel)
    return folder / "bin"


def test_the_source_is_whole(released):
    (archive,) = released.glob("*.tar.gz")
    with tarfile.open(archive) as source:
        names = {name.partition("/")[2] for name in source.getnames()}
    needed = {
        "LICENSE",
        "CITATION.cff",
        "CHANGELOG.md",
        "Makefile",
        "tests/conftest.py",
        "docs/library.md",
    }
    assert needed | {"config.yaml", "workflow/rules/common.smk", "envs/core.txt"} <= names


def test_the_command_tells_how_to_deploy_and_the_workflow_it_deploys_is_planned(
    installed, tmp_path
):
    assert "prmscale deploy FOLDER" in run(installed / "prmscale").stdout
    folder = tmp_path / "mine"
    told = run(installed / "prmscale", "deploy", folder).stdout
    assert "make study" in told
    for name in ("LICENSE", "CITATION.cff", "CHANGELOG.md", "Makefile", "slurm/config.yaml"):
        assert (folder / name).read_bytes() == (ROOT / name).read_bytes()
    ours = [path for path in (ROOT / "workflow").rglob("*") if path.suffix in KINDS]
    assert ours and all((folder / path.relative_to(ROOT)).is_file() for path in ours)
    planned = jobs(run(installed / "python", "-m", "snakemake", "-n", *SMOKE, cwd=folder))
    assert planned["draw_figure"] == 14


@pytest.mark.parametrize(
    ("path", "folder", "said"),
    [("", ".", "exists already"), (ROOT / "workflow", "other/mine", "is a checkout")],
)
def test_where_nothing_can_be_deployed_it_says_so(path, folder, said, installed, tmp_path):
    command = [installed / "python", "-m", "prmscale.deploy", "deploy", tmp_path / folder]
    environment = ENVIRONMENT | {"PYTHONPATH": str(path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 1 and said in done.stderr and len(done.stderr.splitlines()) == 1
    assert not [*tmp_path.iterdir()]


def test_the_library_of_the_wheel_runs_its_examples(installed, tmp_path):
    models = make_models(tmp_path / "models")
    examples = [name_models(block.text, models) for block in blocks("python", "library.md")]
    script = tmp_path / "examples.py"
    script.write_text("\n".join([*examples, "import prmscale; print(prmscale.__file__)"]))
    done = run(installed / "python", script, cwd=tmp_path)
    assert len(examples) >= 5
    assert Path(done.stdout.splitlines()[-1]).is_relative_to(installed.parent)
