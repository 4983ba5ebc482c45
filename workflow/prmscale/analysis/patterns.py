"""Do responses that reward models selected resemble each other more than unselected ones? The paper's table 2.

Sets of responses of one policy, one response a problem: `Math` and `Code` are random samples, `MathPRM` and `CodePRM`
those that PRM-Math and PRM-Code selected by best-of-n. The similarity of two sets is the mean, over all pairs of a math
and a code response, of the normalised dot product of their activation patterns (`engines.sensitivity`). The claim's
effect is similarity(MathPRM, CodePRM) − similarity(Math, Code), and beside it stand

- a permutation test: were selection blind, a problem's selected and unselected response could be exchanged;
- a length-matched control: in place of the random ones, responses to the same problems that were not selected and are
  as long as the selected ones;
- a control of nothing: one random sample in place of another.

Every training of a reward model has its own selection.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from prmscale.analysis.bootstrap import curve
from prmscale.engines import seeds
from prmscale.engines.aggregation import AGGREGATIONS

RANDOM, OTHER, SELECTED, MATCHED = "random", "other random", "selected", "as long, not selected"
SETS = (RANDOM, OTHER, SELECTED, MATCHED)
# the paper's names of two sets, one of math and one of code
PAIRS = {
    ("MathPRM", "CodePRM"): (SELECTED, SELECTED),
    ("MathPRM", "Code"): (SELECTED, RANDOM),
    ("Math", "CodePRM"): (RANDOM, SELECTED),
    ("Math", "Code"): (RANDOM, RANDOM),
}
RAW, LENGTH, NOTHING = "selected − random", "selected − as long, not selected", "random − random"
COLUMNS = ["first", "second", "comparison", "mean", "low", "high", "n", "seeds", "p"]
CONTRASTS = {RAW: (SELECTED, RANDOM), LENGTH: (SELECTED, MATCHED), NOTHING: (OTHER, RANDOM)}


def solution_scores(scores: pd.DataFrame, by: list[str], aggregation: str) -> pd.Series:
    """The score of each solution, of the step scores of each group."""
    aggregate = AGGREGATIONS[aggregation]
    return scores.sort_values("step").groupby(by)["score"].agg(lambda steps: aggregate(steps.to_numpy()))


def picks(solutions: pd.DataFrame, scores: pd.DataFrame, aggregation: str, problems: int, seed: int) -> pd.DataFrame:
    """Which response to each problem is in which set: problem_id, set, seed (the PRM's training), solution_id.

    `solutions` and the PRM's step `scores` are of one domain, of which at most so many problems are drawn at random.
    """
    values = solution_scores(scores, ["problem_id", "seed", "solution_id"], aggregation)
    names = sorted(scores["problem_id"].unique())
    drawn = seeds.generator(seed, "patterns", "problems").permutation(len(names))[:problems]
    scored = scores[["problem_id", "solution_id"]].drop_duplicates()
    by_problem = dict(tuple(solutions.merge(scored).sort_values("solution_id").groupby("problem_id")))
    rows = []
    for name in (names[i] for i in sorted(drawn)):
        own = by_problem[name].set_index("solution_id")
        one, other = _two(own.index.to_numpy(), seeds.generator(seed, "patterns", name))
        for training, value in values[name].groupby(level="seed"):
            chosen = value.droplevel("seed").idxmax()
            for kind, pick in zip(SETS, (one, other, chosen, _as_long(own, chosen)), strict=True):
                rows.append({"problem_id": name, "set": kind, "seed": training, "solution_id": pick})
    return pd.DataFrame(rows)


def _two(draws: np.ndarray, stream: np.random.Generator) -> tuple[int, int]:
    """Two different random draws; one and the same where there is only one."""
    drawn = stream.permutation(draws)
    return int(drawn[0]), int(drawn[-1])


def _as_long(solutions: pd.DataFrame, chosen: int) -> int:
    """The draw with another text whose number of tokens is nearest to the chosen one's; itself if all texts are one."""
    others = solutions[solutions["text"] != solutions["text"][chosen]]
    return int((others["tokens"] - solutions["tokens"][chosen]).abs().idxmin()) if len(others) else chosen


def compare(
    chosen: Mapping[str, pd.DataFrame],
    rows: Mapping[tuple[str, int], int],
    patterns: np.ndarray,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """The similarities and contrasts with their intervals: first, second, comparison, mean, low, high, n, seeds, p.

    `chosen` holds the `picks` of math and code, `rows` the row of `patterns` [responses, size] of each (problem,
    solution). Where a row has sets in `first` and `second` it is their similarity, else it is a contrast. Intervals
    cover the problems of both domains and the trainings of the reward models.
    """
    index = {domain: _index(table, rows) for domain, table in chosen.items()}
    trainings = range(min(len(own[SELECTED]) for own in index.values()))

    def similar(math: str, code: str) -> np.ndarray:
        """Of each math response in a set to each code response in one [trainings, problems, problems]."""
        a, b = index["math"][math], index["code"][code]
        return np.stack([patterns[a[r]] @ patterns[b[r]].T for r in trainings]).astype(float)

    ids = {domain: sorted(table["problem_id"].unique()) for domain, table in chosen.items()}
    found = []
    for (first, second), sets in PAIRS.items():
        found.append(_influences(similar(*sets), ids).assign(first=first, second=second, comparison="", p=np.nan))
    for name, (a, b) in CONTRASTS.items():
        both, neither, first_only, second_only = (similar(*pair) for pair in ((a, a), (b, b), (a, b), (b, a)))
        p = permutation_p(both, neither, first_only, second_only, draws, seed)
        found.append(_influences(both - neither, ids).assign(first="", second="", comparison=name, p=p))
    names = ["first", "second", "comparison"]
    table = curve(pd.concat(found), names, "value", level=level, draws=draws, seed=seed)
    p_values = pd.concat(found).drop_duplicates(names)[[*names, "p"]]
    return p_values.merge(table, on=names)[COLUMNS]


def _index(table: pd.DataFrame, rows: Mapping[tuple[str, int], int]) -> dict[str, np.ndarray]:
    """The rows of the patterns of each set [trainings, problems], problems in order."""
    keys = zip(table["problem_id"], table["solution_id"], strict=True)
    wide = table.assign(row=[rows[key] for key in keys]).pivot(
        index=["set", "seed"], columns="problem_id", values="row"
    )
    return {kind: wide.loc[kind].to_numpy() for kind in SETS}


def _influences(pairs: np.ndarray, ids: Mapping[str, list[str]]) -> pd.DataFrame:
    """One value a problem and training, whose mean is that of all pairs [trainings, math problems, code problems].

    A mean over pairs moves with each problem as the mean of that problem's pairs does, once for each domain (Hájek's
    projection): resampling these values resamples the problems of both domains.
    """
    mean = pairs.mean(axis=(1, 2))[:, None]
    total = pairs.shape[1] + pairs.shape[2]
    parts = []
    for domain, own in (("math", pairs.mean(axis=2)), ("code", pairs.mean(axis=1))):
        values = mean + (own - mean) * total / own.shape[1]
        table = pd.DataFrame(values.T, index=pd.Index(ids[domain], name="problem_id"))
        table.columns = pd.RangeIndex(1, 1 + len(values), name="seed")
        parts.append(table.stack().rename("value").reset_index().assign(dataset=domain))
    return pd.concat(parts, ignore_index=True)


def permutation_p(
    both: np.ndarray, neither: np.ndarray, first: np.ndarray, second: np.ndarray, draws: int, seed: int
) -> float:
    """Two-sided p of mean(both − neither), when a problem's response in set a and that in b are exchanged at random.

    The similarities [trainings, math, code] are of a with a, b with b, a with b and b with a. Exchanges leave the sum
    of a problem's two patterns as it is and turn the sign of their difference, so that the effect is a sum of one
    signed term a problem; all trainings of a problem are exchanged together.
    """
    math = (both - neither + first - second).mean(axis=(0, 2)) / 2
    code = (both - neither - first + second).mean(axis=(0, 1)) / 2
    terms = np.concatenate([math / len(math), code / len(code)])
    signs = seeds.generator(seed, "permutation").choice([-1.0, 1.0], size=(draws, len(terms)))
    as_large = np.abs(signs @ terms) >= abs(terms.sum()) * (1 - 1e-9)
    return float((1 + as_large.sum()) / (1 + draws))
