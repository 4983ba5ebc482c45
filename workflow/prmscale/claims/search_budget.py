"""Claim (d): which search strategy wins where compute is plentiful, and where it is scarce."""

from __future__ import annotations

from prmscale.analysis import power, strategies
from prmscale.analysis.paired import estimate
from prmscale.analysis.rows import keep_first_policy
from prmscale.analysis.strategies import Comparison
from prmscale.analysis.verdicts import Claim, Rules, combine, judge_above
from prmscale.claims.contrast import Contrast
from prmscale.results import Results

NAME = "search_budget"
SAYS = (
    "When compute is plentiful, MCTS beats beam search, which beats best-of-n, which beats "
    "majority voting; when it is scarce, best-of-n beats MCTS."
)
NEEDS = (
    "At equal tokens spent (in samples' worth) and by one reward model, MCTS must beat best-of-n "
    "at the largest amount that MCTS, beam search, best-of-n and majority all spent, and "
    "best-of-n must beat MCTS at a small budget stated beforehand (claims.scarce_budget); the "
    "effect is MCTS's lead at the first less its lead at the second. Also measured: each of the "
    "four against the next. Accuracies are interpolated between a strategy's budgets, along the "
    "logarithm of what it spent. A search is stopped where its budget ends, and a problem without "
    "an answer by then counts as wrong; best-of-n draws all of its samples, so that it is never "
    "without one. Strategies that left more than 5 % of a budget unspent are named."
)

ORDER = "MCTS's lead over best-of-n, when compute is plentiful − when it is scarce"


def judge(results: Results, rules: Rules) -> list[Claim]:
    """The strategies' order at plentiful compute and its reversal at scarce, at equal tokens
    spent.
    """
    search = keep_first_policy(results.search)
    found = [
        _judge_comparison(each, rules)
        for each in strategies.compare(search, results.reward_models, rules)
    ]
    needed = "a tree search guided by a trained PRM"
    return found or [Contrast(NAME, "order", ORDER).leave_open(needed)]


def _judge_comparison(comparison: Comparison, rules: Rules) -> Claim:
    """Whether the difference is positive; if it has parts, whether each part is."""
    contrast = Contrast(NAME, comparison.name, comparison.words, comparison.dataset)
    gain = estimate(comparison.difference, rules)
    if gain is None:
        return contrast.leave_open()
    parts = [estimate(part, rules) for part in comparison.parts or (comparison.difference,)]
    smallest = rules.smallest_effects.get(NAME)
    judged = [judge_above(p, rules.minimum_effect, smallest) for p in parts if p is not None]
    evidence = combine(*judged)
    needed = power.estimate_need(gain, rules.level, rules.minimum_effect)
    return contrast.judge(gain, evidence, rules, needed)
