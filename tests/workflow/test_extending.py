"""The examples of docs/extending.md: plugins, which work by their files alone, and the lines that
register the same parts in the package.
"""

import pandas as pd
import pytest
from documents import blocks
from pipeline import ROOT
from scripted import CoinPolicy, PerfectScorer, grade, problem
from transformers import LlamaConfig, LlamaForTokenClassification

from prmscale import figures, library, search
from prmscale.engines.backends import released_scorer
from prmscale.labels import methods
from prmscale.labels.labeller import Labeller
from prmscale.results import Results
from prmscale.search.evaluate import Engines, evaluate, search_trees
from prmscale.study import (
    CodeExecution,
    Dataset,
    OmegaTree,
    ReleasedRewardModel,
    TrainingSet,
    TreeSearch,
    World,
)
from prmscale.tasks import registry
from prmscale.tasks.base import Grade
from prmscale.tasks.world.corpus import build_tokenizer

PLUGINS = ["sums", "shortest", "greedy", "numbered", "outcome"]
EXAMPLES = blocks("python", "extending.md")
ENGINES = Engines(CoinPolicy(), PerfectScorer(), grade)


def test_the_plugins_of_the_page_are_the_files_that_the_tests_run():
    shown = {block.file: block.text for block in EXAMPLES if block.file}
    for name in PLUGINS:
        text = (ROOT / f"tests/cases/plugins/{name}.py").read_text()
        assert shown[f"{name}.py"] == f"# {name}.py\n{text}"
        assert len([line for line in text.splitlines() if line]) < 30


def test_a_plugins_task_loads_and_judges_problems(load):
    load("sums")
    dataset = Dataset(name="toy", source="sums", test=2)
    task = registry.build(dataset, World(), CodeExecution())
    two = registry.load_split(task, dataset, "test", seed=3)
    assert [each.prompt for each in two] == ["20000 + 3 =", "20001 + 4 ="]
    grader = registry.Grader({"toy": task})
    assert grader(two, [("so 20003",), ()]) == [Grade("20003", True), Grade(None, False)]


def test_a_plugins_strategy_chooses_among_samples(load):
    load("shortest")
    rows = evaluate([problem()], Engines(CoinPolicy(), None, grade), ["shortest"], [], [1, 4])
    assert rows["budget"].tolist() == [1, 4] and set(rows["strategy"]) == {"shortest"}


def test_a_plugins_strategy_searches_step_by_step(load):
    load("greedy")
    options = TreeSearch(strategies=["greedy"], expansion=8)
    rows, nodes = search_trees([problem()], ENGINES, options, [2], {"toy/test/00000": 50.0}, 1)
    assert rows["correct"].all() and nodes["chosen"].sum() == 4
    found = library.search(CoinPolicy(), PerfectScorer(), "a problem", "greedy", 16, options)
    assert found.steps == ("1", "1", "1")


def test_a_plugins_format_reads_a_score_a_step(load, tmp_path):
    load("numbered")
    tokenizer = build_tokenizer(World())
    tokenizer.save_pretrained(tmp_path)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=24, num_hidden_layers=1,
        num_attention_heads=2,
    )  # fmt: skip
    LlamaForTokenClassification(config).save_pretrained(tmp_path)
    prm = library.load_prm(tmp_path, format="numbered")
    assert ReleasedRewardModel(name="x", model="y", format="numbered") and isinstance(
        prm.format, released_scorer.FORMATS["numbered"]
    )
    assert len(library.score(prm, "a is 4 :", ["b = 4", "answer 4"])) == 2


def test_a_plugins_method_labels_every_step(load):
    load("outcome")
    name = TrainingSet(name="x", datasets=["toy"], labels="outcome").labels
    steps = [["1", "1"], ["0", "1"]]
    solutions = pd.DataFrame(
        {"problem_id": problem().problem_id, "solution_id": [0, 1], "steps": steps}
    ).assign(finish_reason="stop")
    provenance = {"method": name, "decision": "outcome", "policy": "coin", "k": 0}
    method = methods.Method(name, rollouts=0)
    labeller = Labeller(method, None, grade, CoinPolicy(), OmegaTree(), provenance)
    assert labeller.label([problem()], solutions)["label"].tolist() == [1, 1, 0, 0]


@pytest.fixture
def registries(monkeypatch):
    """Copies of the registries, which the lines of the page may change."""
    for module, name in (
        (registry, "TASKS"),
        (search, "STRATEGIES"),
        (search, "TREE_STRATEGIES"),
        (released_scorer, "FORMATS"),
        (methods, "METHODS"),
        (figures, "FIGURES"),
    ):
        monkeypatch.setattr(module, name, dict(getattr(module, name)))


def test_the_lines_of_the_package_register_the_same_parts(load, registries):
    names: dict = {}
    for name in PLUGINS:
        load(name)
    parts = (registry.TASKS, search.STRATEGIES, search.TREE_STRATEGIES, released_scorer.FORMATS)
    names = {cls.__name__: cls for cls in (registry.TASKS["sums"], parts[3]["numbered"])}
    names |= {"shortest": parts[1]["shortest"].start, "greedy": parts[2]["greedy"].start}
    names["outcome"] = methods.METHODS["outcome"]
    before = [dict(part) for part in (*parts, methods.METHODS)]
    (lines,) = (block for block in EXAMPLES if block.heading == "In the package")
    exec(lines.text, names)
    assert [dict(part) for part in (*parts, methods.METHODS)] == before


def test_the_example_of_a_figure(registries, tmp_path):
    drawn: dict = {}
    (example,) = (block for block in EXAMPLES if block.heading == "A figure")
    exec(example.text, drawn)
    rows = {"strategy": "best_of_n", "dataset": "d", "budget": [1, 2], "policy_tokens": [9, 18]}
    figure, data = drawn["draw"](Results(search=pd.DataFrame(rows)), None)
    figure.savefig(tmp_path / "figure.png")
    assert data["policy_tokens"].tolist() == [9, 18] and figures.FIGURES["tokens"] == ("search",)
