"""Search strategies: each one a generator in a module of its own, listed here under the name the
configuration uses.

A strategy yields the requests of `prmscale.engines.requests`. Those of `STRATEGIES` choose among
whole samples: they take the budgets (increasing, in samples' worth) and, where they have variants,
some of them by name (aggregations of step scores or of token log-probabilities), and yield a
`Choice` for each of these and each budget. Those of `TREE_STRATEGIES` write solutions step by step:
they take the budget in samples' worth, an aggregation and the options of `search.tree`, and yield a
`Incumbent` whenever they know more; the scheduler stops them where the budget ends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from prmscale.engines.aggregation import AGGREGATIONS, Aggregate
from prmscale.engines.requests import Strategy
from prmscale.search.adaptive_best_of_n import adaptive_best_of_n
from prmscale.search.beam import beam
from prmscale.search.best_of_n import best_of_n
from prmscale.search.dvts import dvts
from prmscale.search.likelihood import MEASURES, likelihood
from prmscale.search.lookahead import lookahead
from prmscale.search.majority import majority
from prmscale.search.mcts import Select, mcts, uct
from prmscale.search.one_sample import one_sample
from prmscale.search.oracle import oracle
from prmscale.search.puct import puct
from prmscale.search.random_choice import random_choice
from prmscale.search.self_certainty import self_certainty
from prmscale.search.weighted_best_of_n import weighted_best_of_n


@dataclass(frozen=True)
class Entry:
    """A strategy's generator function, whether it asks for scores, and its variants by name (empty:
    it has none).

    Variants that ask for different things run `apart`; others share a run.
    """

    start: Callable[..., Strategy]
    scored: bool
    variants: Mapping[str, Any] = field(default_factory=dict)
    apart: bool = False


@dataclass(frozen=True)
class TreeEntry:
    """How a tree strategy starts, and whether its run at a smaller budget is the beginning of that
    at a larger one.

    Then the smaller budgets cost the engines nothing: all draws and scores are those of the
    largest.
    """

    start: Callable[[int, Aggregate, Any], Strategy]
    anytime: bool


def _tree(select: Callable[[Any], Select]) -> TreeEntry:
    """Monte-Carlo tree search that goes down by `select` of the options; they share all other
    options.
    """
    return TreeEntry(
        lambda budget, aggregate, o: mcts(
            aggregate,
            o.expansion,
            select(o),
            o.mcts.value,
            o.mcts.backup,
            o.mcts.final,
            o.mcts.simulations,
        ),
        anytime=True,
    )


STRATEGIES: dict[str, Entry] = {
    "one_sample": Entry(one_sample, scored=False),
    "random": Entry(random_choice, scored=False),
    "majority": Entry(majority, scored=False),
    "likelihood": Entry(likelihood, scored=False, variants=MEASURES),
    "self_certainty": Entry(self_certainty, scored=False),
    "best_of_n": Entry(best_of_n, scored=True, variants=AGGREGATIONS),
    "weighted_best_of_n": Entry(weighted_best_of_n, scored=True, variants=AGGREGATIONS),
    "adaptive_best_of_n": Entry(adaptive_best_of_n, scored=True, variants=AGGREGATIONS, apart=True),
    "oracle": Entry(oracle, scored=False),
}

TREE_STRATEGIES: dict[str, TreeEntry] = {
    "beam": TreeEntry(
        lambda budget, aggregate, o: beam(budget, aggregate, o.expansion), anytime=False
    ),
    "lookahead": TreeEntry(
        lambda budget, aggregate, o: lookahead(budget, aggregate, o.expansion, o.lookahead),
        anytime=False,
    ),
    "dvts": TreeEntry(lambda budget, aggregate, o: dvts(aggregate, o.expansion), anytime=True),
    "mcts": _tree(lambda o: uct(o.mcts.exploration)),
    "puct": _tree(lambda o: puct(o.puct.base, o.puct.init, o.puct.averaged)),
}
