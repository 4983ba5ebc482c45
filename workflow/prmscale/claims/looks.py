"""Where to look at what decided a claim: links from its section of `claims.md` into the explorer.

A headline that compares two reward models, or two strategies, is decided by the problems on which
the choice of one is right and that of the other is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import urlencode

import pandas as pd

from prmscale.analysis.models import (
    find_diversity_series,
    find_ladder,
    find_outcome_pairs,
    find_twins,
)
from prmscale.analysis.verdicts import Claim
from prmscale.claims import (
    data_diversity,
    diminishing_returns,
    math_to_code,
    process_beats_outcome,
    search_budget,
)

PAGE = "explorer.html"
SEARCHES = "mcts"  # the strategy that claim (d) compares with best-of-n


class View(NamedTuple):
    """A view of the explorer: what its problems have in common, and its part of the address."""

    words: str
    address: Mapping[str, str]


Views = tuple[View, View]  # what one side alone solves, and what the other alone


def find_views(search: pd.DataFrame, reward_models: pd.DataFrame) -> dict[str, Views]:
    """By claim, where its headline's two sides differ; none where a study lacks one. `search` has
    the rows of one policy.
    """
    views = {
        claim: (_compare_models(one, other), _compare_models(other, one))
        for claim, (one, other) in _find_pairs(reward_models).items()
    }
    searched = search[search["strategy"] == SEARCHES] if len(search) else search
    if len(searched):
        views[search_budget.NAME] = _compare_strategies(searched)
    return views


def _compare_models(better: str, worse: str) -> View:
    words = f"{better} chooses right and {worse} wrong"
    return View(words, {"prm": better, "beside": worse, "filter": "beats"})


def _compare_strategies(searched: pd.DataFrame) -> Views:
    """The views of MCTS's rows beside best-of-n, at the largest budget."""
    largest = searched[searched["budget"] == searched["budget"].max()].iloc[0]
    shown = {"prm": largest["reward_model"], "by": SEARCHES, "budget": str(largest["budget"])}
    return (
        View("MCTS is right and best-of-n wrong", {**shown, "filter": "ahead"}),
        View("best-of-n is right and MCTS wrong", {**shown, "filter": "behind"}),
    )


def _find_pairs(reward_models: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """By claim, the reward models that its headline compares."""
    if reward_models.empty:
        return {}
    pairs = {}
    ladder = find_ladder(reward_models).sort_values("base_parameters")["reward_model"].tolist()
    if len(set(ladder)) > 1:
        pairs[diminishing_returns.NAME] = (ladder[-1], ladder[0])
    wordings = find_diversity_series(reward_models, "wordings").sort_values("wordings")
    if wordings["wordings"].nunique() > 1:
        names = wordings["reward_model"].tolist()
        pairs[data_diversity.NAME] = (names[-1], names[0])
    twins = find_twins(reward_models)
    if twins:
        pairs[math_to_code.NAME] = (twins["math"][0], twins["code"][0])
    outcomes = find_outcome_pairs(reward_models)
    if len(outcomes):
        largest = outcomes.iloc[-1]
        pairs[process_beats_outcome.NAME] = (largest["process"], largest["outcome"])
    return pairs


def write(claims: Iterable[Claim], views: Views, policy: str) -> Iterator[str]:
    """A line of links for each data set of the claims' headlines."""
    for dataset in dict.fromkeys(claim.dataset for claim in claims if claim.headline and claim.n):
        links = []
        for view in views:
            address = {"set": f"{policy}/{dataset}/test", **view.address}
            links.append(f"[{view.words}]({PAGE}#{urlencode(address, safe='/')})")
        yield f"Look at the problems of {dataset} where {links[0]}, or {links[1]}."
