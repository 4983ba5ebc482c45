"""Whether responses that reward models select resemble each other more than unselected responses:
the paper's table 2.

All sets hold responses of one policy to the same problems. `MathPRM` and `CodePRM` hold those that
PRM-Math and PRM-Code select by best-of-n, `Math` and `Code` random responses. The similarity of two
sets is the mean, over all pairs of a math and a code response, of the normalised dot product of
their activation patterns (`engines.sensitivity`). The claim's effect is similarity(MathPRM,
CodePRM) − similarity(Math, Code).

A reward model scores texts, and a policy writes some texts many times. A random response is mostly
a frequent text; a selection, even a blind one, is not. A comparison of the two would measure
frequency, so every choice is made among a problem's *distinct* texts. The random response is the
mean over all of them, which has no sampling noise. Three checks go with the effect:

- a permutation test: if selection were blind, the scores of a problem's texts could be exchanged.
  Each permutation gives every text the scores (of all trainings) of another text, and repeats
  selection and comparison;
- a length-matched control: in place of the random response, the mean of the other texts as long as
  the selected one. Its permutations exchange scores among texts of the same length, so its null is
  a selection by length alone;
- a null control: one random text in place of the selected text.

Problems are independent, so the mean of a permuted effect is exactly 0 in all three, and the
effects need no correction. A selected text is compared with itself if the problem has no other text
as long (or no other text at all), and counts as 0; `comparable` is the share of the others. Every
training of a reward model has its own selection.
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
# the paper's names of a set of math and a set of code responses, and how each is chosen
PAIRS = {
    ("MathPRM", "CodePRM"): (SELECTED, SELECTED),
    ("MathPRM", "Code"): (SELECTED, RANDOM),
    ("Math", "CodePRM"): (RANDOM, SELECTED),
    ("Math", "Code"): (RANDOM, RANDOM),
}
RAW, LENGTH, NOTHING = "selected − random", "selected − as long, not selected", "random − random"
COLUMNS = ["first", "second", "comparison", "mean", "low", "high", "n", "seeds", "p", "comparable"]
CONTRASTS = {RAW: (SELECTED, RANDOM), LENGTH: (SELECTED, AS_LONG), NOTHING: (DRAWN, RANDOM)}
# two texts are equally long if the ratio of their tokens is at most this
LONGER = 1.02


def solution_scores(scores: pd.DataFrame, by: list[str], aggregation: str) -> pd.Series:
    """The score of each solution; `by` are the columns that tell solutions and scorers apart."""
    aggregate = AGGREGATIONS[aggregation]
    by_solution = scores.sort_values("step").groupby(by)["score"]
    return by_solution.agg(lambda steps: aggregate(steps.to_numpy()))


def picks(
    solutions: pd.DataFrame, scores: pd.DataFrame, aggregation: str, problems: int, seed: int
) -> pd.DataFrame:
    """The distinct texts of each problem, and which of them each training of a PRM selects.

    Columns: problem_id, solution_id (of the text's first draw), tokens, replicate (the training),
    `selected`, and `drawn` (one random text a problem). `solutions` and the PRM's step `scores` are
    of one domain, from which at most `problems` problems are drawn at random. Ties of scores are
    broken at random.
    """
    names = sorted(scores["problem_id"].unique())
    kept = seeds.generator(seed, "patterns", "problems").permutation(len(names))[:problems]
    scores = scores[scores["problem_id"].isin([names[i] for i in kept])]
    by = ["problem_id", "solution_id", "replicate"]
    values = solution_scores(scores, by, aggregation).reset_index()
    scored = solutions.merge(values[by[:2]].drop_duplicates()).sort_values("solution_id")
    texts = _shuffle(scored.drop_duplicates(["problem_id", "text"]), seed)
    texts["drawn"] = ~texts["problem_id"].duplicated()
    found = texts[[*by[:2], "tokens", "drawn"]].merge(values)
    # the first of equal scores; the order of texts is random
    best = found.groupby(["problem_id", "replicate"])["score"].idxmax()
    return found.assign(selected=found.index.isin(best)).drop(columns="score")


def _shuffle(texts: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The texts of each problem in random order."""
    keys = zip(texts["problem_id"], texts["text"], strict=True)
    order = [seeds.seed_of(seed, "patterns", *key) for key in keys]
    return texts.assign(order=order).sort_values(["problem_id", "order"])


def compare(
    chosen: Mapping[str, pd.DataFrame],
    rows: Mapping[tuple[str, int], int],
    patterns: np.ndarray,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """The similarities and contrasts with their intervals: first, second, comparison, mean, low,
    high, n, seeds, p, comparable.

    `chosen` holds the `picks` of math and code, `rows` the row of `patterns` [texts, size] of each
    (problem, solution). A row is the similarity of the sets `first` and `second`, or else the
    contrast `comparison`: its p is that of `draws` permutations, `comparable` the share of selected
    texts that another text can be exchanged with. Intervals cover the problems of both domains and
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
        difference = _pairs(math, code, a, a, similar) - _pairs(math, code, b, b, similar)
        values = _influences(difference, math, code)
        p = _permutation_p(math, code, name, similar, draws, seed)
        share = float(np.mean([_comparable_share(texts, name) for texts in (math, code)]))
        found.append(values.assign(first="", second="", comparison=name, p=p, comparable=share))
    names = ["first", "second", "comparison"]
    together = pd.concat(found)
    table = curve(together, names, "value", level=level)
    tests = together.drop_duplicates(names)[[*names, "p", "comparable"]]
    return tests.merge(table, on=names)[COLUMNS]


@dataclass(frozen=True)
class _Texts:
    """The distinct texts of a domain, ordered by problem and then by length."""

    problems: list[str]
    # the first text of each problem
    starts: np.ndarray
    # the row of each text's pattern
    rows: np.ndarray
    # by set, each text's weight in it [trainings, texts]; the weights of a problem sum to one
    weights: Mapping[str, Array]
    # by contrast, the number of the group within which a text's scores are exchanged [texts]
    strata: Mapping[str, np.ndarray]


def _texts(table: pd.DataFrame, rows: Mapping[tuple[str, int], int]) -> _Texts:
    """The texts of one domain's `picks` with their weights."""
    index = ["problem_id", "tokens", "solution_id", "drawn"]
    wide = table.pivot(index=index, columns="replicate", values="selected").sort_index()
    texts = wide.index.to_frame(index=False)
    names, starts, problem = np.unique(texts["problem_id"], return_index=True, return_inverse=True)
    lengths = _lengths(texts["tokens"].to_numpy(), starts)
    selected = wide.to_numpy(dtype=float).T
    weights = {
        SELECTED: selected,
        RANDOM: np.broadcast_to(1 / np.bincount(problem)[problem], selected.shape),
        DRAWN: np.broadcast_to(texts["drawn"].to_numpy(dtype=float), selected.shape),
        AS_LONG: np.stack([_weigh_others(training, lengths) for training in selected]),
    }
    keys = zip(texts["problem_id"], texts["solution_id"], strict=True)
    strata = {RAW: problem, LENGTH: lengths, NOTHING: problem}
    return _Texts(names.tolist(), starts, np.array([rows[key] for key in keys]), weights, strata)


def _lengths(tokens: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """The number of each text's group of equally long texts of its problem, in `_Texts`' order."""
    groups, group, shortest = np.zeros(len(tokens), dtype=int), -1, 0
    firsts = set(starts.tolist())
    for text, length in enumerate(tokens.tolist()):
        if text in firsts or length > LONGER * shortest:
            group, shortest = group + 1, length
        groups[text] = group
    return groups


def _weigh_others(selected: Array, groups: np.ndarray) -> Array:
    """Equal weights of the other texts in the selected texts' groups; a lone text keeps its own."""
    size, has = np.bincount(groups)[groups], np.bincount(groups, selected)[groups]
    return np.where(size > 1, (has - selected) / np.maximum(size - 1, 1), selected)


def _pairs(math: _Texts, code: _Texts, a: str, b: str, similar: Array) -> Array:
    """Similarity of each math problem's response in set a to each code problem's response in set b
    [trainings, math problems, code problems].

    Trainings are paired; if one reward model has more of them, the others are left out.
    """
    found = []
    for first, second in zip(math.weights[a], code.weights[b], strict=False):
        by_problem = np.add.reduceat(first[:, None] * similar * second, math.starts, axis=0)
        found.append(np.add.reduceat(by_problem, code.starts, axis=1))
    return np.stack(found)


def _influences(pairs: Array, math: _Texts, code: _Texts) -> pd.DataFrame:
    """One value a problem and training, with the mean of `pairs` [trainings, math problems, code
    problems].

    The mean over pairs depends on a problem through the mean of the problem's pairs, once for each
    domain (Hájek's projection), so the values' variance is that over the problems of both domains.
    """
    mean = pairs.mean(axis=(1, 2))[:, None]
    total = pairs.shape[1] + pairs.shape[2]
    parts = []
    by_domain = (("math", math, pairs.mean(axis=2)), ("code", code, pairs.mean(axis=1)))
    for domain, texts, by_problem in by_domain:
        values = mean + (by_problem - mean) * total / by_problem.shape[1]
        table = {
            "problem_id": texts.problems * len(values),
            "replicate": np.repeat(range(1, 1 + len(values)), len(texts.problems)),
            "value": values.ravel(),
            "dataset": domain,
        }
        parts.append(pd.DataFrame(table))
    return pd.concat(parts, ignore_index=True)


def _permutation_p(
    math: _Texts, code: _Texts, contrast: str, similar: Array, draws: int, seed: int
) -> float:
    """The two-sided p-value of a contrast if each text gets the scores of another of its stratum.

    The scores of all trainings move together. The text with the highest score is selected, so the
    weights of both sets move with the scores. The effect itself is one of the 1 + `draws` (Phipson
    and Smyth 2010, arXiv 1603.05766).
    """
    of_math, of_code = (
        _orders(
            texts.strata[contrast], draws, seeds.generator(seed, "permutation", contrast, domain)
        )
        for domain, texts in (("math", math), ("code", code))
    )
    effects = np.zeros(1 + draws)
    for kind, sign in zip(CONTRASTS[contrast], (1, -1), strict=True):
        for first, second in zip(math.weights[kind], code.weights[kind], strict=False):
            effects += sign * ((first[of_math] @ similar) * second[of_code]).sum(axis=1)
    return float((np.abs(effects) >= abs(effects[0]) * (1 - 1e-9)).mean())


def _orders(strata: np.ndarray, draws: int, stream: np.random.Generator) -> np.ndarray:
    """The texts in order, then in `draws` random orders within their strata [1 + draws, texts]."""
    shuffled = np.argsort(strata + stream.random((draws, len(strata))), axis=1)
    return np.vstack([np.arange(len(strata)), shuffled])


def _comparable_share(texts: _Texts, contrast: str) -> float:
    """The share of the texts in the contrast's first set whose stratum has another text."""
    strata = texts.strata[contrast]
    alone = np.bincount(strata)[strata] == 1
    weights = texts.weights[CONTRASTS[contrast][0]]
    return 1.0 - float(weights[:, alone].sum(axis=1).mean()) / len(texts.problems)
