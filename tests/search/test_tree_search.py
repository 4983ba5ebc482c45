"""Search step by step: against best-of-n where it must agree, oracles on scripted trees, and the
budget.
"""

import math

import numpy as np
import pytest
from scripted import CoinPolicy, HashScorer, PerfectScorer, grade, problem
from simulated_search import RealLengths

from prmscale import seeds
from prmscale.engines.aggregation import AGGREGATIONS
from prmscale.engines.cached import CachedPolicy
from prmscale.engines.requests import Continuation
from prmscale.engines.scheduler import Run, run
from prmscale.search.beam import beam
from prmscale.search.best_of_n import best_of_n
from prmscale.search.dvts import dvts
from prmscale.search.evaluate import Engines, search_trees
from prmscale.search.lookahead import lookahead
from prmscale.search.mcts import mcts, uct
from prmscale.search.puct import puct
from prmscale.search.tree import Node
from prmscale.study import Mcts, TreeSearch

PROBLEMS = [problem(i) for i in range(12)]
N = 6


class EveryDrawAnother:
    """Steps that never repeat; a whole draw goes on, after its first step, with draw 0 of what is
    written.
    """

    def __init__(self, length=4):
        self.length = length

    def extend(self, extensions, progress=None):
        return [
            [self._draw(e, draw) for draw in range(e.first_draw, e.first_draw + e.samples)]
            for e in extensions
        ]

    def _draw(self, e, draw):
        steps = ()
        while len(e.prefix) + len(steps) < self.length and not (steps and e.until == "step"):
            number = 0 if steps else draw
            stream = seeds.generator(e.problem.problem_id, *e.prefix, *steps, number)
            steps += (f"{int(stream.random() < 0.6)}{stream.integers(1 << 30)}",)
        whole = len(e.prefix) + len(steps) == self.length
        return Continuation(
            steps, "stop" if whole else None, len(steps), -float(len(steps)), 0.0, 1, 2.0
        )


def answers(strategy, policy=None, scorer=None, problems=PROBLEMS):
    """What an anytime strategy answers in the end, problem by problem."""
    runs = [Run(p, strategy(), 1) for p in problems]
    run(runs, policy or EveryDrawAnother(), scorer or HashScorer(), grade)
    return [each.choices[0].choice.picks[0][0].steps for each in runs]


# a tree search has a step once, so that it is best-of-n where no draw repeats
CASES = [
    (name, policy)
    for name in ("beam", "dvts", "lookahead")
    for policy in (EveryDrawAnother(), RealLengths(2))
]


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
@pytest.mark.parametrize(("name", "policy"), [*CASES, ("mcts", EveryDrawAnother())])
def test_degenerate_settings_are_best_of_n_on_the_same_samples(name, policy, aggregation):
    aggregate = AGGREGATIONS[aggregation]
    plain = run(
        [(p, best_of_n([N], {aggregation: aggregate})) for p in PROBLEMS], policy, HashScorer()
    )
    wanted = [each.choices[0].choice.picks[0][0].steps for each in plain]
    degenerate = {
        "beam": lambda: beam(N, aggregate, expansion=1),
        "dvts": lambda: dvts(aggregate, expansion=1, trees=N),
        "mcts": lambda: mcts(aggregate, N, uct(1.0), Mcts(value="rollout", simulations=N)),
        "lookahead": lambda: lookahead(N, aggregate, expansion=1, depth=0),
    }
    found = answers(degenerate[name], policy)
    scored = [HashScorer().score([*zip(PROBLEMS, each, strict=True)]) for each in (found, wanted)]
    assert [aggregate(one.scores) for one in scored[0]] == [
        aggregate(one.scores) for one in scored[1]
    ]
    assert found == wanted or aggregation == "min"  # of equals a beam meets the shorter one first


class Listed:
    """A tree in which draw number d of any partial solution is its option d modulo `options`."""

    def __init__(self, options=3, depth=4):
        self.options, self.depth = options, depth

    def extend(self, extensions, progress=None):
        return [
            [self._step(e, draw) for draw in range(e.first_draw, e.first_draw + e.samples)]
            for e in extensions
        ]

    def _step(self, e, draw):
        count = 1 if e.until == "step" else self.depth - len(e.prefix)
        steps = tuple(str(draw % self.options) for _ in range(count))
        whole = len(e.prefix) + count == self.depth
        return Continuation(steps, "stop" if whole else None, count, 0.0, 0.0, 1, 1.0)


class Reachable(PerfectScorer):
    """A perfect verifier of one hidden solution a problem: is it still below what is written?"""

    def hidden(self, p):
        return tuple(str(i) for i in seeds.generator("hidden", p.problem_id).integers(3, size=4))

    def of(self, problem, prefix):
        return float(self.hidden(problem)[: len(prefix)] == prefix)


@pytest.mark.parametrize("value", ["prm", "rollout", "both"])
@pytest.mark.parametrize("final", ["best", "visits", "value"])
def test_a_perfect_verifier_leads_tree_search_to_the_only_solution(value, final):
    scorer = Reachable()
    hidden = [scorer.hidden(p) for p in PROBLEMS]
    product = AGGREGATIONS["product"]
    for select in (uct(1.0), puct(19652, 1.25)):
        for backup in ("mean", "max"):
            options = Mcts(value=value, backup=backup, final=final, simulations=120)
            found = answers(
                lambda s=select, o=options: mcts(product, 3, s, o),
                Listed(),
                scorer,
            )
            assert found == hidden


@pytest.mark.parametrize(
    "strategy",
    [
        lambda aggregate: beam(3, aggregate, expansion=3),
        lambda aggregate: dvts(aggregate, expansion=3, trees=1),
    ],
)
@pytest.mark.parametrize("aggregation", ["sum", "last", "min", "product", "mean"])
def test_a_perfect_verifier_leads_greedy_search_to_the_only_solution(strategy, aggregation):
    scorer = Reachable()
    found = answers(lambda: strategy(AGGREGATIONS[aggregation]), Listed(), scorer)
    assert found == [scorer.hidden(p) for p in PROBLEMS]


def test_look_ahead_is_what_candidates_are_ranked_by():
    class Trap(PerfectScorer):
        """The first step `0` looks best, and everything after it is worthless."""

        def of(self, problem, prefix):
            return 0.9 if prefix == ("0",) else 0.5 if len(prefix) == 1 else float(prefix[0] != "0")

    last = AGGREGATIONS["last"]
    (blind,) = answers(lambda: beam(3, last, expansion=3), Listed(depth=2), Trap(), PROBLEMS[:1])
    (ahead,) = answers(
        lambda: lookahead(6, last, expansion=3, depth=1), Listed(depth=2), Trap(), PROBLEMS[:1]
    )
    assert blind[0] == "0" and ahead[0] != "0"


def test_uct_plays_the_bandit_that_brute_force_plays():
    arms = np.array([0.2, 0.5, 0.55])
    counts = np.zeros(3)
    for pull in range(60):  # each arm once, the best first; then the highest bound
        bounds = arms + 0.7 * np.sqrt(np.log(max(pull, 1)) / np.maximum(counts, 1))
        counts[np.argmax(np.where(counts == 0, 10 + arms, bounds))] += 1

    class Arms(PerfectScorer):
        def of(self, problem, prefix):
            return arms[int(prefix[0])]

    strategy = mcts(AGGREGATIONS["last"], 3, uct(0.7), Mcts(simulations=60))
    (found,) = run([Run(PROBLEMS[0], strategy, 1)], Listed(depth=1), Arms(), grade)
    assert [child.visits for child in found.incumbent.nodes[0].children] == counts.tolist()


def test_puct_prefers_what_the_policy_finds_likely():
    parent = Node(Continuation((), None, 0), visits=1)
    steps = [
        Continuation((text,), None, 1, math.log(prior)) for text, prior in (("a", 0.1), ("b", 0.6))
    ]
    parent.children = [Node(step, parent, step, 0.5) for step in steps]
    assert puct(19652, 1.25)(parent).prefix == ("b",)
    parent.children[1].visits, parent.children[1].value = 5, 0.1
    assert puct(19652, 1.25)(parent).prefix == ("a",)


OPTIONS = TreeSearch(reward_models=["x"], expansion=3)
BUDGETS = [1, 2, 4, 8, 16]


def searched(problems=PROBLEMS, policy=None, options=OPTIONS, budgets=BUDGETS, mean=3.0):
    costs = dict.fromkeys((p.problem_id for p in problems), mean)
    engines = Engines(policy or CoinPolicy(), PerfectScorer(), grade)
    return search_trees(problems, engines, options, budgets, costs, 2)


@pytest.mark.parametrize(
    ("unit", "mean", "column"), [("tokens", 3.0, "policy_tokens"), ("flops", 10.0, "flops_cached")]
)
@pytest.mark.parametrize("value", ["prm", "rollout"])
def test_no_strategy_exceeds_a_budget_and_more_budget_is_better(unit, mean, column, value):
    options = OPTIONS.model_copy(update={"unit": unit, "mcts": Mcts(value=value)})
    rows, _ = searched(options=options, mean=mean)
    assert (rows[column] <= mean * rows.budget + 1e-9).all()
    assert set(rows.finish_reason) <= {"stop", "budget"}
    assert not rows.correct[rows.finish_reason == "budget"].any()
    accuracy = rows.groupby(["strategy", "budget"]).correct.mean().unstack()
    assert (accuracy[16] > accuracy[2]).all() and (rows.groupby("strategy").size() == 12 * 5).all()


def test_a_smaller_grid_gives_the_same_results_at_its_budgets():
    whole, _ = searched()
    part, _ = searched(budgets=[1, 4])
    assert part.equals(whole[whole.budget.isin([1, 4])].reset_index(drop=True))


def test_results_depend_neither_on_batches_nor_on_the_cache():
    together, trees = searched()
    cached, _ = searched(policy=CachedPolicy(CoinPolicy()))
    alone, _ = searched(PROBLEMS[:1])
    assert together.equals(cached)
    first = together[together.problem_id == PROBLEMS[0].problem_id].reset_index(drop=True)
    assert first.equals(alone)
    assert set(trees.problem_id) == {p.problem_id for p in PROBLEMS[:2]}


def test_a_cached_policy_draws_nothing_twice():
    drawn = []

    class Counting(CoinPolicy):
        def extend(self, extensions, progress=None):
            for e in extensions:
                drawn.extend(
                    (e.problem.problem_id, e.prefix, e.until, e.first_draw + i)
                    for i in range(e.samples)
                )
            return super().extend(extensions, progress)

    searched(policy=CachedPolicy(Counting()))
    assert len(drawn) == len(set(drawn)) > 100


def test_kept_trees_hold_together():
    rows, trees = searched()
    for (name, strategy), nodes in trees.groupby(["problem_id", "strategy"]):
        by_number = nodes.set_index("node")
        roots = (by_number.parent == -1).sum()
        assert by_number.parent[0] == -1 and (
            roots == 1 if strategy in ("mcts", "puct") else strategy != "dvts" or roots > 1
        )
        assert (by_number.parent < by_number.index).all()
        shares = nodes[nodes.parent >= 0].groupby("parent").prior.sum()
        assert shares.to_numpy() == pytest.approx(1.0)
        path = nodes[nodes.chosen & (nodes.parent >= 0)]
        row = rows[
            (rows.problem_id == name) & (rows.strategy == strategy) & (rows.budget == 16)
        ].iloc[0]
        assert (row.finish_reason == "budget") == path.empty
        assert path.empty or path.step.str.count("1").sum() == int(row.answer)


def test_a_solution_may_have_more_steps_than_calls_may_be_nested():
    node = Node()
    for _ in range(5000):
        node = Node(parent=node)
    assert len(node.path()) == 5001 and node.path()[-1] is node and node.path()[0].parent is None


def test_costs_with_and_without_a_prefix_cache():
    policy = Listed(options=2, depth=2)
    strategy = beam(4, AGGREGATIONS["last"], expansion=2)
    (found,) = run([Run(PROBLEMS[0], strategy, 4)], policy, PerfectScorer(), grade)
    cost = found.choices[0].cost
    # 4 draws of 2 options, then 2 draws below the better one and 2 below its repeat; each of 2 and
    # 2 texts is read once
    assert cost.policy_tokens == 8
    assert cost.reward_tokens == 2 * 1 + 2 * 2
    assert cost.flops == 8 * 1.0 + 2 * 6
    assert cost.flops_cached == 8 * 1.0 + 2 * 4
