"""Training sets: which labelled solutions one holds, and what it then is, counted from the data.

A set is drawn in equal parts from its sources. Restrictions to some wordings, or to so many
solutions of each problem, vary how diverse a set is while its size stays.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from prmscale import seeds
from prmscale.errors import UserError
from prmscale.rewards.examples import Example, shuffled
from prmscale.study import TrainingSet
from prmscale.tables import SOLUTION_KEY
from prmscale.tasks.world.specifications import misreadable


def in_turn(by_policy: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Tables of several policies as one, in which a problem's solutions go round: the first of
    each, then the second.

    They are numbered anew, solutions and labels alike.
    """
    if len(by_policy) == 1:
        return by_policy[0]
    parts = [
        table.assign(solution_id=table["solution_id"] * len(by_policy) + i)
        for i, table in enumerate(by_policy)
    ]
    order = [column for column in (*SOLUTION_KEY, "step") if column in parts[0]]
    return pd.concat(parts).sort_values(order, ignore_index=True)


def labelled_by(data: TrainingSet) -> str:
    """What made the labels: the method, with its threshold unless that is 0, and the corpora that
    bring their own.
    """
    method = data.labels + (f" > {data.threshold:g}" if data.threshold else "")
    return "+".join([*[method][: len(data.datasets)], *data.corpora])


def at_threshold(labels: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """Labels that are right where more than this fraction of rollouts succeeds; as they are at 0."""
    return labels.assign(label=(labels["value"] > threshold).astype(int)) if threshold else labels


def drawn(
    by_source: Mapping[str, Sequence[Example]], data: TrainingSet, seed: int
) -> list[Example]:
    """The examples of a training set, in an order that `seed` fixes; raises UserError where there
    are not enough.

    Without a size the parts are as large as the smallest source allows, so that none outweighs
    another.
    """
    stream = seeds.generator(seed, "examples")
    parcels = {
        name: _parcels(_worded(own, data.wordings), data.per_problem)
        for name, own in by_source.items()
    }
    name, smallest = min(
        ((name, len(own)) for name, own in parcels.items()), key=lambda each: each[1]
    )
    size = data.per_problem or 1
    share = smallest if data.solutions is None else data.solutions // (len(parcels) * size)
    if not 1 <= share <= smallest:
        raise UserError(
            f"rewards.data: {data.name} wants {max(share, 1) * size} solutions of each of its "
            f"{len(parcels)} sources, and {name} has {smallest * size} that meet its restrictions: "
            "lower `solutions`, lift `per_problem` or `wordings`, or raise labels.solutions or "
            "the data set's train problems"
        )
    chosen = [
        example
        for own in parcels.values()
        for i in sorted(stream.permutation(len(own))[:share].tolist())
        for example in own[i]
    ]
    return shuffled(chosen, seed) if data.shuffled else chosen


def described(
    chosen: Sequence[Example],
    solutions: Mapping[str, pd.DataFrame],
    labels: Mapping[str, pd.DataFrame],
) -> dict[str, Any]:
    """What a training set holds: counts, its writers, wordings that can be misread, and share of
    right steps by source.

    `solutions` and `labels` are the tables that it was drawn from, by source.
    """
    problems = {e.problem.problem_id: e.problem for e in chosen}
    keys = pd.MultiIndex.from_tuples(
        [(e.problem.problem_id, e.solution_id) for e in chosen], names=SOLUTION_KEY
    )
    steps = {name: table.loc[_among(table, keys), "label"] for name, table in labels.items()}
    every = pd.concat(steps.values())
    return {
        "solutions": len(chosen),
        "problems": len(problems),
        "steps": len(every),
        "tokens": int(
            sum(table.loc[_among(table, keys), "tokens"].sum() for table in solutions.values())
        ),
        "policies": sorted(
            set().union(*(table.loc[_among(table, keys), "policy"] for table in solutions.values()))
        ),
        "wordings": sorted(frozenset[str]().union(*map(misreadable, problems.values()))),
        "right": float(every.mean()),
        "right_by_source": {name: float(own.mean()) for name, own in steps.items()},
    }


def _worded(examples: Sequence[Example], wordings: Sequence[str] | None) -> list[Example]:
    """Those whose problem has no other wordings that can be misread."""
    return [e for e in examples if wordings is None or misreadable(e.problem) <= set(wordings)]


def _parcels(examples: Sequence[Example], per_problem: int | None) -> list[list[Example]]:
    """What is drawn together: single examples, or the first so many of each problem that has them."""
    if per_problem is None:
        return [[example] for example in examples]
    by_problem: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        by_problem[example.problem.problem_id].append(example)
    return [own[:per_problem] for own in by_problem.values() if len(own) >= per_problem]


def _among(table: pd.DataFrame, keys: pd.MultiIndex) -> pd.Series:
    """Which rows belong to these solutions."""
    return pd.Series(pd.MultiIndex.from_frame(table[SOLUTION_KEY]).isin(keys), index=table.index)
