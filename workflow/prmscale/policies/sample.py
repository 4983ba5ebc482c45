"""Sampling of whole solutions: the `solutions` table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from prmscale.engines.recorded import to_row
from prmscale.engines.requests import Continuation, Extension
from prmscale.engines.scheduler import Grader, grade_whole
from prmscale.errors import UserError
from prmscale.tasks.base import Problem
from prmscale.tasks.world.arithmetic import holds_wrong_sum

if TYPE_CHECKING:
    from prmscale.engines.policy import SamplingPolicy


def sample_solutions(
    policy: SamplingPolicy, grader: Grader, problems: Sequence[Problem], samples: int, progress: str
) -> pd.DataFrame:
    """`samples` graded solutions of every problem, with their cost."""
    solutions = policy.extend([Extension(p, (), samples, 0, "end") for p in problems], progress)
    return solution_table(policy.name, grader, problems, solutions)


def mix_solutions(parts: Sequence[pd.DataFrame], samples: int) -> pd.DataFrame:
    """`samples` solutions of every problem, which the policies of these tables write in turns: the
    first of each policy, then the second of each.
    """
    turns = []
    for turn, part in enumerate(parts):
        turns.append(part.assign(solution_id=part["solution_id"] * len(parts) + turn))
    table = pd.concat(turns)
    table = table[table["solution_id"] < samples]
    return table.sort_values(["problem_id", "solution_id"], ignore_index=True)


def average_speed(solutions: pd.DataFrame, speeds: Mapping[str, float]) -> float:
    """Seconds for each token of these solutions, given those of each policy."""
    tokens = solutions["tokens"]
    return float((solutions["policy"].map(speeds) * tokens).sum() / max(tokens.sum(), 1))


def check_sums(solutions: Iterable[pd.DataFrame], policy: str, modulus: int, most: float) -> None:
    """Raise UserError if more than this share of the wrong solutions to generated arithmetic (in
    parts) hold a wrong sum: the policy has not learnt to add, and labels and accuracies would
    depend on how far its pre-training happened to get.
    """
    count, holding = 0, 0
    for part in solutions:
        wrong = part.loc[~part["correct"], "steps"]
        count += len(wrong)
        holding += sum(holds_wrong_sum(steps, modulus) for steps in wrong)
    share = holding / max(count, 1)
    if share > most:
        raise UserError(
            f"{share:.0%} of {policy}'s wrong solutions to arithmetic hold a wrong sum, more than "
            f"policies.pretraining.most_wrong_sums: {most:.0%}. Raise policies.pretraining.tokens, "
            "or allow more wrong sums."
        )


def solution_table(
    policy: str,
    grader: Grader,
    problems: Sequence[Problem],
    solutions: Sequence[Sequence[Continuation]],
) -> pd.DataFrame:
    """The graded solutions of every problem, numbered within the problem in their order."""
    numbered = []
    for problem, group in zip(problems, solutions, strict=True):
        numbered += [(problem, number, solution) for number, solution in enumerate(group)]
    grades = grade_whole(grader, [p for p, _, _ in numbered], [s for _, _, s in numbered])
    rows = [
        to_row(problem.problem_id, number, policy, solution, grade)
        for (problem, number, solution), grade in zip(numbered, grades, strict=True)
    ]
    return pd.DataFrame(rows).astype({"answer": "string"})
