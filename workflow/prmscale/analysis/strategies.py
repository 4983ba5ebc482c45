"""The comparison of search strategies: the rows that figures 4, 5 and 8 and the claim
`search_budget` share, and the claim's differences.

One reward model guides all strategies, and they are compared at tokens spent (`analysis.spending`),
not at budgets allowed. No budget is left out: a search that ends without a complete solution
(finish_reason `budget`) counts as wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain

import pandas as pd

from prmscale.analysis import spending
from prmscale.analysis.models import drop_controls, keep_largest, keep_process_models
from prmscale.analysis.rows import keep_controls, keep_final, subtract
from prmscale.analysis.spending import Curve
from prmscale.analysis.verdicts import Rules
from prmscale.engines.aggregation import AGGREGATIONS
from prmscale.search import STRATEGIES, TREE_STRATEGIES

TREE = tuple(TREE_STRATEGIES)
GUIDED = (*(name for name, entry in STRATEGIES.items() if entry.scored), *TREE)
_TITLES = {
    "majority": "majority vote",
    "best_of_n": "best-of-n",
    "weighted_best_of_n": "weighted best-of-n",
    "adaptive_best_of_n": "adaptive best-of-n",
    "calibrated_majority": "calibrated majority",
    "filtered_best_of_n": "filtered best-of-n",
    "beam": "beam search",
    "lookahead": "look-ahead search",
    "dvts": "DVTS",
    "mcts": "MCTS",
    "puct": "PUCT",
}
# the strategies compared, as in a sentence, in the order of legends
NAMES = {name: _TITLES.get(name, name.replace("_", " ")) for name in ("majority", *GUIDED)}
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


def find_guide(search: pd.DataFrame, reward_models: pd.DataFrame) -> str:
    """The reward model that guides the strategies compared; '' where none guides a tree search.

    Controls aside, it is the one with rows of the most tree strategies, then the largest, then the
    first by name; an ORM only where no PRM guides.
    """
    counts = search[search["strategy"].isin(TREE)].groupby("reward_model")["strategy"].nunique()
    models = drop_controls(reward_models)
    models = models[models["reward_model"].isin(counts.index)]
    if models.empty:
        return ""
    models = keep_process_models(models)
    held = models["reward_model"].map(counts)
    return str(keep_largest(models[held == held.max()])["reward_model"].iloc[0])


def select_compared(
    search: pd.DataFrame, reward_models: pd.DataFrame, aggregation: str
) -> pd.DataFrame:
    """The rows compared: one sample, majority and every strategy that `find_guide`'s model guides;
    empty without such a model.

    A strategy that was not measured by this aggregation is taken by the first that it has, in the
    order last, min, product, mean, sum.
    """
    name = find_guide(search, reward_models)
    if not name:
        return search.iloc[:0]
    rows = keep_final(search)
    parts = [keep_controls(rows, ["one_sample", "majority"])]
    guided = rows[(rows["reward_model"] == name) & rows["strategy"].isin(GUIDED)]
    for _, group in guided.groupby("strategy"):
        chosen = _choose_aggregation(set(group["aggregation"]), aggregation)
        parts.append(group[group["aggregation"] == chosen])
    return pd.concat(parts)


def find_unspent(
    search: pd.DataFrame, reward_models: pd.DataFrame, aggregation: str
) -> pd.DataFrame:
    """The strategies compared that left more than 5 % of a budget unspent: columns dataset,
    strategy (as in a sentence), budget, share (of the budget that was spent).
    """
    table = spending.find_unspent(select_compared(search, reward_models, aggregation))
    return table.assign(strategy=table["strategy"].map(NAMES))


@dataclass(frozen=True)
class Comparison:
    """A difference by problem (rows) and seed (columns), empty where a side was not measured, and
    its words.

    If there are `parts`, each of them must be positive for the comparison to be supported.
    """

    name: str
    words: str
    dataset: str
    difference: pd.DataFrame
    parts: tuple[pd.DataFrame, ...] = ()


def compare(
    search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules
) -> Iterator[Comparison]:
    """What the claim `search_budget` compares on each data set, the whole claim first.

    The whole claim: MCTS leads best-of-n at plenty and trails it at scarcity. Plenty is the largest
    amount that MCTS, beam search, best-of-n and majority (those measured) all spent; scarcity is
    `rules.scarce_budget`. The words name who left more than 5 % of the budget in question unspent.
    """
    compared = select_compared(search, reward_models, rules.aggregation)
    scarce = rules.scarce_budget
    for dataset, rows in compared.groupby("dataset", sort=True):
        measured = _Measured(str(dataset), spending.curves(rows), spending.find_unspent(rows))
        plenty, scarcity = measured.choose_amounts(scarce)
        most = int(rows["budget"].max())
        ordered = [measured.compare(pair, plenty, most) for pair in PLENTIFUL]
        reverse = measured.compare(SCARCE, scarcity, scarce)
        reverse = replace(reverse, words=reverse.words + _name_unanswered(rows, scarce))
        yield _compare_leads(ordered[-1], reverse, plenty, scarcity)
        yield from (*ordered, reverse)


def _compare_leads(
    lead: Comparison, reverse: Comparison, plenty: float, scarcity: float
) -> Comparison:
    """How much larger MCTS's lead is at plenty: the number is the difference of the two leads, the
    verdict needs both their signs.
    """
    at_scarcity = -reverse.difference
    both = subtract(lead.difference, at_scarcity)
    first, second = f"with the tokens of {plenty:.3g} samples", f"with those of {scarcity:.3g}"
    if len(both):
        first += f" ({_format_points(lead.difference)}, must be above 0)"
        second += f" ({_format_points(at_scarcity)}, must be below 0)"
    words = f"MCTS's lead over best-of-n, {first} − {second}"
    parts = (lead.difference, reverse.difference)
    return Comparison("order", words, lead.dataset, both, parts)


def _format_points(difference: pd.DataFrame) -> str:
    return f"{100 * float(difference.mean(axis=None)):+.1f}".replace("-", "−")


@dataclass(frozen=True)
class _Measured:
    """The strategies' curves on one data set, and the table of what they left unspent."""

    dataset: str
    curves: Mapping[str, Curve]
    left: pd.DataFrame

    def choose_amounts(self, scarce: int) -> tuple[float, float]:
        """Plenty and scarcity in samples' worth spent; scarcity is 0 if it is not below plenty."""
        named = set(chain.from_iterable(PLENTIFUL))
        plenty = spending.common_amount(
            curve for name, curve in self.curves.items() if name in named
        )
        both = {name: self.curves[name] for name in SCARCE if name in self.curves}
        scarcity = spending.point(both, scarce)
        return plenty, scarcity if scarcity < plenty else 0.0

    def compare(self, pair: tuple[str, str], worth: float, budget: int) -> Comparison:
        """The difference of two strategies at an amount spent (0: none) within a budget."""
        more, less = (
            self.curves[name].at(worth) if name in self.curves else pd.DataFrame() for name in pair
        )
        words = f"{NAMES[pair[0]]} − {NAMES[pair[1]]}"
        if worth:
            words += f", with the tokens of {worth:.3g} samples{self._name_unspent(pair, budget)}"
        return Comparison(CONTRASTS[pair], words, self.dataset, subtract(more, less))

    def _name_unspent(self, pair: tuple[str, str], budget: int) -> str:
        rows = self.left[(self.left["budget"] == budget) & self.left["strategy"].isin(pair)]
        parts = [
            f"{NAMES[row.strategy]} spent {row.share:.0%} of {budget}" for row in rows.itertuples()
        ]
        return f" ({'; '.join(parts)})" if parts else ""


def _name_unanswered(rows: pd.DataFrame, budget: int) -> str:
    """On what share of the problems MCTS has no answer within a budget, in words; best-of-n always
    has one.
    """
    mcts = rows[(rows["strategy"] == "mcts") & (rows["budget"] == budget)]
    share = mcts["finish_reason"].eq("budget").mean()
    return f" (MCTS has no answer to {share:.0%} of the problems)" if share > 0 else ""


def _choose_aggregation(held: set[str], preferred: str) -> str:
    """The preferred aggregation if a strategy has it, else the first that it has."""
    if preferred in held:
        return preferred
    places = {name: place for place, name in enumerate(AGGREGATIONS)}
    return min(sorted(held), key=lambda name: places.get(name, len(places)))
