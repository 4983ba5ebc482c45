"""Particle filtering: against the paper's algorithm, where it must agree with other searches, and
what it spends.
"""

from collections import Counter

import numpy as np
import pytest
from scripted import BlindScorer, problem
from simulated_search import NoisyScorer, RealLengths, judge

from prmscale import seeds
from prmscale.engines.aggregation import AGGREGATIONS
from prmscale.engines.cached import CachedPolicy
from prmscale.engines.requests import Extension
from prmscale.engines.scheduler import Run, run
from prmscale.search.dvts import dvts
from prmscale.search.evaluate import Engines, search_trees
from prmscale.search.particle_filtering import particle_filtering, weigh
from prmscale.study import TreeSearch

PROBLEMS = [problem(i) for i in range(15)]
PRODUCT = AGGREGATIONS["product"]


def incumbents(strategy, scorer=None, seed=0):
    runs = [Run(each, strategy(), 1) for each in PROBLEMS]
    run(runs, RealLengths(2), scorer or NoisyScorer(), seed=seed)
    return [each.incumbent for each in runs]


@pytest.mark.parametrize(("count", "temperature"), [(1, 1.0), (4, 1.0), (16, 1.0), (8, 0.3)])
def test_it_is_the_papers_algorithm(count, temperature):
    found = incumbents(lambda: particle_filtering(count, PRODUCT, temperature), seed=7)
    for each, incumbent in zip(PROBLEMS, found, strict=True):
        policy, taken, tosses = RealLengths(2), Counter(), 0
        particles, whole = [((), False)] * count, []  # a text, and whether it has ended

        def score(text, each=each):
            return PRODUCT(NoisyScorer().score([(each, text)])[0].scores)

        while not all(ended for _, ended in particles):
            moved = []
            for text in [text for text, ended in particles if not ended]:
                ask = Extension(each, text, 1, taken[text], "step")
                ((step,),) = policy.extend([ask])
                taken[text] += 1
                moved.append((text + step.steps, step.finish_reason is not None))
            whole += [text for text, ended in moved if ended]
            particles = [(text, ended) for text, ended in particles if ended] + moved
            odds = np.array([score(text) / (1 - score(text)) for text, _ in particles])
            theta = odds ** (1 / temperature) / np.sum(odds ** (1 / temperature))
            luck = seeds.generator(7, "toss", each.problem_id, tosses).random(count)
            tosses += 1
            particles = [particles[np.argmax(np.cumsum(theta) > u)] for u in luck]
        assert incumbent.pick.steps == max(whole, key=score)


def test_one_particle_is_one_sample():
    found = incumbents(lambda: particle_filtering(1, PRODUCT, 1.0), BlindScorer())
    for each, incumbent in zip(PROBLEMS, found, strict=True):
        ((sample,),) = RealLengths(2).extend([Extension(each, (), 1, 0, "end")])
        assert incumbent.pick.steps == sample.steps


def test_infinitely_cold_it_is_greedy():
    cold = incumbents(lambda: particle_filtering(5, PRODUCT, 0.0))
    greedy = incumbents(lambda: dvts(PRODUCT, 5, trees=1))
    assert [each.pick for each in cold] == [each.pick for each in greedy]


def test_weights_are_odds():
    assert weigh([0.5, 0.75, 0.2], 1.0) == pytest.approx(np.array([1, 3, 0.25]) / 4.25)
    assert weigh([0.5, 0.75, 0.75], 0.0).tolist() == [0, 1, 0]
    assert weigh([0.5, 0.75], 1e9) == pytest.approx([0.5, 0.5])
    assert weigh([0.0, 1.0], 1.0) == pytest.approx([0.0, 1.0], abs=1e-12)


def test_nodes_tell_their_copies_and_the_colder_the_fewer_survive():
    rates = []
    for temperature in (0.0, 0.5, 1000.0):
        found = incumbents(lambda t=temperature: particle_filtering(16, PRODUCT, t))
        first = [each.nodes[0].children for each in found]
        assert all(len(nodes) == 16 == sum(node.visits for node in nodes) for nodes in first)
        assert [sum(node.value for node in nodes) for nodes in first] == pytest.approx([1.0] * 15)
        rates.append(np.mean([node.visits > 0 for nodes in first for node in nodes]))
    print(rates)
    assert rates[0] == 1 / 16 and rates[0] < rates[1] < rates[2]
    assert abs(rates[2] - (1 - (1 - 1 / 16) ** 16)) < 0.05  # of equal chances


@pytest.mark.parametrize("unit", ["tokens", "flops"])
def test_it_spends_its_budget_and_no_more(unit):
    budgets, problems, policy = [1, 4, 16], PROBLEMS[:6], CachedPolicy(RealLengths())
    samples = policy.extend([Extension(p, (), 64, 0, "end") for p in problems])
    tokens = [
        np.mean([c.tokens for c in group]) * (1 if unit == "tokens" else 4) for group in samples
    ]
    costs = {p.problem_id: float(mean) for p, mean in zip(problems, tokens, strict=True)}
    options = TreeSearch(strategies=["particle_filtering"], unit=unit)
    rows, _ = search_trees(
        problems, Engines(policy, NoisyScorer(), judge), options, budgets, costs, 0
    )
    spent = rows.policy_tokens if unit == "tokens" else rows.flops_cached
    share = spent / (rows.budget * rows.problem_id.map(costs))
    print(share.groupby(rows.budget).mean())
    assert share.max() <= 1 + 1e-12 and share.groupby(rows.budget).mean().min() > 0.95


def test_luck_is_the_seeds_and_neither_the_batchs_nor_the_budgets():
    def read(problems, budgets, seed):
        options = TreeSearch(strategies=["particle_filtering"])
        costs = dict.fromkeys((each.problem_id for each in problems), 300.0)
        engines = Engines(RealLengths(), NoisyScorer(), judge, seed)
        rows, _ = search_trees(problems, engines, options, budgets, costs, 0)
        return rows.set_index(["problem_id", "budget"]).reward_tokens.to_dict()

    every, part = read(PROBLEMS, [4, 8], 0), read(PROBLEMS[3:5], [8], 0)
    assert part == {key: every[key] for key in part}
    assert every != read(PROBLEMS, [4, 8], 1)
