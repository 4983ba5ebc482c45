"""Nothing that others wrote is run: no pickles, no code of models, no shell, no HTML."""

import ast
import json
import re
from types import SimpleNamespace

import pandas as pd
import pytest
import tiny
import torch
import yaml
from browser import browsed, opened
from pipeline import ROOT, copy_project, snakemake
from pydantic import TypeAdapter, ValidationError
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from prmscale.cards.head import Base
from prmscale.compare.page import Comparison
from prmscale.compare.page import render as render_comparison
from prmscale.engines.backends.loading import load_pretrained
from prmscale.errors import UserError
from prmscale.explorer.data import Tables, describe
from prmscale.explorer.page import assemble
from prmscale.policies.card import card_of_converted
from prmscale.rewards.card import card_of_released
from prmscale.search.benchmarks import Benchmark
from prmscale.study import Name, ReleasedPolicy, Study
from prmscale.tasks.base import Problem
from prmscale.tasks.benchmarks.sources import PUBLISHED

PICKLES = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
CALLS = {"eval", "exec", "torch.load", "yaml.load", "os.system", "os.popen"}
CALLS |= {"yaml.full_load", "yaml.unsafe_load", "pd.read_pickle", "subprocess.getoutput"}
METHODS = {"load_state", "register_for_checkpointing", "to_pickle", "create_subprocess_shell"}
KEYS = {"allow_pickle", "shell", "trust_remote_code"}
# where one of them stands, and why it may
ALLOWED = {
    ("livecodebench.py", "pickle"): "its unpickler refuses every class and function",
    ("parallel.py", "pickle"): "what a job sends to its own members on other nodes",
    ("plugins.py", "exec"): "files that the configuration names",
    ("sandbox_worker.py", "eval"): "in the sandbox",
    ("sandbox_worker.py", "exec"): "in the sandbox",
    ("train.py", "load_state"): "a training's own state; accelerate reads weights alone",
}
ATTACK = "</script><script>window.hit = 1</script><img src=x onerror='window.hit = 1'> | `x` [a](b)"


def find_dangers(tree):
    """What in a module could run code that others wrote, or hand a text to a shell."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [getattr(node, "module", None), *(alias.name for alias in node.names)]
            yield from PICKLES & {str(name).split(".")[0] for name in names}
        elif isinstance(node, ast.Call):
            called, given = ast.unparse(node.func), {each.arg: each.value for each in node.keywords}
            yield from CALLS & {called}
            yield from METHODS & {called.rpartition(".")[2]}
            yield from (key for key in KEYS & given.keys() if ast.unparse(given[key]) != "False")
            # asked of nothing, transformers asks the terminal whether to run a model's code
            if (
                re.match(r"(Auto\w+|auto)\.from_pretrained$", called)
                and "trust_remote_code" not in given
            ):
                yield called


def test_nothing_that_others_wrote_is_run_but_where_it_is_named():
    found = set()
    for path in sorted((ROOT / "workflow").rglob("*.py")):
        found |= {(path.name, danger) for danger in find_dangers(ast.parse(path.read_text()))}
    assert found == ALLOWED.keys()


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "eval(text)",
        "torch.load(file)",
        "np.load(file, allow_pickle=True)",
        "subprocess.run(text, shell=True)",
        "yaml.load(text, Loader)",
        "AutoModel.from_pretrained(name)",
        "auto.from_pretrained(name, trust_remote_code=given)",
    ],
)
def test_what_runs_code_is_found(code):
    assert [*find_dangers(ast.parse(code))]


def test_no_rule_has_a_shell_command():
    for path in (ROOT / "workflow").rglob("*.smk"):
        assert not re.search(r"^\s*shell:|\bshell\(", path.read_text(), re.MULTILINE), path.name


def test_the_pages_scripts_make_no_html_of_texts():
    scripts = [path.read_text() for path in (ROOT / "workflow").rglob("*.js")]
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
    assert scripts and not any(re.search(forbidden, text) for text in scripts)


def test_weights_are_read_from_safetensors_alone(tmp_path):
    folder = tiny.saved(tmp_path / "model", width=8)
    weights = load_file(folder / "model.safetensors")
    torch.save(weights, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(UserError, match=r"no file named model\.safetensors.*must be safetensors"):
        load_pretrained(AutoModelForCausalLM, folder)


@pytest.mark.parametrize(
    "name", ["a;b", "$(id)", "`id`", "a b", "a'b", "<b>", "a|b", "-a", "a\n", "../a"]
)
def test_no_name_of_the_configuration_means_something_to_a_shell_or_a_page(name):
    with pytest.raises(ValidationError, match="pattern"):
        TypeAdapter(Name).validate_python(name)


def test_all_that_has_a_name_is_named_so():
    schema = Study.model_json_schema()
    pattern = TypeAdapter(Name).json_schema()["pattern"]
    named = {
        kind: part["properties"]["name"]
        for kind, part in schema["$defs"].items()
        if "name" in part.get("properties", {})
    }
    assert {kind for kind, name in named.items() if name.get("pattern") != pattern} == set()
    assert len(named) >= 8 and schema["properties"]["study"]["pattern"] == pattern


@pytest.mark.study
def test_a_path_reaches_no_shell(tmp_path):
    folder = copy_project(tmp_path)
    name = "a $(touch hit) `touch hit` ; touch hit; 'b"
    rows = [{"question": f"{n} + 1?", "answer": f"#### {n + 1}"} for n in range(40)]
    (folder / f"{name}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    smoke = yaml.safe_load((folder / "workflow/studies/smoke.yaml").read_text())
    mine = {
        "name": "mine",
        "source": "gsm8k",
        "path": f"{name}.jsonl",
        "train": 4,
        "validation": 4,
        "test": 4,
    }
    overlay = {"datasets": [*smoke["datasets"], mine]}
    (folder / "mine.yaml").write_text(yaml.safe_dump(overlay))
    target = "results/smoke/problems/mine.parquet"
    done = snakemake(folder, target, "--configfile", "workflow/studies/smoke.yaml", "mine.yaml")
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(pd.read_parquet(folder / target)) == 12 and not (folder / "hit").exists()


def make_explorer():
    """The page of a study in which every text is an attack."""
    problem = Problem(f"d/test/{ATTACK}", "math", "test", ATTACK, ATTACK, None, 1, "toy", "none")
    solution = {
        "problem_id": problem.problem_id,
        "solution_id": 0,
        "steps": [ATTACK],
        "answer": ATTACK,
    }
    solution |= {"correct": False, "finish_reason": "stop", "tokens": 3}
    task = SimpleNamespace(is_right=lambda *_: None)
    shown = Benchmark(ATTACK, ATTACK, [problem], pd.DataFrame([solution]), task, None, 1)
    none = pd.DataFrame()
    facts = {"study": ATTACK, "aggregation": "min", "first_model": ""}
    return assemble(describe([("test", shown)], Tables(none, none, none, none), facts))


def make_comparison():
    """The page of a comparison of studies, likewise."""
    study = SimpleNamespace(
        name=ATTACK, study=SimpleNamespace(analysis=SimpleNamespace(level=0.95))
    )
    none = pd.DataFrame()
    return render_comparison(
        Comparison([study], pd.DataFrame([[ATTACK, ATTACK]]), none, none, none)
    )


@pytest.mark.parametrize("make", [make_explorer, make_comparison])
def test_a_page_has_no_markup_of_the_texts_that_it_shows(make):
    page = make()
    assert "<script>window" not in page and "<img" not in page


@pytest.mark.study
@browsed
@pytest.mark.parametrize("make", [make_explorer, make_comparison])
def test_a_browser_shows_texts_as_they_are(make, tmp_path):
    (tmp_path / "page.html").write_text(make())
    with opened(tmp_path / "page.html", waits_for="h1") as tab:
        tab.get_by_text("window.hit = 1").first.wait_for()
        assert tab.evaluate("window.hit") is None and tab.faults == []


def test_a_card_has_no_markup_of_others():
    base = Base("a/b", ATTACK)
    facts = {"reward_model": "p", "released": {"model": ATTACK}}
    converted = ReleasedPolicy(name="q", model=ATTACK, gguf_file=ATTACK)
    for card in (card_of_released(facts, base), card_of_converted(converted, base)):
        assert not re.search(r"<script|<img|\[a\]", card.split("---\n")[-1])


def test_the_licences_of_all_packages_and_data_are_listed():
    """`make licences` writes the page."""
    page = (ROOT / "docs/licences.md").read_text()
    locks = [lock.read_text() for lock in (ROOT / "envs").glob("*.txt")]
    locked = {
        name
        for lock in locks
        for name in re.findall(r"^([\w.-]+)(?:\[.*\])?==", lock, re.MULTILINE)
    }
    listed = re.findall(r"^\| ([\w.-]+) \|", page, re.MULTILINE)
    assert {*listed} - {"package"} == locked and len(listed) == len({*listed})
    for source, data in PUBLISHED.items():
        row = next(line for line in page.splitlines() if f"`{source}`" in line)
        assert data.hub in row and row.endswith(f"| {data.licence} |")
