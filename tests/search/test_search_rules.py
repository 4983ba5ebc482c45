"""Searches against the published rules that they follow, and what they spend of a budget."""

from collections import Counter

import numpy as np
import pytest
from scipy.special import softmax
from scripted import problem
from simulated_search import NoisyScorer, RealLengths, judge

from prmscale.engines.aggregation import AGGREGATIONS
from prmscale.engines.cached import CachedPolicy
from prmscale.engines.requests import Continuation, Extension
from prmscale.engines.scheduler import Run, run
from prmscale.search.beam import beam
from prmscale.search.dvts import dvts
from prmscale.search.evaluate import Engines, search_trees
from prmscale.search.mcts import mcts, uct
from prmscale.search.puct import puct
from prmscale.search.tree import Node
from prmscale.study import Mcts, TreeSearch

PROBLEMS = [problem(i) for i in range(20)]
PRODUCT = AGGREGATIONS["product"]


class Written:
    """The steps of one problem, each prefix's in the order of its draws, and the reward model's
    opinion.
    """

    def __init__(self, of, texts=2):
        self.problem, self.policy, self.taken = of, RealLengths(texts), Counter()

    def draw(self, text):
        """Draw a step: the text with it, and whether that is whole."""
        self.taken[text] += 1
        ((step,),) = self.policy.extend(
            [Extension(self.problem, text, 1, self.taken[text] - 1, "step")]
        )
        return text + step.steps, step.finish_reason is not None

    def score(self, text):
        return PRODUCT(NoisyScorer().score([(self.problem, text)])[0].scores)


def found(strategy, of, texts=2):
    (only,) = run([Run(of, strategy, 1)], RealLengths(texts), NoisyScorer())
    return only.incumbent


def paths(roots):
    """Every tree's way by the best child, the first of equals."""
    for node in roots:
        while node.children:
            node = max(node.children, key=lambda child: child.score)
        yield node.prefix


@pytest.mark.parametrize(("trees", "width"), [(1, 4), (4, 4), (8, 2), (3, 1)])
def test_dvts_is_search_and_learns(trees, width):
    for p in PROBLEMS:
        written, chosen, whole = Written(p), [], []
        for _ in range(trees):
            text, ended = (), False
            while not ended:
                drawn = [written.draw(text) for _ in range(width)]
                whole += [text for text, ended in drawn if ended]
                text, ended = drawn[np.argmax([written.score(text) for text, _ in drawn])]
            chosen.append(text)
        incumbent = found(dvts(PRODUCT, width, trees), p)
        assert list(paths(incumbent.nodes)) == chosen
        assert incumbent.pick.steps == max(whole, key=written.score)


@pytest.mark.parametrize(("n", "width"), [(4, 4), (8, 4), (16, 4), (12, 2)])
def test_beam_search_is_search_and_learns_without_refilling(n, width):
    # the places of ended beams stay empty, and n ended ones are enough: the two departures that
    # `beam` states
    for p in PROBLEMS:
        written, active, whole = Written(p), [()], []
        while active and len(whole) < n:
            each = (
                n if active == [()] else width
            )  # there the n beams begin alike, and are copied to be n again
            drawn = [written.draw(text) for _ in range(each) for text in active]
            whole += [text for text, ended in drawn if ended]
            going = [text for text, ended in drawn if not ended]
            kept = np.argsort([-written.score(text) for text in going], kind="stable")[: n // width]
            active = [going[i] for i in sorted(kept)]
        incumbent = found(beam(n, PRODUCT, width), p)
        assert incumbent.pick.steps == max(whole, key=written.score)


@pytest.mark.parametrize("lowest", [1, 800, 10_000])
def test_puct_is_openrs(lowest):
    luck = np.random.default_rng(lowest)
    for _ in range(200):
        count = luck.integers(1, 6)
        logs, tokens = -lowest * (1 + luck.random(count)), luck.integers(1, 30, count)
        visits, values, scores = luck.integers(0, 4, count), luck.random(count), luck.random(count)
        steps = [
            Continuation((str(i),), None, int(t), float(x))
            for i, (x, t) in enumerate(zip(logs, tokens, strict=True))
        ]
        parent = Node(visits=1 + int(visits.sum()))
        parent.children = [
            Node(step, parent, step, q, visits=int(n), value=v)
            for step, q, n, v in zip(steps, scores, visits, values, strict=True)
        ]
        rate = np.log((parent.visits + 19652 + 1) / 19652) + 1.25
        for averaged, priors in ((True, softmax(logs / tokens)), (False, softmax(logs))):
            bound = np.where(visits, values, scores) + priors * rate * np.sqrt(parent.visits) / (
                visits + 1
            )
            assert puct(19652, 1.25, averaged)(parent) is parent.children[np.argmax(bound)]


class FourSteps(RealLengths):
    """Four steps, right or wrong in one wording each; draws are numbered from `first`."""

    def __init__(self, first=0):
        super().__init__(texts=1)
        self.loops, self.hazard, self.first = 0, [0, 0, 0, 1], first

    def _step(self, name, prefix, number):
        return super()._step(name, prefix, number + self.first)


def test_trees_do_not_starve_each_other_of_steps():
    problems, noisy, last = [problem(i) for i in range(120)], NoisyScorer(0.5), AGGREGATIONS["last"]

    def picks(trees, first=0):
        runs = run([Run(p, dvts(last, 4, trees), 1) for p in problems], FourSteps(first), noisy)
        return [each.incumbent.end for each in runs]

    def accuracy(ends):
        return np.mean([each.correct for each in judge(problems, [end.prefix for end in ends])])

    rates = {trees: accuracy(picks(trees)) for trees in (2, 16)}
    alone = zip(*(picks(1, 1000 * tree) for tree in range(16)), strict=True)
    rates["16 alone"] = accuracy([max(each, key=lambda end: end.score) for each in alone])
    print(rates)
    assert abs(rates[16] - rates["16 alone"]) < 0.06


@pytest.mark.parametrize("unit", ["tokens", "flops"])
def test_every_search_spends_its_budget_and_no_more(unit):
    budgets, problems, policy = [1, 2, 4, 8, 16, 32, 64], PROBLEMS[:6], CachedPolicy(RealLengths())
    samples = policy.extend([Extension(p, (), 64, 0, "end") for p in problems])
    mean = [
        np.mean([c.tokens if unit == "tokens" else 4 * c.tokens for c in group])
        for group in samples
    ]
    costs = {p.problem_id: float(each) for p, each in zip(problems, mean, strict=True)}
    options = TreeSearch(unit=unit, mcts=Mcts(value="rollout"))
    engines = Engines(policy, NoisyScorer(), judge)
    rows, _ = search_trees(problems, engines, options, budgets, costs, 0)
    spent = rows.policy_tokens if unit == "tokens" else rows.flops_cached
    rows["share"] = spent / (rows.budget * rows.problem_id.map(costs))
    rates = rows.groupby(["strategy", "budget"]).share.mean().unstack()
    print(rates.round(3).to_string())
    assert rows.share.max() <= 1 + 1e-12 and rates.min().min() > 0.95


@pytest.mark.parametrize("select", [uct(0.3), puct(19652, 1.25)])
@pytest.mark.parametrize("value", ["prm", "rollout", "both"])
def test_a_tree_search_completes_one_sample_before_it_widens(select, value):
    for p in PROBLEMS:
        ((sample,),) = RealLengths().extend([Extension(p, (), 1, 0, "end")])
        strategy = mcts(PRODUCT, 4, select, Mcts(value=value))
        (only,) = run([Run(p, strategy, 1, float(sample.tokens))], RealLengths(), NoisyScorer())
        assert only.incumbent.pick.steps == sample.steps
        assert only.ledger.cost.policy_tokens == sample.tokens
