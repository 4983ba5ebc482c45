"""Search strategies under the names that the configuration uses.

A strategy is a generator that yields the requests of `prmscale.engines.requests`.

- A strategy of `STRATEGIES` chooses among whole samples. It receives the budgets (increasing, in
  samples) and, if it has variants, some of them by name (aggregations of step scores or of token
  log-probabilities). It yields a `Choice` for each variant and budget.
- A strategy of `TREE_STRATEGIES` writes solutions step by step. It receives the budget in samples'
  worth, an aggregation and the options of `search.tree`. It yields an `Incumbent` whenever its
  answer may have changed; the scheduler stops it where the budget ends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from prmscale import plugins
from prmscale.engines.aggregation import AGGREGATIONS, Aggregate, Calibration
from prmscale.engines.requests import Strategy
from prmscale.search.adaptive_best_of_n import adaptive_best_of_n
from prmscale.search.beam import beam
from prmscale.search.best_of_n import best_of_n
from prmscale.search.calibrated_majority import calibrated_majority
from prmscale.search.controls import (
    MEASURES,
    likelihood,
    majority,
    one_sample,
    oracle,
    random_choice,
    self_certainty,
)
from prmscale.search.dvts import dvts
from prmscale.search.lookahead import lookahead
from prmscale.search.mcts import mcts, uct
from prmscale.search.particle_filtering import particle_filtering
from prmscale.search.puct import puct
from prmscale.search.self_certainty_vote import EXPONENTS, self_certainty_vote
from prmscale.search.visible_tests import filtered_best_of_n, visible_tests
from prmscale.search.weighted_best_of_n import weighted_best_of_n

_Start = TypeVar("_Start", bound=Callable[..., Strategy])


@dataclass(frozen=True)
class Entry:
    """A strategy over whole samples: its generator function and what it needs.

    `scored`: it asks for step scores. `variants` by name (empty: none) share a run, or run `apart`
    if they ask for different things. `reads`: the column of `solutions` that it compares, which not
    every engine or file of solutions tells. `votes`: its scores are votes, which may be calibrated.
    """

    start: Callable[..., Strategy]
    scored: bool
    variants: Mapping[str, Any] = field(default_factory=dict)
    apart: bool = False
    reads: str = ""
    votes: bool = False

    def groups(
        self, aggregations: Sequence[str], calibrations: Mapping[str, Calibration]
    ) -> list[dict[str, Any]]:
        """The variants of each run; a scored strategy has those of `aggregations` alone.

        If it votes, an aggregated score becomes P(correct) by the calibration of its aggregation.
        """
        names = aggregations if self.scored else list(self.variants)
        chosen = {name: self.variants[name] for name in names}
        if self.votes:
            chosen = {
                name: _compose(calibrations[name], variant) if name in calibrations else variant
                for name, variant in chosen.items()
            }
        if self.apart:
            return [{name: variant} for name, variant in chosen.items()]
        return [chosen]


def _compose(calibration: Calibration, aggregate: Aggregate) -> Aggregate:
    return lambda scores: calibration(aggregate(scores))


@dataclass(frozen=True)
class TreeEntry:
    """How a tree strategy starts, and whether it is `anytime`.

    The run of an anytime strategy at a smaller budget is the beginning of its run at a larger one,
    so the engines answer the smaller budgets from what they have drawn and scored for the largest.
    """

    start: Callable[[int, Aggregate, Any], Strategy]
    anytime: bool


STRATEGIES: dict[str, Entry] = {
    "one_sample": Entry(one_sample, scored=False),
    "random": Entry(random_choice, scored=False),
    "majority": Entry(majority, scored=False),
    "likelihood": Entry(likelihood, scored=False, variants=MEASURES, reads="logprob"),
    "self_certainty": Entry(self_certainty, scored=False, reads="self_certainty"),
    "self_certainty_vote": Entry(
        self_certainty_vote, scored=False, variants=EXPONENTS, reads="self_certainty"
    ),
    "visible_tests": Entry(visible_tests, scored=False, reads="visible"),
    "best_of_n": Entry(best_of_n, scored=True, variants=AGGREGATIONS),
    "weighted_best_of_n": Entry(weighted_best_of_n, scored=True, variants=AGGREGATIONS),
    "adaptive_best_of_n": Entry(adaptive_best_of_n, True, AGGREGATIONS, apart=True, votes=True),
    "calibrated_majority": Entry(calibrated_majority, True, AGGREGATIONS, votes=True),
    "filtered_best_of_n": Entry(
        filtered_best_of_n, scored=True, variants=AGGREGATIONS, reads="visible"
    ),
    "oracle": Entry(oracle, scored=False),
}

TREE_STRATEGIES: dict[str, TreeEntry] = {
    "beam": TreeEntry(lambda budget, by, o: beam(budget, by, o.expansion), anytime=False),
    "lookahead": TreeEntry(
        lambda budget, by, o: lookahead(budget, by, o.expansion, o.lookahead), anytime=False
    ),
    "dvts": TreeEntry(lambda budget, by, o: dvts(by, o.expansion), anytime=True),
    "particle_filtering": TreeEntry(
        lambda budget, by, o: particle_filtering(budget, by, o.particle_filtering.temperature),
        anytime=False,
    ),
    "mcts": TreeEntry(
        lambda budget, by, o: mcts(by, o.expansion, uct(o.mcts.exploration), o.mcts), anytime=True
    ),
    "puct": TreeEntry(
        lambda budget, by, o: mcts(
            by, o.expansion, puct(o.puct.base, o.puct.init, o.puct.averaged), o.mcts
        ),
        anytime=True,
    ),
}

_OTHER = "base_likelihood"  # stands beside the strategies in the search table


def register_strategy(
    name: str, *, scored: bool, apart: bool = False
) -> Callable[[_Start], _Start]:
    """Register a plugin's strategy over whole samples: a generator function of the budgets or, if
    it is `scored`, of the budgets and the aggregations by name (see `Entry`).

    Raises UserError if the name is taken or the function is no such generator.
    """

    def enter(start: _Start) -> _Start:
        plugins.check_generator(start, "budgets", *(["aggregates"] if scored else []))
        entry = Entry(start, scored, AGGREGATIONS if scored else {}, apart)
        taken = [*TREE_STRATEGIES, _OTHER]
        plugins.register("strategy", name, (STRATEGIES, entry), taken=taken)
        return start

    return enter


def register_tree_strategy(name: str, *, anytime: bool) -> Callable[[_Start], _Start]:
    """Register a plugin's strategy step by step: a generator function of the budget in samples'
    worth, an aggregation and the options of `search.tree` (see `TreeEntry`).

    Raises UserError if the name is taken or the function is no such generator.
    """

    def enter(start: _Start) -> _Start:
        plugins.check_generator(start, "budget", "aggregate", "options")
        entry, taken = TreeEntry(start, anytime), [*STRATEGIES, _OTHER]
        plugins.register("tree_strategy", name, (TREE_STRATEGIES, entry), taken=taken)
        return start

    return enter
