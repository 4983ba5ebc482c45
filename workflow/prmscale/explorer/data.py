"""What the explorer shows of a study, in columns.

A *set* is one policy's solutions of one data set's split. Its solutions are ordered by problem and
number, and the columns of its steps follow that order.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from prmscale.explorer.packing import Texts, pack, pack_shares
from prmscale.rewards.first_errors import find_first_error
from prmscale.search.benchmarks import Benchmark
from prmscale.tables import SOLUTION_KEY
from prmscale.tasks.base import Problem

# problems of a set, the first ones: a page of some thousands is too large for a browser
SHOWN = 500
UNKNOWN = -2  # a first error that the task cannot tell
_CHOICE = ["strategy", "reward_model", "replicate", "budget"]
_NODES = ["strategy", "replicate"]


@dataclass(frozen=True)
class Tables:
    """The tables of a study: rows of `search` of one aggregation and of final reward models,
    `solution_scores`, `labels` of held-out solutions, and `trees` (with the columns reward_model,
    policy and dataset).
    """

    search: pd.DataFrame
    scores: pd.DataFrame
    labels: pd.DataFrame
    trees: pd.DataFrame


def describe(
    sets: Sequence[tuple[str, Benchmark]], read: Tables, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """All that the page shows: `facts` of the study, and for each (split, benchmark) its problems,
    solutions, scores, choices and trees.
    """
    texts = Texts()
    described = [_describe_set(split, each, read, texts) for split, each in sets]
    return {**facts, "sets": described, "texts": texts.to_list()}


def _describe_set(split: str, test: Benchmark, read: Tables, texts: Texts) -> dict[str, Any]:
    """One policy's solutions of one data set's split."""
    problems = list(test.problems)
    places = {problem.problem_id: place for place, problem in enumerate(problems)}
    solutions = test.solutions[test.solutions["problem_id"].isin(places)]
    solutions = solutions.sort_values(SOLUTION_KEY, ignore_index=True)
    solutions = solutions.assign(problem=solutions["problem_id"].map(places))
    here = {"dataset": test.dataset, "policy": test.policy}
    is_test = split == "test"  # only there do strategies choose; only elsewhere are there labels
    labels = read.labels.iloc[:0] if is_test else read.labels
    search, trees = (_choose(table, **here) for table in (read.search, read.trees))
    return {
        **here,
        "split": split,
        # the page says so where it shows some of the problems alone
        **({"total": test.total} if test.total > len(problems) else {}),
        "problems": _describe_problems(problems, test.task, texts),
        "solutions": _describe_solutions(solutions, problems, test.task, labels, texts),
        "scores": _pack_scores(_choose(read.scores, split=split, **here), solutions),
        "choices": [*_pack_choices(search, places, texts)] if is_test else [],
        "trees": [*_pack_trees(trees, places, texts)] if is_test else [],
    }


def _choose(table: pd.DataFrame, **values: str) -> pd.DataFrame:
    """The rows with these values."""
    for column, value in values.items():
        if len(table):
            table = table[table[column] == value]
    return table


def _describe_problems(problems: Sequence[Problem], task: Any, texts: Texts) -> dict[str, Any]:
    misread: Callable[[Problem], Any] = getattr(task, "misread_answers", lambda _: ())
    return {
        "ids": [problem.problem_id.rsplit("/", 1)[-1] for problem in problems],
        "domain": problems[0].domain if problems else "",
        "prompts": [texts.number(problem.prompt) for problem in problems],
        "answers": [texts.number(_show(problem.answer)) for problem in problems],
        "difficulties": [problem.difficulty for problem in problems],
        # sorted: the order of a set of texts differs from run to run
        "misread": [[*map(texts.number, sorted(misread(problem)))] for problem in problems],
    }


def _show(answer: Any) -> str:
    """A reference answer as text."""
    if answer is None:
        return ""
    return answer if isinstance(answer, str) else json.dumps(answer)


def _describe_solutions(
    solutions: pd.DataFrame,
    problems: Sequence[Problem],
    task: Any,
    labels: pd.DataFrame,
    texts: Texts,
) -> dict[str, Any]:
    """The solutions' columns; `values` are those of steps by rollouts, if any are labelled."""
    steps = [list(each) for each in solutions["steps"]]
    answers = solutions["answer"].astype(object).where(solutions["answer"].notna(), None)
    owners = [problems[place] for place in solutions["problem"]]
    errors = [_find_error(task, *each) for each in zip(owners, steps, strict=True)]
    return {
        "problem": pack(solutions["problem"], "u32"),
        "number": pack(solutions["solution_id"], "u32"),
        "counts": pack([len(each) for each in steps], "u32"),
        "steps": pack([texts.number(step) for each in steps for step in each], "u32"),
        "answer": pack([texts.number(a) + 1 if a is not None else 0 for a in answers], "u32"),
        "correct": pack(solutions["correct"], "u8"),
        "cut": pack(solutions["finish_reason"] == "length", "u8"),
        "tokens": pack(solutions["tokens"], "u32"),
        "first_error": pack(errors, "i16"),
        "values": _pack_values(solutions, labels) if len(labels) else None,
    }


def _find_error(task: Any, problem: Problem, steps: Sequence[str]) -> int:
    """The first wrong step, from 0; NO_ERROR, or UNKNOWN."""
    place = find_first_error(task, problem, steps)
    return UNKNOWN if place is None else place


def _pack_values(solutions: pd.DataFrame, labels: pd.DataFrame) -> dict[str, str]:
    """The share of right rollouts after each step; missing where a step had none."""
    measured = labels["value"].where(labels["rollouts"] > 0)
    known = measured.groupby([labels[key] for key in [*SOLUTION_KEY, "step"]]).first()
    rows = solutions[SOLUTION_KEY].assign(step=solutions["steps"].map(lambda s: range(len(s))))
    rows = rows.explode("step").dropna()
    return pack_shares(known.reindex(pd.MultiIndex.from_frame(rows)).to_numpy(float))


def _pack_scores(scores: pd.DataFrame, solutions: pd.DataFrame) -> dict[str, list[dict[str, str]]]:
    """By reward model and training, the scores of all steps in the order of the solutions."""
    packed: dict[str, list[dict[str, str]]] = {}
    if scores.empty:
        return packed
    counts = solutions["steps"].map(len).to_numpy()
    for (model, _), rows in scores.groupby(["reward_model", "replicate"], sort=False):
        found = rows.set_index(SOLUTION_KEY)["scores"]
        found = found.reindex(pd.MultiIndex.from_frame(solutions[SOLUTION_KEY]))
        parts = [
            np.full(count, np.nan) if each is None or np.ndim(each) == 0 else np.asarray(each)
            for each, count in zip(found, counts, strict=True)
        ]
        packed.setdefault(str(model), []).append(pack_shares(np.concatenate(parts)))
    return packed


def _pack_choices(
    search: pd.DataFrame, places: Mapping[str, int], texts: Texts
) -> Iterator[dict[str, Any]]:
    """What each strategy chose for each problem: sample, answer, P(correct), tokens and FLOPs."""
    if search.empty:
        return
    for key, rows in search.groupby(_CHOICE, sort=False):
        by_place = rows.assign(place=rows["problem_id"].map(places)).set_index("place")
        by_place = by_place[~by_place.index.duplicated()].reindex(range(len(places)))
        answers = by_place["answer"].astype(object)
        yield {
            **dict(zip(_CHOICE, map(_plain, key), strict=True)),
            "aggregation": str(rows["aggregation"].iloc[0]),
            "chosen": pack(by_place["chosen"].fillna(-1), "i16"),
            "answer": pack([0 if pd.isna(a) else texts.number(a) + 1 for a in answers], "u32"),
            "correct": pack_shares(by_place["correct"]),
            "policy_tokens": pack(by_place["policy_tokens"].fillna(0), "u32"),
            "reward_tokens": pack(by_place["reward_tokens"].fillna(0), "u32"),
            "flops": float(f"{rows['flops'].mean():.3g}"),
        }


def _pack_trees(
    trees: pd.DataFrame, places: Mapping[str, int], texts: Texts
) -> Iterator[dict[str, Any]]:
    """The saved search trees of each problem, parents before their children."""
    if trees.empty:
        return
    keys = ["problem_id", "reward_model", *_NODES]
    for key, nodes in trees.groupby(keys, sort=False):
        named = dict(zip(keys, map(_plain, key), strict=True))
        yield {
            "problem": places[named.pop("problem_id")],
            **named,
            "parent": nodes["parent"].tolist(),
            "step": [texts.number(step) for step in nodes["step"]],
            "score": _round(nodes["score"]),
            "value": _round(nodes["value"]),
            "visits": nodes["visits"].tolist(),
            "tokens": nodes["tokens"].tolist(),
            "whole": nodes["whole"].astype(int).tolist(),
            "chosen": nodes["chosen"].astype(int).tolist(),
        }


def _round(values: pd.Series) -> list[float | None]:
    """Three digits; JSON has no infinity and no NaN."""
    return [round(value, 3) if np.isfinite(value) else None for value in values]


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
