"""What README and docs tell readers to type works: commands and overlays are planned, Python is
run.
"""

import json
import re
import shlex
import shutil
import subprocess
import sys

import pandas as pd
import pytest
from documents import PAGES, blocks, commands, headings
from example_models import make_models, name_models
from model_configs import QWEN_HALF_B
from pipeline import ROOT, copy_project, snakemake

# commands that no test runs, and why
EXCEPTIONS = {
    "git clone URL prmscale": "needs the repository's address",
    "cd prmscale": "follows the clone",
    "conda env create -f envs/vllm.yaml -p .venv-vllm": "needs conda",
    "snakemake --cores 2 --sdm conda": "needs conda",
    "docker build -f envs/Dockerfile -t prmscale .": "needs Docker",
    "docker run --rm -v $PWD/results:/prmscale/results prmscale snakemake --cores "
    "2": "needs Docker",
    "apptainer build envs/prmscale.sif envs/apptainer.def": "needs Apptainer",
    'snakemake --cores 2 --sdm apptainer --apptainer-args "--nv --bind /shared"': "needs Apptainer",
    "export HF_HOME=/shared/huggingface": "sets a variable",
    "export HF_HUB_OFFLINE=1": "sets a variable",
    "python -m prmscale.fetch config.yaml mine.yaml": "needs the hub; see tests/fetch",
    "snakemake --report report.html": "needs finished results",
    "PYTHONPATH=workflow python tests/gpu/accept.py": "needs a GPU",
    "pip install dist/prmscale-0.2.0-py3-none-any.whl": "see test_release.py",
    "prmscale deploy mine": "see test_release.py",
    "snakemake --unlock": "needs a run that was killed",
}
SNAKEMAKE = ("snakemake ", ".venv/bin/snakemake ")
# what the examples call a model or file, and what stands for it here
MODELS = ["/models/mine-1.5b", "/models/prm-7b"]
FILES = ["gsm8k_train.jsonl", "gsm8k_test.jsonl", "math_shepherd.jsonl"]
FILES += ["model_solutions.jsonl", "train_solutions.jsonl"]
NAMED = re.compile(r"`((?:workflow|prmscale|tests|envs|docs|benchmarks)/[\w./-]+)[` ]")
LINK = re.compile(r"\[[^\]]*\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)")


def overlays():
    """The overlays by file name; those without a name are called by their study."""
    found = {}
    for block in blocks("yaml"):
        study = re.search(r"^study: (\S+)$", block.text, re.MULTILINE)
        assert block.file or study, f"{block.page}, {block.heading}: a block without study: NAME"
        found[block.file or f"{study.group(1)}.yaml"] = block.text
    return found


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project with every overlay of the documents, and the models and files that they
    name.
    """
    folder = copy_project(tmp_path_factory.mktemp("documents"))
    model = folder / "model"
    model.mkdir()
    (model / "config.json").write_text(json.dumps({"model_type": "qwen2", **QWEN_HALF_B}))
    (folder / "data").mkdir()
    for name in FILES:
        row = {"question": "1 + 1?", "answer": "#### 2"}
        (folder / "data" / name).write_text(json.dumps(row) + "\n")
    for plugin in (ROOT / "tests/cases/plugins").glob("*.py"):
        shutil.copy(plugin, folder)
    for name, text in overlays().items():
        for placeholder in MODELS:
            text = text.replace(placeholder, str(model))
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("command", [c for c in commands() if c.startswith("make ")])
def test_make_commands_have_targets_and_variables(command):
    makefile = (ROOT / "Makefile").read_text()
    _, *words = shlex.split(command)
    for word in words:
        name, assigned, _ = word.partition("=")
        pattern = rf"^{name}\s*\?=" if assigned else rf"^{name}:"
        assert re.search(pattern, makefile, re.MULTILINE), f"{name} is not in the Makefile"
    words.append(f"PYTHON={sys.executable}")  # make need not look for it
    done = subprocess.run(["make", "-n", *words], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.study
@pytest.mark.parametrize(
    "command",
    [c for c in commands() if c.startswith(SNAKEMAKE) and c not in EXCEPTIONS],
)
def test_snakemake_commands_make_a_plan(command, project):
    done = snakemake(project, *shlex.split(command)[1:], "--dry-run")
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]


def test_every_other_command_is_a_known_exception():
    others = {c for c in commands() if not c.startswith(("make ", *SNAKEMAKE))}
    assert others <= EXCEPTIONS.keys()
    assert EXCEPTIONS.keys() <= set(commands()), "an exception that no document has"


@pytest.mark.study
@pytest.mark.parametrize("name", [name for name in overlays() if name != "local.yaml"])
def test_overlays_make_a_plan(name, project):
    done = snakemake(project, "--dry-run", "--configfile", name)
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    study = re.search(r"^study: (\S+)$", (project / name).read_text(), re.MULTILINE)
    assert f"results/{study.group(1)}/claims.md" in done.stdout


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return make_models(tmp_path_factory.mktemp("models"))


SMALL = {
    "device": "cpu",
    "datasets": [
        {"name": "gsm8k", "source": "gsm8k", "path": "data/sums_{split}.jsonl",
         "train": 8, "validation": 4, "test": 4},
    ],
    "policies": {"sampling": {"max_tokens": 16}},
    "rewards": {"training": {"steps": 4, "batch": 4}},
    "search": {"budgets": [1, 2, 4], "evaluations": [
        {"policy": "mine", "datasets": ["gsm8k"], "samples": 4},
    ]},
}  # fmt: skip


@pytest.mark.study
def test_the_overlay_of_the_readme_runs_with_small_models(tmp_path, models):
    """Policy, released PRM and benchmark rows in the formats of real ones, to figures and claims;
    another overlay makes the study small.
    """
    folder = copy_project(tmp_path)
    (folder / "data").mkdir()
    for split, numbers in {"train": range(100), "test": range(200, 204)}.items():
        rows = [{"question": f"{n} + 1?", "answer": f"We add.\n#### {n + 1}"} for n in numbers]
        lines = [json.dumps(row) + "\n" for row in rows]
        (folder / f"data/sums_{split}.jsonl").write_text("".join(lines))
    text = overlays()["mine.yaml"]
    chat, released = "HuggingFaceTB/SmolLM2-135M-Instruct", "Qwen/Qwen2.5-Math-PRM-7B"
    for placeholder, name in zip(MODELS, (chat, released), strict=True):
        text = text.replace(placeholder, str(models[name]))
    (folder / "mine.yaml").write_text(text)
    (folder / "small.yaml").write_text(json.dumps(SMALL))
    done = snakemake(folder, "--configfile", "mine.yaml", "small.yaml")
    assert done.returncode == 0, done.stderr[-3000:]
    accuracies = pd.read_csv(folder / "results/mine/figures/controls.csv")
    assert {"largest PRM (mine)", "released (released)"} <= set(accuracies.selection)
    assert "of gsm8k" in (folder / "results/mine/claims.md").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("block", blocks("python", "library.md"), ids=lambda block: block.heading)
def test_examples_of_the_library_run_in_under_fifteen_lines(block, models):
    assert len(block.lines) < 15
    names: dict = {}
    exec(name_models(block.text, models), names)
    if "scores" in names:
        assert len(names["scores"]) >= 2 and all(0 <= each <= 1 for each in names["scores"])
    if "found" in names:
        assert len(names["found"].scores) == len(names["found"].steps)
        assert names["found"].tokens > 0
    if "labels" in names:
        assert list(names["labels"].step) == [0, 1] and names["labels"].label[1] == 1
    assert {"scores", "found", "labels", "score"} & names.keys()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    for target, anchor in LINK.findall(text):
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), f"{page.name}: {target} does not exist"
        if anchor and path.suffix == ".md":
            anchors = map(slug, headings(path.read_text(encoding="utf-8")))
            assert anchor in anchors, f"{page.name}: {target} has no heading #{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_a_page_names_exist(page):
    named = NAMED.findall(page.read_text(encoding="utf-8"))
    paths = [name for name in named if not re.search("NAME|STUDY", name)]
    folders = [ROOT / "workflow" if name.startswith("prmscale/") else ROOT for name in paths]
    missing = [n for folder, n in zip(folders, paths, strict=True) if not (folder / n).exists()]
    assert not missing


def slug(heading):
    """A heading's anchor, on GitHub and on the site alike."""
    return re.sub(r"[^\w\s-]", "", heading.lower()).strip().replace(" ", "-")


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150
