"""Runs strategies over a test set and tabulates what they chose and spent."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice, product
from typing import Any

import pandas as pd

from prmscale import tables
from prmscale.engines.aggregation import AGGREGATIONS, Calibration
from prmscale.engines.ledger import Unit
from prmscale.engines.requests import Choice, Continuation, Incumbent
from prmscale.engines.scheduler import Grader, Run, Scorer, Stamped, grade_whole, run
from prmscale.engines.stream import Policy
from prmscale.errors import UserError
from prmscale.search import STRATEGIES, TREE_STRATEGIES
from prmscale.search.benchmarks import Benchmark
from prmscale.search.tree import Node, priors
from prmscale.study import TreeSearch
from prmscale.tasks.base import Grade, Problem

TOGETHER = 2000  # problems whose runs are in memory at once


@dataclass(frozen=True)
class Engines:
    """What strategies run on: a policy, a reward model (None: without one), a grader, the seed of
    random choices, and for each aggregation of scores the map to P(correct), if they are
    calibrated.
    """

    policy: Policy
    scorer: Scorer | None
    grader: Grader
    seed: int = 0
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)

    def run(self, strategies: Sequence[Any], progress: str | None = None) -> list[Run]:
        """Run strategies to their ends (see `scheduler.run`)."""
        return run(strategies, self.policy, self.scorer, self.grader, progress, self.seed)


def evaluate(
    problems: Sequence[Problem],
    engines: Engines,
    strategies: Sequence[str],
    aggregations: Sequence[str],
    budgets: Sequence[int],
    progress: str | None = None,
) -> pd.DataFrame:
    """The search table's rows of every strategy over whole samples.

    With a scorer the strategies that need scores are run, each with these aggregations; without one
    the others. Raises UserError if a strategy leaves out a choice.
    """
    parts = []
    for name in strategies:
        entry = STRATEGIES[name]
        if entry.scored != (engines.scorer is not None):
            continue
        for variants in entry.groups(aggregations, engines.calibrations):
            more = [variants] if variants else []
            found = []
            for start in range(0, len(problems), TOGETHER):
                some = problems[start : start + TOGETHER]
                runs = engines.run([(p, entry.start(budgets, *more)) for p in some], progress)
                _check_choices(name, runs, variants or [""], budgets)
                found.append(pd.DataFrame(_rows(runs, engines)))
            rows = tables.join(found, "search")
            for variant in variants or [""]:
                parts.append(rows[rows["aggregation"] == variant])
                parts[-1].insert(0, "strategy", name)
    return tables.join(parts, "search")


def _check_choices(
    name: str, runs: Sequence[Run], variants: Collection[str], budgets: Collection[int]
) -> None:
    """Raise UserError unless each run has choices for every variant, one a budget, and each choice
    picks a solution of each of its runs.
    """
    wanted = set(product(variants, budgets))
    for each in runs:
        choices = [stamped.choice for stamped in each.choices]
        found = [(choice.variant, choice.budget) for choice in choices]
        is_each_once = len(set(found)) == len(found) and wanted.issuperset(found)
        if not is_each_once or {choice.variant for choice in choices} != set(variants):
            raise UserError(
                f"strategy {name}: it must yield a Choice for each variant and budget, which are "
                f"{sorted(wanted)}; for {each.problem.problem_id} it yields {found}"
            )
        if any(not choice.picks or not all(choice.picks) for choice in choices):
            raise UserError(
                f"strategy {name}: a Choice for {each.problem.problem_id} picks no solution; "
                "`picks` holds at least one for each of its runs"
            )


def sample_costs(test: Benchmark, scorer: Scorer, unit: Unit) -> dict[str, float]:
    """The mean cost of each problem's recorded samples, in tokens or FLOPs.

    FLOPs include those of the reward model that scores a sample.
    """
    solutions = test.solutions
    costs = solutions["tokens"]
    if unit == "flops":
        costs = solutions["flops"] + _scoring_flops(test, scorer)
    means = costs.groupby(solutions["problem_id"]).mean()
    return {str(name): float(mean) for name, mean in means.items()}


def _scoring_flops(test: Benchmark, scorer: Scorer) -> pd.Series:
    """The FLOPs of scoring each sample: of reading it, or for a verifier of as many steps, each as
    dear as those of the problems' first samples, which it judges to find out.
    """
    solutions = test.solutions
    if not scorer.writes:
        return (solutions["prefix_tokens"] + solutions["tokens"]).map(scorer.shape.forward_flops)
    by_id = {problem.problem_id: problem for problem in test.problems}
    first = solutions[solutions["solution_id"] == 0]
    items = [(by_id[row.problem_id], tuple(row.steps)) for row in first.itertuples()]
    spent = [part.flops_cached for each in scorer.score(items) for part in each.spent or ()]
    return solutions["steps"].map(len) * (sum(spent) / max(1, first["steps"].map(len).sum()))


def search_trees(
    problems: Sequence[Problem],
    engines: Engines,
    options: TreeSearch,
    budgets: Sequence[int],
    costs: Mapping[str, float],
    trees: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The search table's rows of every tree strategy, and the trees of the first `trees` problems.

    `costs` are those of `sample_costs`: a budget of n samples' worth is n times the mean cost of a
    sample of the problem, in whole tokens, and is never overspent. All strategies, budgets and
    problems run at once: they share the policy's draws and fill its batches.
    """
    plans = [
        (
            {"strategy": str(name), "aggregation": str(aggregation)},
            _plan_run(problem, name, aggregation, options, budget, costs[problem.problem_id]),
        )
        for name, aggregation, problem, budget in product(
            options.strategies, options.aggregations, problems, budgets
        )
    ]
    engines.run([each for _, each in plans])
    rows = []
    for labels, each in plans:
        if not each.choices:
            raise UserError(
                f"strategy {labels['strategy']}: it ended without yielding an Incumbent for "
                f"{each.problem.problem_id}"
            )
        rows += [{**row, **labels} for row in _rows([each], engines)]
    kept = {p.problem_id for p in problems[:trees]}
    nodes = []
    for labels, each in plans:
        name = each.problem.problem_id
        if name in kept and each.budget == max(budgets) and each.incumbent:
            labels = {"problem_id": name, **labels}
            nodes += [{**labels, **node} for node in _nodes(each.incumbent, options.puct.averaged)]
    return pd.DataFrame(rows), pd.DataFrame(nodes)


def _plan_run(
    problem: Problem,
    name: str,
    aggregation: str,
    options: TreeSearch,
    budget: int,
    cost: float,
) -> Run:
    """A run of a tree strategy that may spend `budget` times the cost of a sample."""
    limit = budget * cost
    if options.unit == "tokens":
        limit = max(1.0, math.floor(limit))
    strategy = TREE_STRATEGIES[name].start(budget, AGGREGATIONS[aggregation], options)
    return Run(problem, strategy, budget, limit, options.unit)


def _rows(runs: Sequence[Run], engines: Engines) -> list[dict[str, object]]:
    """One row for each choice; all picks are judged in one call."""
    chosen = [(each.problem, stamped) for each in runs for stamped in each.choices]
    graded = _grade_picks(engines.grader, chosen)
    return [_row(*each, grades, engines) for each, grades in zip(chosen, graded, strict=True)]


def _row(
    problem: Problem, stamped: Stamped, grades: Sequence[Sequence[Grade]], engines: Engines
) -> dict[str, object]:
    """A choice with its verdict and cost; answer, number and finish_reason are of the first pick.

    `grades` are those of each run's picks.
    """
    picks, cost = stamped.choice.picks, stamped.cost
    return {
        "aggregation": stamped.choice.variant,
        "problem_id": problem.problem_id,
        "domain": problem.domain,
        "difficulty": problem.difficulty,
        "budget": stamped.choice.budget,
        "answer": grades[0][0].answer if picks else None,
        "chosen": picks[0][0].number if picks else -1,
        "correct": _expect_correct(grades),
        "policy_tokens": round(cost.policy_tokens),
        "reward_tokens": round(cost.reward_tokens),
        "flops": cost.flops,
        "flops_cached": cost.flops_cached,
        "finish_reason": (picks[0][0].finish_reason or "stop") if picks else "budget",
        "score": _read_score(stamped.choice),
    }


def _read_score(choice: Choice) -> float:
    """The score of what was chosen; NaN without one, as of a solution without a step (-inf)."""
    score = math.nan if choice.score is None else float(choice.score)
    return score if math.isfinite(score) else math.nan


def _grade_picks(
    grader: Grader, chosen: Sequence[tuple[Problem, Stamped]]
) -> list[list[list[Grade]]]:
    """For each choice, the grades of each run's picks."""
    problems: list[Problem] = []
    solutions: list[Continuation] = []
    for problem, stamped in chosen:
        picked = [*chain.from_iterable(stamped.choice.picks)]
        problems += [problem] * len(picked)
        solutions += picked
    grades = iter(grade_whole(grader, problems, solutions))
    return [_take_each(grades, stamped.choice.picks) for _, stamped in chosen]


def _take_each(grades: Iterator[Grade], picks: Sequence[Sequence[Any]]) -> list[list[Grade]]:
    """The next grades, as many for each run as it has picks."""
    return [list(islice(grades, len(pick))) for pick in picks]


def _expect_correct(grades: Sequence[Sequence[Grade]]) -> float:
    """The mean over runs of P(correct) of a uniform draw among a run's picks; 0 without a pick."""
    if not grades:
        return 0.0
    chances = []
    for pick in grades:
        correct = sum(grade.correct for grade in pick)
        chances.append(correct / len(pick))
    return sum(chances) / len(chances)


def _nodes(incumbent: Incumbent, averaged: bool) -> Iterator[dict[str, Any]]:
    """The nodes of a run's trees, parents first; the nodes that led to the answer are `chosen`."""
    chosen = incumbent.end.path() if incumbent.end else []
    waiting: list[tuple[Node, int, float]] = [(r, -1, 1.0) for r in reversed(incumbent.nodes)]
    number = 0
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
        if node.children:
            shares = priors(node.children, averaged)
            below = [(c, number, share) for c, share in zip(node.children, shares, strict=True)]
            waiting += reversed(below)
        number += 1
