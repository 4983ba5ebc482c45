"""Do responses that reward models selected resemble each other more than unselected ones? The
paper's table 2.

Sets of responses of one policy to the same problems: `MathPRM` and `CodePRM` are those that
PRM-Math and PRM-Code selected by best-of-n, `Math` and `Code` random ones. The similarity of two
sets is the mean, over all pairs of a math and a code response, of the normalised dot product of
their activation patterns (`engines.sensitivity`). The claim's effect is similarity(MathPRM,
CodePRM) − similarity(Math, Code).

A reward model scores texts, and a policy writes some of them again and again. A random draw is
mostly a frequent text, and a selection that knows nothing is not: to compare the two tells of
frequency. So every choice here is one among a problem's *distinct* texts. The random response is
any of them with equal weight (the mean over all, which has no noise of a draw), and beside the
effect stand

- a permutation test: were selection blind, the scores of a problem's texts could be exchanged. Each
  permutation gives every text the scores (of all trainings) of another, and selection and
  comparison are done again;
- a length-matched control: in place of the random ones, the mean of the other texts as long as the
  selected one. Its permutations exchange scores among texts as long as each other, so that its null
  is a selection by length alone;
- a control of nothing: one random text in place of the selected one.

Problems are independent, so the mean of a permuted effect is zero, exactly, in all three: nothing
is left of it to be subtracted, and the intervals are around a mean with no artefact of selection. A
selected text that no other is as long as stands against itself, as does one of a problem with one
text: they count, as nothing; `comparable` tells how many are not so. Every training of a reward
model has its own selection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from prmscale import seeds
from prmscale.analysis.estimates import Array, curve
from prmscale.engines.aggregation import AGGREGATIONS

RANDOM, DRAWN, SELECTED, AS_LONG = "random", "one random", "selected", "as long, not selected"
# the paper's names of two sets, one of math and one of code
PAIRS = {
    ("MathPRM", "CodePRM"): (SELECTED, SELECTED),
    ("MathPRM", "Code"): (SELECTED, RANDOM),
    ("Math", "CodePRM"): (RANDOM, SELECTED),
    ("Math", "Code"): (RANDOM, RANDOM),
}
RAW, LENGTH, NOTHING = "selected − random", "selected − as long, not selected", "random − random"
COLUMNS = ["first", "second", "comparison", "mean", "low", "high", "n", "seeds", "p", "comparable"]
CONTRASTS = {RAW: (SELECTED, RANDOM), LENGTH: (SELECTED, AS_LONG), NOTHING: (DRAWN, RANDOM)}
# texts are as long as each other up to this ratio of their tokens: a tenth more tells of length
LONGER = 1.02


def solution_scores(scores: pd.DataFrame, by: list[str], aggregation: str) -> pd.Series:
    """The score of each solution, of the step scores of each group."""
    aggregate = AGGREGATIONS[aggregation]
    return (
        scores.sort_values("step")
        .groupby(by)["score"]
        .agg(lambda steps: aggregate(steps.to_numpy()))
    )


def picks(
    solutions: pd.DataFrame, scores: pd.DataFrame, aggregation: str, problems: int, seed: int
) -> pd.DataFrame:
    """The distinct texts of each problem, and which of them each training of a PRM selects.

    Columns: problem_id, solution_id (of the text's first draw), tokens, seed (the training),
    `selected`, and `drawn` (one random text a problem). `solutions` and the PRM's step `scores` are
    of one domain, of which at most so many problems are drawn at random. Of texts with the same
    score one at random is selected.
    """
    names = sorted(scores["problem_id"].unique())
    kept = seeds.generator(seed, "patterns", "problems").permutation(len(names))[:problems]
    scores = scores[scores["problem_id"].isin([names[i] for i in kept])]
    by = ["problem_id", "solution_id", "replicate"]
    values = solution_scores(scores, by, aggregation).reset_index()
    scored = solutions.merge(values[by[:2]].drop_duplicates()).sort_values("solution_id")
    texts = scored.drop_duplicates(["problem_id", "text"])
    order = [
        seeds.seed_of(seed, "patterns", *key)
        for key in zip(texts["problem_id"], texts["text"], strict=True)
    ]
    texts = texts.assign(order=order).sort_values(["problem_id", "order"])
    texts["drawn"] = ~texts["problem_id"].duplicated()
    found = texts[[*by[:2], "tokens", "drawn"]].merge(values)
    best = found.groupby(["problem_id", "replicate"])[
        "score"
    ].idxmax()  # of equal scores the first in this random order
    return found.assign(selected=found.index.isin(best)).drop(columns="score")


def compare(
    chosen: Mapping[str, pd.DataFrame],
    rows: Mapping[tuple[str, int], int],
    patterns: np.ndarray,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """The similarities and contrasts with their intervals: first, second, comparison, mean, low,
    high, n, seeds, p.

    `chosen` holds the `picks` of math and code, `rows` the row of `patterns` [texts, size] of each
    (problem, solution). Where a row has sets in `first` and `second` it is their similarity, else
    it is a contrast: p is that of `draws` permutations, `comparable` the share of the selected
    texts that have another to be exchanged with. Intervals cover the problems of both domains and
    the trainings of the reward models.
    """
    math, code = (_texts(chosen[domain], rows) for domain in ("math", "code"))
    similar = patterns[math.rows].astype(float) @ patterns[code.rows].astype(float).T
    found = []
    for (first, second), (a, b) in PAIRS.items():
        values = _influences(_pairs(math, code, a, b, similar), math, code)
        found.append(
            values.assign(first=first, second=second, comparison="", p=np.nan, comparable=np.nan)
        )
    for name, (a, b) in CONTRASTS.items():
        values = _influences(
            _pairs(math, code, a, a, similar) - _pairs(math, code, b, b, similar), math, code
        )
        p = _permutation_p(math, code, name, similar, draws, seed)
        share = float(np.mean([_comparable(texts, name) for texts in (math, code)]))
        found.append(values.assign(first="", second="", comparison=name, p=p, comparable=share))
    names = ["first", "second", "comparison"]
    together = pd.concat(found)
    table = curve(together, names, "value", level=level)
    return together.drop_duplicates(names)[[*names, "p", "comparable"]].merge(table, on=names)[
        COLUMNS
    ]


@dataclass(frozen=True)
class _Texts:
    """The distinct texts of a domain, those of a problem together and the shorter first."""

    problems: list[str]
    starts: np.ndarray  # the first text of each problem
    rows: np.ndarray  # the row of each text's pattern
    weights: Mapping[
        str, Array
    ]  # of each text in each set [trainings, texts]: those of a problem sum to one
    strata: Mapping[
        str, np.ndarray
    ]  # of each contrast: number of the group within which a text's scores are exchanged


def _texts(table: pd.DataFrame, rows: Mapping[tuple[str, int], int]) -> _Texts:
    """The texts of one domain's `picks` with their weights."""
    wide = table.pivot(
        index=["problem_id", "tokens", "solution_id", "drawn"],
        columns="replicate",
        values="selected",
    )
    texts = wide.sort_index().index.to_frame(index=False)
    names, starts, own = np.unique(texts["problem_id"], return_index=True, return_inverse=True)
    lengths = _lengths(texts["tokens"].to_numpy(), starts)
    selected = wide.sort_index().to_numpy(dtype=float).T
    weights = {
        SELECTED: selected,
        RANDOM: np.broadcast_to(1 / np.bincount(own)[own], selected.shape),
        DRAWN: np.broadcast_to(texts["drawn"].to_numpy(dtype=float), selected.shape),
        AS_LONG: np.stack([_others(training, lengths) for training in selected]),
    }
    keys = zip(texts["problem_id"], texts["solution_id"], strict=True)
    strata = {RAW: own, LENGTH: lengths, NOTHING: own}
    return _Texts(names.tolist(), starts, np.array([rows[key] for key in keys]), weights, strata)


def _lengths(tokens: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """The number of each text's group of texts as long, of texts in the order of `_Texts`."""
    groups, shortest, firsts = np.zeros(len(tokens), dtype=int), 0, set(starts.tolist())
    for text, length in enumerate(tokens.tolist()):
        new = text in firsts or length > LONGER * shortest
        shortest = length if new else shortest
        groups[text] = (groups[text - 1] if text else -1) + new
    return groups


def _others(selected: Array, groups: np.ndarray) -> Array:
    """Equal weights of the texts in the selected ones' groups but those; of the selected one where
    it is alone.
    """
    size, has = np.bincount(groups)[groups], np.bincount(groups, selected)[groups]
    return np.where(size > 1, (has - selected) / np.maximum(size - 1, 1), selected)


def _pairs(math: _Texts, code: _Texts, a: str, b: str, similar: Array) -> Array:
    """Similarity of each math problem's response in set a to each code problem's in b [trainings,
    problems, problems].

    Training by training; further ones of one of the two reward models are left out.
    """
    found = []
    for first, second in zip(math.weights[a], code.weights[b], strict=False):
        by_problem = np.add.reduceat(first[:, None] * similar * second, math.starts, axis=0)
        found.append(np.add.reduceat(by_problem, code.starts, axis=1))
    return np.stack(found)


def _influences(pairs: Array, math: _Texts, code: _Texts) -> pd.DataFrame:
    """One value a problem and training, whose mean is that of all pairs [trainings, math problems,
    code problems].

    A mean over pairs moves with each problem as the mean of that problem's pairs does, once for
    each domain (Hájek's projection): resampling these values resamples the problems of both
    domains.
    """
    mean = pairs.mean(axis=(1, 2))[:, None]
    total = pairs.shape[1] + pairs.shape[2]
    parts = []
    for domain, texts, own in (
        ("math", math, pairs.mean(axis=2)),
        ("code", code, pairs.mean(axis=1)),
    ):
        values = mean + (own - mean) * total / own.shape[1]
        trained, names = (
            np.repeat(range(1, 1 + len(values)), len(texts.problems)),
            texts.problems * len(values),
        )
        table = {
            "problem_id": names,
            "replicate": trained,
            "value": values.ravel(),
            "dataset": domain,
        }
        parts.append(pd.DataFrame(table))
    return pd.concat(parts, ignore_index=True)


def _permutation_p(
    math: _Texts, code: _Texts, contrast: str, similar: Array, draws: int, seed: int
) -> float:
    """Two-sided p of a contrast when each text's scores are given to another of its stratum, all
    trainings together.

    Who gets the highest score is selected, and so the weights of both sets move with the scores.
    The effect itself is one of the 1 + `draws` (Phipson and Smyth 2010, arXiv 1603.05766).
    """
    orders = [
        _orders(
            texts.strata[contrast], draws, seeds.generator(seed, "permutation", contrast, domain)
        )
        for domain, texts in (("math", math), ("code", code))
    ]
    effects = np.zeros(1 + draws)
    for kind, sign in zip(CONTRASTS[contrast], (1, -1), strict=True):
        for first, second in zip(math.weights[kind], code.weights[kind], strict=False):
            effects += sign * ((first[orders[0]] @ similar) * second[orders[1]]).sum(axis=1)
    return float((np.abs(effects) >= abs(effects[0]) * (1 - 1e-9)).mean())


def _orders(strata: np.ndarray, draws: int, stream: np.random.Generator) -> np.ndarray:
    """The texts as they are, and then in `draws` random orders within their strata [1 + draws,
    texts].
    """
    shuffled = np.argsort(strata + stream.random((draws, len(strata))), axis=1)
    return np.vstack([np.arange(len(strata)), shuffled])


def _comparable(texts: _Texts, contrast: str) -> float:
    """The share of the texts in the contrast's first set whose stratum has another."""
    strata = texts.strata[contrast]
    alone = np.bincount(strata)[strata] == 1
    return 1.0 - float(texts.weights[CONTRASTS[contrast][0]][:, alone].sum(axis=1).mean()) / len(
        texts.problems
    )
