"""Runs strategies over a test set and writes down what they chose and spent."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import pandas as pd

from prmscale.engines.aggregation import AGGREGATIONS
from prmscale.engines.ledger import Unit
from prmscale.engines.requests import Incumbent
from prmscale.engines.scheduler import Grader, Policy, Run, Scorer, grade_whole, run
from prmscale.search import STRATEGIES, TREE_STRATEGIES
from prmscale.search.tree import priors
from prmscale.study import TreeSearch
from prmscale.tasks.base import Grade, Problem

Speeds = tuple[float, float]  # seconds a token of the policy and of the reward model


def evaluate(
    problems: Sequence[Problem],
    policy: Policy,
    scorer: Scorer | None,
    grader: Grader,
    strategies: Sequence[str],
    aggregations: Sequence[str],
    budgets: Sequence[int],
    progress: str | None = None,
) -> pd.DataFrame:
    """The search table's rows of every strategy over whole samples (scored ones: with these
    aggregations).

    Without a scorer the strategies that need none are run, with one those that do. `seconds` are
    tokens times what a token of each model took, measured with full batches on this machine;
    nothing else in a row is a measurement.
    """
    rows: list[dict[str, object]] = []
    for name in strategies:
        entry = STRATEGIES[name]
        if entry.scored != (scorer is not None):
            continue
        variants = {
            key: entry.variants[key] for key in (aggregations if entry.scored else entry.variants)
        }
        for some in (
            [{key: value} for key, value in variants.items()] if entry.apart else [variants]
        ):
            asked = [(p, entry.start(budgets, *([some] if some else []))) for p in problems]
            runs = run(asked, policy, scorer, grader, progress)
            speeds = (policy.seconds_per_token, scorer.seconds_per_token if scorer else 0.0)
            for variant in some or [""]:
                for row in _rows(runs, grader, speeds, variant):
                    rows.append({"strategy": name, "aggregation": variant, **row})
    return pd.DataFrame(rows)


def sample_costs(solutions: pd.DataFrame, scorer: Scorer, unit: Unit) -> dict[str, float]:
    """What recorded samples of each problem cost on average; in FLOPs with their reading by the
    reward model.
    """
    costs = solutions["tokens"]
    if unit == "flops":
        read = (solutions["prefix_tokens"] + solutions["tokens"]).map(scorer.shape.forward)
        costs = solutions["flops"] + read
    return {
        str(name): float(mean)
        for name, mean in costs.groupby(solutions["problem_id"]).mean().items()
    }


def search_trees(
    problems: Sequence[Problem],
    policy: Policy,
    scorer: Scorer,
    grader: Grader,
    options: TreeSearch,
    budgets: Sequence[int],
    worth: Mapping[str, float],
    trees: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The search table's rows of every tree strategy, and the trees of the first `trees` problems.

    All strategies, budgets and problems run at once, so that they share the policy's draws and fill
    its batches. A budget of n samples' worth is n times what a sample of the problem costs on
    average, in whole tokens; none is overspent.
    """
    plans: list[tuple[str, str, Run]] = []
    for name in options.strategies:
        start = TREE_STRATEGIES[name].start
        for aggregation in options.aggregations:
            for problem, budget in product(problems, budgets):
                limit = budget * worth[problem.problem_id]
                limit = max(1.0, math.floor(limit)) if options.unit == "tokens" else limit
                strategy = start(budget, AGGREGATIONS[aggregation], options)
                plans.append(
                    (name, aggregation, Run(problem, strategy, budget, limit, options.unit))
                )
    run([each for _, _, each in plans], policy, scorer, grader)
    speeds = (policy.seconds_per_token, scorer.seconds_per_token)
    rows = [
        {"strategy": name, "aggregation": aggregation, **row}
        for name, aggregation, each in plans
        for row in _rows([each], grader, speeds)
    ]
    kept = {p.problem_id for p in problems[:trees]}
    nodes = [
        {
            "problem_id": each.problem.problem_id,
            "strategy": name,
            "aggregation": aggregation,
            **node,
        }
        for name, aggregation, each in plans
        if each.problem.problem_id in kept and each.budget == max(budgets) and each.incumbent
        for node in _nodes(each.incumbent, options.puct.averaged)
    ]
    return pd.DataFrame(rows), pd.DataFrame(nodes)


def _rows(
    runs: Sequence[Run], grader: Grader, speeds: Speeds, variant: str = ""
) -> Iterator[dict[str, object]]:
    """One row for each choice of a variant."""
    for each in runs:
        for stamped in (own for own in each.choices if own.choice.variant == variant):
            picks, cost = stamped.choice.picks, stamped.cost
            judged = iter(
                grade_whole(
                    grader,
                    [each.problem] * sum(map(len, picks)),
                    [c for pick in picks for c in pick],
                )
            )
            grades = [[next(judged) for _ in pick] for pick in picks]
            yield {
                "problem_id": each.problem.problem_id,
                "domain": each.problem.domain,
                "difficulty": each.problem.difficulty,
                "budget": stamped.choice.budget,
                # answer and finish_reason are those of the first run's first pick
                "answer": grades[0][0].answer if picks else None,
                "correct": _expectation(grades),
                "policy_tokens": round(cost.policy_tokens),
                "reward_tokens": round(cost.reward_tokens),
                "flops": cost.flops,
                "flops_cached": cost.flops_cached,
                "seconds": cost.policy_tokens * speeds[0] + cost.reward_tokens * speeds[1],
                "finish_reason": (picks[0][0].finish_reason or "stop") if picks else "budget",
            }


def _expectation(grades: Sequence[Sequence[Grade]]) -> float:
    """Mean over runs of the chance that a uniform draw among the run's picks is right; 0 where
    nothing was picked.
    """
    return (
        sum(sum(g.correct for g in run) / len(run) for run in grades) / len(grades)
        if grades
        else 0.0
    )


def _nodes(incumbent: Incumbent, averaged: bool) -> Iterator[dict[str, Any]]:
    """The nodes of a run's trees, parents first; those that led to the answer are marked."""
    chosen = incumbent.end.path() if incumbent.end else []
    waiting, number = [(root, -1, 1.0) for root in reversed(incumbent.nodes)], 0
    while waiting:
        node, parent, prior = waiting.pop()
        before = len(node.parent.prefix) if node.parent else 0
        yield {
            "node": number,
            "parent": parent,
            "step": "\n".join(node.prefix[before:]).strip("\n"),
            "score": node.score,
            "prior": prior,
            "visits": node.visits,
            "value": node.value,
            "tokens": node.solution.tokens,
            "whole": node.whole,
            "chosen": node in chosen,
        }
        below = (
            zip(node.children, priors(node.children, averaged), strict=True)
            if node.children
            else ()
        )
        waiting += [(child, number, share) for child, share in reversed([*below])]
        number += 1
