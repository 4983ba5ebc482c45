"""Which rows the comparison of search strategies takes: figures 4, 5 and 8 and the claim
`search_budget` take the same.

Everything is guided by one reward model and compared at tokens spent (`analysis.spending`), not at
budgets allowed. No budget is left out: a search that ends without a complete solution
(finish_reason `budget`) is wrong there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import pandas as pd

from prmscale.analysis import selection, spending
from prmscale.analysis.spending import Curve
from prmscale.engines.aggregation import AGGREGATIONS
from prmscale.search import TREE_STRATEGIES

TREE = tuple(TREE_STRATEGIES)
NAMES = {  # as people call them, in the order of legends
    "majority": "majority vote",
    "best_of_n": "best-of-n",
    "weighted_best_of_n": "weighted best-of-n",
    "adaptive_best_of_n": "adaptive best-of-n",
    "beam": "beam search",
    "lookahead": "look-ahead search",
    "dvts": "DVTS",
    "mcts": "MCTS",
    "puct": "PUCT",
}
GUIDED = tuple(name for name in NAMES if name != "majority")
PLENTIFUL = (
    ("mcts", "beam"),
    ("beam", "best_of_n"),
    ("best_of_n", "majority"),
    ("mcts", "best_of_n"),
)
SCARCE = ("best_of_n", "mcts")
CONTRASTS = {  # as the configuration names them
    ("mcts", "best_of_n"): "plentiful",
    ("best_of_n", "mcts"): "scarce",
    ("mcts", "beam"): "mcts_beam",
    ("beam", "best_of_n"): "beam_best_of_n",
    ("best_of_n", "majority"): "best_of_n_majority",
}


def guide(search: pd.DataFrame, reward_models: pd.DataFrame) -> str:
    """The reward model by which strategies are compared; '' where none guides a tree search.

    Of those that are no controls, the one with rows of the most tree strategies, then the largest,
    then by name.
    """
    counts = search[search["strategy"].isin(TREE)].groupby("reward_model")["strategy"].nunique()
    models = selection.real(reward_models)
    models = models[models["reward_model"].isin(counts.index)]
    if models.empty:
        return ""
    held = models["reward_model"].map(counts)
    return str(selection.largest(models[held == held.max()])["reward_model"].iloc[0])


def compared(search: pd.DataFrame, reward_models: pd.DataFrame, aggregation: str) -> pd.DataFrame:
    """The rows compared, of one sample, majority and every strategy that the `guide` guides; none
    where there is none.

    A strategy that was not measured by this aggregation has its first own one, in the order last,
    min, product, mean, sum.
    """
    name = guide(search, reward_models)
    if not name:
        return search.iloc[:0]
    rows = selection.final(search)
    guided = rows[(rows["reward_model"] == name) & rows["strategy"].isin(GUIDED)]
    parts = [
        own[own["aggregation"] == _own(own, aggregation)] for _, own in guided.groupby("strategy")
    ]
    return pd.concat([selection.controls(rows, ["one_sample", "majority"]), *parts])


def unspent(search: pd.DataFrame, reward_models: pd.DataFrame, aggregation: str) -> pd.DataFrame:
    """The strategies compared that left more than 5 % of a budget unspent: dataset, strategy (as
    people call it), budget, share of it that was spent.
    """
    table = spending.unspent(compared(search, reward_models, aggregation))
    return table.assign(strategy=table["strategy"].map(NAMES))


@dataclass(frozen=True)
class Contrast:
    """A difference by problem (rows) and seed (columns), empty where a side was not measured, and
    what it says.

    `parts` are the differences that must all be positive where the contrast is more than its own
    sign.
    """

    name: str
    words: str
    dataset: str
    difference: pd.DataFrame
    parts: tuple[pd.DataFrame, ...] = ()


def contrasts(
    search: pd.DataFrame, reward_models: pd.DataFrame, aggregation: str, scarce: int
) -> Iterator[Contrast]:
    """What the claim compares, the whole claim first: MCTS leads best-of-n at plenty and trails it
    at scarcity.

    Plenty is the largest amount that the measured ones of MCTS, beam search, best-of-n and majority
    all spent; scarcity a budget stated beforehand. The words name who left more than 5 % of the
    budget in question unspent.
    """
    for key, rows in compared(search, reward_models, aggregation).groupby("dataset", sort=True):
        dataset, every = str(key), spending.curves(rows)
        chain = [
            every[name]
            for name in dict.fromkeys(n for pair in PLENTIFUL for n in pair)
            if name in every
        ]
        plenty, left = spending.common(chain), spending.unspent(rows)
        most = left[left["budget"] == rows["budget"].max()]
        ordered = [_contrast(every, pair, plenty, most, dataset) for pair in PLENTIFUL]
        little = spending.point({name: every[name] for name in SCARCE if name in every}, scarce)
        at = little if little < plenty else 0.0
        reversed_ = _contrast(every, SCARCE, at, left[left["budget"] == scarce], dataset)
        reversed_ = replace(reversed_, words=reversed_.words + _unanswered(rows, scarce))
        lead = ordered[-1].difference
        both = selection.minus(lead, -reversed_.difference)
        words = f"lead of MCTS over best-of-n at {plenty:.3g} samples' worth − at {at:.3g}"
        if len(both):
            # the number is their difference, the verdict wants both
            ends = (100 * float(part.mean(axis=None)) for part in (lead, -reversed_.difference))
            words += " ({:+.1f}, must be above 0; {:+.1f}, must be below)".format(*ends).replace(
                "-", "−"
            )
        yield Contrast("order", words, dataset, both, (lead, reversed_.difference))
        yield from (*ordered, reversed_)


def _contrast(
    every: Mapping[str, Curve],
    pair: tuple[str, str],
    worth: float,
    left: pd.DataFrame,
    dataset: str,
) -> Contrast:
    """One difference at one amount spent (0: none) and its words."""
    more, less = (every[name].at(worth) if name in every else pd.DataFrame() for name in pair)
    words = [f"{NAMES[pair[0]]} − {NAMES[pair[1]]}"]
    if worth:
        shares = left[left["strategy"].isin(pair)]
        named = [
            f"{NAMES[row.strategy]} spent {row.share:.0%} of {row.budget}"
            for row in shares.itertuples()
        ]
        words.append(f"{worth:.3g} samples' worth" + (f" ({'; '.join(named)})" if named else ""))
    return Contrast(CONTRASTS[pair], ", ".join(words), dataset, selection.minus(more, less))


def _unanswered(rows: pd.DataFrame, budget: int) -> str:
    """On how many problems MCTS has no answer within a budget, in words; best-of-n is never cut
    short of one.
    """
    mine = rows[(rows["strategy"] == "mcts") & (rows["budget"] == budget)]
    share = mine["finish_reason"].eq("budget").mean()
    return f" (MCTS has no answer on {share:.0%})" if share > 0 else ""


def _own(rows: pd.DataFrame, wanted: str) -> str:
    """The aggregation to take of a strategy's rows."""
    places = {name: place for place, name in enumerate(AGGREGATIONS)}
    held = sorted(set(rows["aggregation"]))
    return wanted if wanted in held else min(held, key=lambda name: places.get(name, len(places)))
