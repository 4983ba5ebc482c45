"""Strategies that break the rules of requests: each ends with its name and what it must do."""

import pytest
from scripted import CoinPolicy, PerfectScorer, grade, problem

from prmscale.engines.requests import NOTHING, Choice, Extend, Incumbent, Score
from prmscale.errors import UserError
from prmscale.search import STRATEGIES, TREE_STRATEGIES, Entry, TreeEntry
from prmscale.search.evaluate import Engines, evaluate, search_trees
from prmscale.study import TreeSearch


@pytest.mark.parametrize(
    ("requests", "said"),
    [
        (["abc"], r"test_nonsense.py:\d+: strategy start yields 'abc', and must yield a request"),
        ([None], "yields None, and must yield a request: Extend, Score"),
        ([Score([("1",)])], "asks for step scores, and runs without a reward model"),
        ([Incumbent(None)], "yields an Incumbent, and chooses among samples"),
        ([], "strategy new: it must yield a Choice for each variant and budget"),
        ([Choice(3, [[NOTHING]])], r"which are \[\('', 1\), \('', 2\)\]; .* yields \[\('', 3\)\]"),
        ([Choice(1, [[NOTHING]])] * 2, "a Choice for each variant and budget"),
        ([Choice(1, [[NOTHING]], variant="min")], "a Choice for each variant and budget"),
        ([Choice(1, [[NOTHING]]), Choice(2, [[]])], "picks no solution"),
        ([Choice(1, [[NOTHING]]), Choice(2, [])], "picks no solution"),
    ],
)
def test_a_strategy_over_samples(monkeypatch, requests, said):
    def start(budgets):
        yield from requests

    monkeypatch.setitem(STRATEGIES, "new", Entry(start, scored=False))
    with pytest.raises(UserError, match=said):
        evaluate([problem()], Engines(CoinPolicy(), None, grade), ["new"], [], [1, 2])


def ask_for_ever():
    while True:
        yield Extend([()], 1, "step")


def ask_once():
    yield Extend([()], 1, "step")


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (ask_for_ever, "strategy ask_for_ever goes on without end where its budget is spent"),
        (ask_once, "strategy new: it ended without yielding an Incumbent"),
    ],
)
def test_a_strategy_step_by_step(monkeypatch, start, said):
    entry = TreeEntry(lambda budget, aggregate, options: start(), anytime=True)
    monkeypatch.setitem(TREE_STRATEGIES, "new", entry)
    options = TreeSearch().model_copy(update={"strategies": ["new"]})
    engines, costs = Engines(CoinPolicy(), PerfectScorer(), grade), {problem().problem_id: 3.0}
    with pytest.raises(UserError, match=said):
        search_trees([problem()], engines, options, [1], costs, trees=0)
