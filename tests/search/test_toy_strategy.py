"""A strategy is a generator and one line in its registry, over whole samples or over steps."""

from scripted import CoinPolicy, PerfectScorer, grade, problem

from prmscale.engines.aggregation import AGGREGATIONS
from prmscale.engines.requests import Score
from prmscale.search import STRATEGIES, TREE_STRATEGIES, Entry, TreeEntry, samples
from prmscale.search.evaluate import Engines, evaluate, search_trees
from prmscale.search.tree import Forest
from prmscale.study import TreeSearch

PROBLEMS, ENGINES = [problem(0), problem(1)], Engines(CoinPolicy(), PerfectScorer(), grade)


def worst_of_n(budgets, aggregates):
    drawn = yield from samples.draw(budgets[-1])
    scores = yield Score([sample.steps for sample in drawn])
    for name, by in aggregates.items():
        worst = samples.highest([-by(each) for each in scores])
        yield from samples.choose(drawn, budgets, worst, name)


def greedy(by, width):
    forest = Forest(by)
    node = forest.plant()
    while not node.whole:
        node = max((yield from forest.widen(node, width)), key=lambda child: child.score)
    yield forest.incumbent(node)


def test_toy_strategies_run_by_name(monkeypatch):
    monkeypatch.setitem(STRATEGIES, "worst_of_n", Entry(worst_of_n, True, AGGREGATIONS))
    monkeypatch.setitem(TREE_STRATEGIES, "greedy", TreeEntry(lambda n, by, o: greedy(by, 8), True))
    rows = evaluate(PROBLEMS, ENGINES, ["worst_of_n"], ["min"], [1, 16])
    assert not rows[rows.budget == 16].correct.any() and len(rows) == 4
    options = TreeSearch().model_copy(update={"strategies": ["greedy"]})
    costs = {each.problem_id: 100.0 for each in PROBLEMS}
    rows, nodes = search_trees(PROBLEMS, ENGINES, options, [1], costs, trees=1)
    assert rows.correct.all() and nodes.chosen.sum() == 4
