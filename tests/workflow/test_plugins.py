"""Plugins: where their names are valid, what is said of faults, and which jobs a change reaches."""

import re

import pandas as pd
import pytest
import yaml
from pipeline import ROOT, SMOKE, copy_project, jobs, snakemake

from prmscale import configuration, plugins
from prmscale.cost import work
from prmscale.errors import UserError
from prmscale.plan.plan import Plan
from prmscale.plan.uses import Uses
from prmscale.search import STRATEGIES
from prmscale.study import Study, list_names

CASES = ROOT / "tests/cases/plugins"
STRATEGY = """from prmscale.search import register_strategy

@register_strategy("{name}", scored={scored})
def start({arguments}):
    {body}
"""


NAMES = ["sums", "shortest", "greedy", "numbered", "outcome"]


def mine(**changes):
    """A study that names all cases."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    config |= {"plugins": [str(CASES / f"{name}.py") for name in NAMES]}
    config["datasets"].append({"name": "sums", "source": "sums", "train": 4, "test": 4})
    config["rewards"]["data"].append({"name": "new", "datasets": ["sums"], "labels": "outcome"})
    config["rewards"]["models"] += [{"name": "learnt", "base": "m", "data": "new"}]
    released = {"name": "theirs", "model": "hub/name", "format": "numbered"}
    config["rewards"]["released"] = [released]
    config["search"]["strategies"] = ["one_sample", "best_of_n", "shortest"]
    config["search"]["evaluations"][0]["datasets"].append("sums")
    config["search"]["tree"]["strategies"] = ["beam", "greedy"]
    return config | changes


def test_names_of_plugins_are_valid_and_planned_like_those_of_the_package(load):
    config = mine()
    study = configuration.load(config)
    assert study.dataset("sums").source == "sums" and study.plugins == config["plugins"]
    assert configuration.load(study.model_dump(mode="json")) == study  # as it is stored
    assert Plan(study).strategies(scored=False) == ["one_sample", "shortest"]
    config["rewards"]["released"] = []  # the cost needs a model that is here
    priced = {each.name for each in work.jobs(configuration.load(config))}
    assert {"m.sums.outcome", "both-m.m.sums"} <= priced


def test_a_misspelt_name_is_answered_with_that_of_a_plugin(load):
    config = mine()
    config["search"]["strategies"] = ["shortst"]
    with pytest.raises(UserError, match=r"'oracle' or 'shortest'\. Did you mean 'shortest'"):
        configuration.load(config)


def test_the_schema_completes_names_and_accepts_others():
    source = Study.model_json_schema()["$defs"]["Dataset"]["properties"]["source"]
    declared, others = source["anyOf"]
    assert "gsm8k" in declared["enum"] and others == {
        "type": "string", "pattern": "^[a-z][a-z0-9_]*$",
    }  # fmt: skip


def write(name="new", scored=False, arguments="budgets", body="yield"):
    return STRATEGY.format(name=name, scored=scored, arguments=arguments, body=body)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\ndef f(:\n", ":2: not valid Python: invalid syntax"),
        ("\nimport not_installed\n", ":2: No module named 'not_installed'. A plugin is one file"),
        ("from prmscale.search import f\n", ":1: the plugin fails: ImportError: cannot import"),
        ("x = 1\n\nx / 0\n", ":3: the plugin fails: ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)\n", ":1: the plugin fails: SystemExit: 3"),
        (write("best_of_n"), ":3: strategy 'best_of_n': this name is taken: choose another"),
        (write("mcts"), ":3: strategy 'mcts': this name is taken"),
        (write("base_likelihood"), ":3: strategy 'base_likelihood': this name is taken"),
        (write("New"), ":3: strategy 'New': a name consists of a-z, 0-9 and _"),
        (write(scored=True), r":3: start must take the arguments \(budgets, aggregates\): too"),
        (write(body="return 1"), ":3: start must be a generator"),
        (
            "from prmscale.tasks.registry import register_task\n@register_task('new')\nclass A:\n"
            "    def __init__(self, dataset, world, execution): ...\n",
            ":2: A.domain is None: it must be one of math, code",
        ),
        (
            "from prmscale.engines.backends.released_scorer import register_format, Format\n"
            "register_format('new')(Format)\n",
            ":2: Format must have `model`",
        ),
        (
            "from prmscale.labels.methods import register_label_method\n"
            "@register_label_method('compare')\ndef f(solutions, complete, rollouts, decision):\n"
            "    yield\n",
            ":2: method 'compare': this name is taken",
        ),
    ],
)  # fmt: skip
def test_a_faulty_plugin_is_reported_with_its_line(load, text, said):
    with pytest.raises(UserError, match=f"faulty.py{said}"):
        load("faulty", text)


def test_a_plugin_that_fails_leaves_nothing(load):
    with pytest.raises(UserError, match=r"faulty\.py:7: the plugin fails: NameError"):
        load("faulty", f"{write('kept')}\nx / 0")
    assert "kept" not in STRATEGIES and "kept" not in list_names("strategy")


def test_a_fault_of_a_plugin_is_placed_in_the_configuration(load, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("study: x\nplugins: [no.py]\nsearch: {strategies: [shortest]}\n")
    with pytest.raises(UserError) as error:
        configuration.load(yaml.safe_load(file.read_text()), [file])
    _, *faults = str(error.value).splitlines()
    assert [fault.partition("mine.yaml")[2] for fault in faults] == [
        ':2: plugins[0] = "no.py": no.py: cannot be read: No such file or directory.'
    ]


def test_a_module_beside_a_plugin_is_refused(load, tmp_path, monkeypatch):
    (tmp_path / "beside_it.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match=r"it imports .*beside_it.py, and no job would notice"):
        load("plugin", "import beside_it\n")


def test_a_plugin_runs_once_and_again_when_it_has_changed(load):
    path = load("new", write() + "\nprint('runs')")
    first, used = STRATEGIES["new"], plugins.find_used({"strategy": ["new", "majority"]})
    assert load("new", write() + "\nprint('runs')") == path and STRATEGIES["new"] is first
    plugins.load_unchanged(used)
    load("new", write("newer"))
    assert "newer" in STRATEGIES and "new" not in STRATEGIES
    with pytest.raises(UserError, match="has changed since the run was planned"):
        plugins.load_unchanged(used)


def list_uses(study):
    """The plugins of every kind of job."""
    uses = Uses(Plan(study))
    return {
        "build": uses.grade("sums"),
        "build_other": uses.grade("arithmetic"),
        "label": uses.label("sums", "outcome"),
        "label_other": uses.label("arithmetic", "monte_carlo"),
        "train": uses.train("learnt"),
        "train_other": uses.train("both-m"),
        "describe": uses.read("theirs"),
        "without": uses.search_unscored(),
        "search": uses.search("theirs"),
        "search_other": uses.search("both-m"),
        "trees": uses.search_trees("both-m", "sums"),
        "trees_other": uses.search_trees("both-m", "arithmetic"),
        "compare": uses.compare(),
        "config": uses.list_all(),
    }


@pytest.mark.parametrize(
    ("name", "reached"),
    [
        ("sums", {"build", "label", "without", "search", "search_other", "trees"}),
        ("shortest", {"without", "compare"}),
        ("greedy", {"trees", "trees_other", "compare"}),
        ("numbered", {"describe", "search"}),
        ("outcome", {"label", "train"}),
    ],
)
def test_a_change_reaches_the_jobs_that_use_a_name_and_no_others(load, tmp_path, name, reached):
    paths = [load(each, (CASES / f"{each}.py").read_text()) for each in NAMES]
    study = configuration.load(mine(plugins=paths))
    before = list_uses(study)
    load(name, (CASES / f"{name}.py").read_text() + "# changed\n")
    after = list_uses(study)
    changed = {job for job, used in after.items() if used != before[job]}
    assert changed == {*reached, "config"}


def test_every_rule_that_builds_a_part_by_its_name_has_the_plugins():
    """A name of a part is in the keys of a data set or a released PRM, or among strategies."""
    for file in (ROOT / "workflow/rules").glob("*.smk"):
        for rule in re.split(r"^ *(?:use )?rule ", file.read_text(), flags=re.MULTILINE)[1:]:
            names = r" (dataset|tests|plan|released|strategies)=(?!any_of)|[*][*]LABELLING"
            if re.search(names, rule):
                assert " plugins=" in rule, f"{file.name}: {rule.splitlines()[0]}"


SMALL = {
    "study": "plugged",
    "plugins": ["sums.py", "shortest.py", "greedy.py"],
    "datasets": [
        {"name": "arithmetic", "source": "arithmetic", "train": 8, "validation": 4, "test": 4},
        {"name": "sums", "source": "sums", "test": 4},
    ],
    "policies": {"pretraining": {"tokens": 20_000, "checkpoints": [100], "ladder": [
        {"name": "m", "width": 16, "layers": 2, "heads": 2},
    ]}},
    "labels": {"compare": {"methods": []}},
    "rewards": {
        "training": {"steps": 4, "seeds": 1},
        "data": [{"name": "math", "datasets": ["arithmetic"]}],
        "models": [{"name": "prm", "base": "m", "data": "math"}],
    },
    "search": {
        "evaluations": [{"policy": "m", "datasets": ["arithmetic", "sums"], "samples": 2}],
        "budgets": [1, 2],
        "strategies": ["one_sample", "majority", "shortest", "best_of_n"],
        "tree": {"reward_models": ["prm"], "strategies": ["greedy"]},
        "likelihoods": [],
    },
    "analysis": {"figures": ["fig4"]},
}  # fmt: skip


@pytest.mark.study
def test_a_study_runs_with_plugins_and_again_where_they_change(tmp_path):
    folder = copy_project(tmp_path)
    for name in SMALL["plugins"]:
        (folder / name).write_text((CASES / name).read_text())
    (folder / "small.yaml").write_text(yaml.safe_dump(SMALL))
    study = (*SMOKE, "small.yaml")
    done = snakemake(folder, *study)
    assert done.returncode == 0, done.stderr[-3000:]
    results = folder / "results/plugged"
    found = pd.read_parquet(results / "search/without.parquet")
    assert {"shortest"} <= set(found.strategy) and {"sums"} <= set(found.dataset)
    assert "greedy" in set(pd.read_csv(results / "figures/fig4.csv").strategy)
    stored = (results / "config.yaml").read_text()
    assert f"# plugin shortest.py: {plugins.load(str(folder / 'shortest.py'))}" in stored
    assert jobs(snakemake(folder, *study, "-n")) == {}

    file = folder / "shortest.py"
    file.write_text(file.read_text() + "# changed\n")
    planned = jobs(snakemake(folder, *study, "-n"))
    assert planned.keys() == {
        "all",
        "search_unscored",
        "draw_figure",
        "judge_claims",
        "draw_explorer",
        "store_config",
        "write_data_card",  # it tells the configuration's fingerprint
    }
