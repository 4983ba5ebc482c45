"""Runs strategies over a test set and writes down what they chose and spent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from prmscale.engines.aggregation import AGGREGATIONS
from prmscale.engines.scheduler import Grader, Policy, Run, Scorer, run
from prmscale.search import STRATEGIES
from prmscale.tasks.base import Grade, Problem


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
    """The search table's rows of every strategy (scored ones: with every aggregation) at every budget.

    Without a scorer the strategies that need none are run, with one those that do. `seconds` are tokens times what a
    token of each model took, measured with full batches on this machine; nothing else in a row is a measurement.
    """
    plans = [
        (name, aggregation)
        for name in strategies
        if STRATEGIES[name].scored == (scorer is not None)
        for aggregation in (aggregations if STRATEGIES[name].scored else [""])
    ]
    rows: list[dict[str, object]] = []
    for name, aggregation in plans:
        start, extra = STRATEGIES[name].start, [AGGREGATIONS[aggregation]] if aggregation else []
        runs = run([(p, start(budgets, *extra)) for p in problems], policy, scorer, grader, progress)
        seconds = (policy.seconds_per_token, scorer.seconds_per_token if scorer else 0.0)
        for row in _rows(runs, grader, seconds):
            rows.append({"strategy": name, "aggregation": aggregation, **row})
    return pd.DataFrame(rows)


def _rows(runs: Sequence[Run], grader: Grader, seconds: tuple[float, float]) -> Iterator[dict[str, object]]:
    """One row for each choice."""
    for each in runs:
        for stamped in each.choices:
            picks = stamped.choice.picks
            grades = [grader([each.problem] * len(pick), [c.steps for c in pick]) for pick in picks]
            first = picks[0][0]  # answer and finish_reason are those of the first run's first pick
            yield {
                "problem_id": each.problem.problem_id,
                "domain": each.problem.domain,
                "budget": stamped.choice.budget,
                "answer": grades[0][0].answer,
                "correct": _expectation(grades),
                "policy_tokens": round(stamped.policy_tokens),
                "reward_tokens": round(stamped.reward_tokens),
                "flops": stamped.flops,
                "seconds": stamped.policy_tokens * seconds[0] + stamped.reward_tokens * seconds[1],
                "finish_reason": first.finish_reason or "stop",
            }


def _expectation(grades: Sequence[Sequence[Grade]]) -> float:
    """Mean over runs of the chance that a uniform draw among the run's picks is right."""
    return float(np.mean([np.mean([g.correct for g in run]) for run in grades]))
