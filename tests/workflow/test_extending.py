"""The examples of docs/extending.md: each new part works by its module and its line alone."""

import pandas as pd
import pytest
from documents import blocks
from scripted import CoinPolicy, PerfectScorer, grade, problem
from transformers import LlamaConfig, LlamaForTokenClassification

from prmscale import figures, library, search
from prmscale.engines.aggregation import AGGREGATIONS
from prmscale.engines.backends import released_scorer
from prmscale.engines.scheduler import Run, run
from prmscale.labels import methods
from prmscale.results import Results
from prmscale.study import CodeExecution, Dataset, ReleasedRewardModel, TreeSearch, World
from prmscale.tasks import registry
from prmscale.tasks.world.corpus import build_tokenizer


@pytest.fixture
def registries(monkeypatch):
    """Copies of the registries, which the examples may change."""
    for module, name in (
        (registry, "TASKS"),
        (search, "STRATEGIES"),
        (search, "TREE_STRATEGIES"),
        (released_scorer, "FORMATS"),
        (methods, "METHODS"),
        (figures, "FIGURES"),
    ):
        monkeypatch.setattr(module, name, dict(getattr(module, name)))


def extend(heading):
    """Run the examples under a heading of extending.md; returns the names that they define."""
    names: dict = {}
    for block in blocks("python", "extending.md"):
        if block.heading == heading:
            assert len(block.lines) < 40
            exec(block.text, names)
    return names


def test_the_example_of_a_task(registries):
    extend("A task")
    dataset = Dataset(name="toy", source="gsm8k").model_copy(update={"source": "sums"})
    task = registry.build(dataset, World(), CodeExecution())
    two = task.load("test", 2, seed=3)
    assert [each.prompt for each in two] == ["20000 + 3 =", "20001 + 4 ="]
    assert [g.correct for g in task.grade(two, ["so 20003", ""])] == [True, False]


def test_the_examples_of_strategies(registries):
    extend("A strategy")
    over_samples = search.STRATEGIES["shortest"].start([1, 4])
    entry, by = search.TREE_STRATEGIES["greedy"], AGGREGATIONS["min"]
    by_steps = Run(problem(), entry.start(2, by, TreeSearch(expansion=8)), 2, 100.0)
    whole, stepwise = run([(problem(), over_samples), by_steps], CoinPolicy(), PerfectScorer())
    assert [each.choice.budget for each in whole.choices] == [1, 4]
    assert stepwise.choices[-1].choice.picks[0][0].steps == ("1", "1", "1")


def test_the_example_of_a_format(registries, tmp_path):
    extend("A PRM format")
    tokenizer = build_tokenizer(World())
    tokenizer.save_pretrained(tmp_path)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=24, num_hidden_layers=1,
        num_attention_heads=2,
    )  # fmt: skip
    LlamaForTokenClassification(config).save_pretrained(tmp_path)
    known = ReleasedRewardModel(name="toy", model=str(tmp_path), format="trl")
    prm = released_scorer.ReleasedScorer(known.model_copy(update={"format": "numbered"}), "cpu")
    assert len(library.score(prm, "a is 4 :", ["b = 4", "answer 4"])) == 2


def test_the_example_of_a_label_method(registries):
    extend("A label method")
    solutions = [("1", "1"), ("0", "1")]
    labels = methods.METHODS["outcome"](solutions, [True, True], 0, None)
    (done,) = run([(problem(), labels)], grader=grade)
    assert {prefix: each.label for prefix, each in done.result.items()} == {
        ("1",): True, ("1", "1"): True, ("0",): False, ("0", "1"): False,
    }  # fmt: skip


def test_the_example_of_a_figure(registries, tmp_path):
    drawn = extend("A figure")
    rows = {"strategy": "best_of_n", "dataset": "d", "budget": [1, 2], "policy_tokens": [9, 18]}
    figure, data = drawn["draw"](Results(search=pd.DataFrame(rows)), None)
    figure.savefig(tmp_path / "figure.png")
    assert data["policy_tokens"].tolist() == [9, 18] and figures.FIGURES["tokens"] == ("search",)
