"""Search strategies: each one a generator in a module of its own, listed here under the name the configuration uses.

A strategy takes the budgets (increasing, in samples' worth) and, where it has variants, one of them (an aggregation of
step scores or of token log-probabilities); it yields the requests of `prmscale.engines.requests` and a `Choice` for
each budget.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from prmscale.engines.aggregation import AGGREGATIONS
from prmscale.engines.requests import Strategy
from prmscale.search.best_of_n import best_of_n
from prmscale.search.likelihood import MEASURES, likelihood
from prmscale.search.majority import majority
from prmscale.search.one_sample import one_sample
from prmscale.search.oracle import oracle
from prmscale.search.random_choice import random_choice
from prmscale.search.self_certainty import self_certainty
from prmscale.search.weighted_best_of_n import weighted_best_of_n


@dataclass(frozen=True)
class Entry:
    """A strategy's generator function, whether it asks for scores, and its variants by name (empty: it has none)."""

    start: Callable[..., Strategy]
    scored: bool
    variants: Mapping[str, Any] = field(default_factory=dict)


STRATEGIES: dict[str, Entry] = {
    "one_sample": Entry(one_sample, scored=False),
    "random": Entry(random_choice, scored=False),
    "majority": Entry(majority, scored=False),
    "likelihood": Entry(likelihood, scored=False, variants=MEASURES),
    "self_certainty": Entry(self_certainty, scored=False),
    "best_of_n": Entry(best_of_n, scored=True, variants=AGGREGATIONS),
    "weighted_best_of_n": Entry(weighted_best_of_n, scored=True, variants=AGGREGATIONS),
    "oracle": Entry(oracle, scored=False),
}
