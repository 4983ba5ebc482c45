"""Where to look at what decided a claim: links from its section of `claims.md` into the explorer.

A headline that compares two reward models is decided by the problems on which the choice of one is
right and that of the other is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
)

PAGE = "explorer.html"


def find_pairs(reward_models: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """By claim, the reward models that its headline compares; none where a study lacks them."""
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


def write(claims: Iterable[Claim], pair: tuple[str, str], policy: str) -> Iterator[str]:
    """A line of links for each data set of the claims' headlines."""
    one, other = pair
    for dataset in dict.fromkeys(claim.dataset for claim in claims if claim.headline and claim.n):
        links = []
        for better, worse in ((one, other), (other, one)):
            view = {"set": f"{policy}/{dataset}/test", "prm": better, "beside": worse}
            link = f"{PAGE}#{urlencode({**view, 'filter': 'beats'}, safe='/')}"
            links.append(f"[{better} chooses right and {worse} wrong]({link})")
        yield f"Look at the problems of {dataset} where {links[0]}, or {links[1]}."
