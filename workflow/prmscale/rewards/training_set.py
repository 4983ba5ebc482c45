"""Training sets: which labelled solutions a set holds, and a description counted from the data.

A set is drawn in equal parts from its sources. Restrictions to some wordings, or to a number of
solutions of each problem, vary the diversity of a set of constant size.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from prmscale import seeds
from prmscale.errors import UserError
from prmscale.rewards.examples import Example, shuffle
from prmscale.study import TrainingSet
from prmscale.tables import SOLUTION_KEY
from prmscale.tasks.world.specifications import find_misreadable


def interleave(by_policy: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Tables of several policies as one: for each problem the first solution of each, then the
    second.

    Solutions get new numbers, which are the same in tables of solutions and of labels.
    """
    if len(by_policy) == 1:
        return by_policy[0]
    parts = [
        table.assign(solution_id=table["solution_id"] * len(by_policy) + i)
        for i, table in enumerate(by_policy)
    ]
    order = [column for column in (*SOLUTION_KEY, "step") if column in parts[0]]
    return pd.concat(parts).sort_values(order, ignore_index=True)


def name_labels(data: TrainingSet, steps: str = "") -> str:
    """The origin of the labels: the method, with its threshold unless it is 0, the `steps` of data
    sets that split the solutions of others, and the corpora.
    """
    method = data.labels + (f" > {data.threshold:g}" if data.threshold else "")
    method += f" / {steps}" if steps else ""
    return "+".join([method, *data.corpora] if data.datasets else data.corpora)


def apply_threshold(labels: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """Labels that are right where more than this fraction of rollouts succeeds; unchanged at 0."""
    return labels.assign(label=(labels["value"] > threshold).astype(int)) if threshold else labels


def draw(by_source: Mapping[str, Sequence[Example]], data: TrainingSet, seed: int) -> list[Example]:
    """The examples of a training set, in an order that `seed` determines.

    Raises UserError where there are not enough. Without a size, the parts are as large as the
    smallest source allows, so that all sources weigh the same.
    """
    stream = seeds.generator(seed, "examples")
    groups = {
        name: _group(_select_worded(found, data.wordings), data.per_problem)
        for name, found in by_source.items()
    }
    smallest = min(groups, key=lambda name: len(groups[name]))
    most, size = len(groups[smallest]), data.per_problem or 1
    share = most if data.solutions is None else data.solutions // (len(groups) * size)
    if not 1 <= share <= most:
        raise UserError(
            f"rewards.data: {data.name} needs {max(share, 1) * size} solutions of each of its "
            f"{len(groups)} sources, and {smallest} has {most * size} that meet its restrictions: "
            "lower `solutions`, lift `per_problem` or `wordings`, or raise labels.solutions or "
            "the data set's train problems"
        )
    chosen: list[Example] = []
    for of_source in groups.values():
        for i in sorted(stream.permutation(len(of_source))[:share].tolist()):
            chosen += of_source[i]
    return shuffle(chosen, seed) if data.shuffled else chosen


def describe(
    chosen: Sequence[Example],
    solutions: Mapping[str, pd.DataFrame],
    labels: Mapping[str, pd.DataFrame],
) -> dict[str, Any]:
    """What a training set holds: counts, policies, wordings that can be misread, share of right
    steps by source.

    `solutions` and `labels` are the tables that it was drawn from, by source.
    """
    problems = {e.problem.problem_id: e.problem for e in chosen}
    keys = pd.MultiIndex.from_tuples(
        [(e.problem.problem_id, e.solution_id) for e in chosen], names=SOLUTION_KEY
    )
    written = [_select(table, keys) for table in solutions.values()]
    right = {name: _select(table, keys)["label"] for name, table in labels.items()}
    steps = pd.concat(right.values())
    return {
        "solutions": len(chosen),
        "problems": len(problems),
        "steps": len(steps),
        "tokens": int(sum(table["tokens"].sum() for table in written)),
        "policies": sorted(set().union(*(table["policy"] for table in written))),
        "wordings": sorted(frozenset[str]().union(*map(find_misreadable, problems.values()))),
        "right": float(steps.mean()),
        "right_by_source": {name: float(of_source.mean()) for name, of_source in right.items()},
    }


def _select_worded(examples: Sequence[Example], wordings: Sequence[str] | None) -> list[Example]:
    """The examples whose problem has no wordings but these that can be misread."""
    if wordings is None:
        return list(examples)
    return [e for e in examples if find_misreadable(e.problem) <= set(wordings)]


def _group(examples: Sequence[Example], per_problem: int | None) -> list[list[Example]]:
    """Groups that are drawn whole: single examples, or the first `per_problem` of each problem.

    Problems with fewer examples are left out.
    """
    if per_problem is None:
        return [[example] for example in examples]
    by_problem: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        by_problem[example.problem.problem_id].append(example)
    return [group[:per_problem] for group in by_problem.values() if len(group) >= per_problem]


def _select(table: pd.DataFrame, keys: pd.MultiIndex) -> pd.DataFrame:
    """The rows of these solutions."""
    return table[pd.MultiIndex.from_frame(table[SOLUTION_KEY]).isin(keys)]
