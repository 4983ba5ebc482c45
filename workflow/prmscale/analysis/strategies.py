"""Which rows the comparison of search strategies takes: figures 4, 5 and 8 and the claim `search_budget` take the same.

Everything is guided by one reward model, at equal budgets: `budget` is in samples' worth of generated tokens and no
strategy spends more. A tree search may end a small budget without any complete answer (finish_reason `budget`, which
counts as wrong). Budgets at which more than 5 % of a strategy's problems end so are left out, by data set: there it
has no answer yet, and its accuracy would say how long solutions are, not how well it searches.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from prmscale.analysis import selection
from prmscale.engines.aggregation import AGGREGATIONS
from prmscale.errors import UserError
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
UNANSWERED = 0.05  # of the problems: more without an answer, and a budget is left out
PLENTIFUL = (("mcts", "beam"), ("beam", "best_of_n"), ("best_of_n", "majority"), ("mcts", "best_of_n"))
SCARCE = ("best_of_n", "mcts")


def guide(search: pd.DataFrame, reward_models: pd.DataFrame) -> str:
    """The reward model by which strategies are compared; '' where none guides a tree search.

    Of those that are no controls, the one with rows of the most tree strategies, then the largest, then by name.
    """
    counts = search[search["strategy"].isin(TREE)].groupby("reward_model")["strategy"].nunique()
    models = selection.real(reward_models)
    models = models[models["reward_model"].isin(counts.index)]
    if models.empty:
        return ""
    held = models["reward_model"].map(counts)
    return str(selection.largest(models[held == held.max()])["reward_model"].iloc[0])


def compared(search: pd.DataFrame, reward_models: pd.DataFrame, aggregation: str) -> pd.DataFrame:
    """The rows compared, of one sample, majority and every strategy that the `guide` guides; none where there is none.

    A strategy that was not measured by this aggregation has its first own one, in the order last, min, product, mean,
    sum. Budgets without answers are left out.
    """
    name = guide(search, reward_models)
    if not name:
        return search.iloc[:0]
    rows = selection.final(search)
    guided = rows[(rows["reward_model"] == name) & rows["strategy"].isin(GUIDED)]
    parts = [own[own["aggregation"] == _own(own, aggregation)] for _, own in guided.groupby("strategy")]
    return answered(pd.concat([selection.controls(rows, ["one_sample", "majority"]), *parts]))


def wanted(search: pd.DataFrame, reward_models: pd.DataFrame, aggregation: str, figure: str) -> pd.DataFrame:
    """The rows `compared`; raises UserError in the figure's name when no reward model guides a tree search."""
    rows = compared(search, reward_models, aggregation)
    if rows.empty:
        raise UserError(
            f"{figure}: no tree search ({', '.join(TREE)}) guided by a trained reward model is in the search table. "
            f"Name reward models in search.tree.reward_models, or leave {figure} out of analysis.figures"
        )
    return rows


def answered(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows without those of budgets at which a strategy has no answer for more than 5 % of a data set's problems
    (averaged over training seeds).
    """
    without = rows["finish_reason"].eq("budget")
    share = without.groupby([rows["dataset"], rows["strategy"], rows["budget"]]).transform("mean")
    return rows[share <= UNANSWERED]


def contrasts(
    search: pd.DataFrame, reward_models: pd.DataFrame, aggregation: str
) -> Iterator[tuple[str, pd.DataFrame]]:
    """What the claim compares: its words, and the difference by problem (rows) and seed (columns), empty where one of
    the two was not measured.

    Plenty is the largest budget that the measured ones of MCTS, beam search, best-of-n and majority all reach;
    scarcity the smallest at which MCTS has answers, if it is another.
    """
    for dataset, rows in compared(search, reward_models, aggregation).groupby("dataset", sort=True):
        held = {str(name): set(own["budget"]) for name, own in rows.groupby("strategy")}
        chain = [held[name] for name in dict.fromkeys(n for pair in PLENTIFUL for n in pair) if name in held]
        top = max(set.intersection(*chain), default=0) if chain else 0
        for pair in PLENTIFUL:
            yield _contrast(rows, pair, top, str(dataset))
        least = min((held.get("mcts", set()) & held.get("best_of_n", set())) - {top}, default=0)
        yield _contrast(rows, SCARCE, least, str(dataset))


def _contrast(rows: pd.DataFrame, pair: tuple[str, str], budget: int, dataset: str) -> tuple[str, pd.DataFrame]:
    """One difference at one budget (0: none) and its words."""
    at = rows[rows["budget"] == budget]
    more, less = (selection.per_problem(at[at["strategy"] == name]) for name in pair)
    words = [f"{NAMES[pair[0]]} − {NAMES[pair[1]]}", *([f"budget {budget}"] if budget else []), dataset]
    return ", ".join(words), selection.minus(more, less)


def _own(rows: pd.DataFrame, wanted: str) -> str:
    """The aggregation to take of a strategy's rows."""
    places = {name: place for place, name in enumerate(AGGREGATIONS)}
    held = sorted(set(rows["aggregation"]))
    return wanted if wanted in held else min(held, key=lambda name: places.get(name, len(places)))
