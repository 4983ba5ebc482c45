"""Claim (a): pre-training and reward-model training interact."""

from __future__ import annotations

from prmscale.analysis import tradeoff
from prmscale.analysis.interaction import Interaction, measure_interaction
from prmscale.analysis.rows import keep_first_policy
from prmscale.analysis.tradeoff import Points
from prmscale.analysis.verdicts import Claim, Rules, combine, judge_above
from prmscale.claims.contrast import OF_A_FIT, Contrast
from prmscale.results import Results

NAME = "flops_tradeoff"
SAYS = (
    "Pre-training and reward-model training interact: PRM training pays more on a base with more "
    "pre-training."
)
NEEDS = (
    "Among bases of one size, a doubling of PRM training must gain more the more tokens the base "
    "was pre-trained on, in accuracy and in its logit (accuracies bend at floor and ceiling). The "
    "interval is over problems, training seeds and bases. Also measured: the same for larger bases "
    "with equal tokens; whether the best split of a typical total of FLOPs, which the fitted "
    "scaling law chooses on one half of the problems, beats both ends of the measured splits on "
    "the other half; and whether a scaling law in both budgets errs less on bases left out of the "
    "fit than the best law in one budget alone (the total, pre-training or PRM training)."
)

INTERACTION = (
    "how much the gain of a doubling of PRM training grows when the base's pre-training tokens "
    "double (same size)"
)
WITH_SIZE = (
    "how much the gain of a doubling of PRM training grows when the base's size doubles (same "
    "pre-training tokens)"
)
BEST_SPLIT = "accuracy at the best split of FLOPs between both trainings − at the better end"
BOTH_COUNT = "error on bases left out of the fit, scaling law in {} alone − in both budgets"
FEW_BASES = "two sizes or more, each at three pre-trainings, and two checkpoints of each PRM"


def judge(results: Results, rules: Rules) -> list[Claim]:
    """Do pre-training and PRM training reinforce each other, does a split between them win, and do
    both count?
    """
    search = keep_first_policy(results.search)
    found: list[Claim] = []
    for points in tradeoff.points(search, results.reward_models, rules.aggregation):
        found += [*_judge_interactions(points, rules), *_judge_splits(points, rules)]
    return found or [Contrast(NAME, "interaction", INTERACTION).leave_open(FEW_BASES)]


def _judge_interactions(points: Points, rules: Rules) -> list[Claim]:
    """Does PRM training pay more with more pre-training tokens at fixed size? Beside it, with more
    size at fixed tokens.
    """
    contrast = Contrast(NAME, "interaction", INTERACTION, points.dataset)
    tokens = measure_interaction(points, rules, "tokens")
    size = measure_interaction(points, rules, "size")
    if tokens is None:
        found = [contrast.leave_open(FEW_BASES)]
    else:
        logits = Contrast(
            NAME, "interaction in logits", f"{INTERACTION}, in logits", points.dataset
        )
        found = [
            _judge_interaction(contrast, tokens, rules),
            logits.judge(tokens.logit, judge_above(tokens.logit), rules, OF_A_FIT),
        ]
    if size is not None:
        contrast = Contrast(NAME, "interaction with size", WITH_SIZE, points.dataset)
        found.append(_judge_interaction(contrast, size, rules))
    return found


def _judge_interaction(contrast: Contrast, found: Interaction, rules: Rules) -> Claim:
    return contrast.judge(found.accuracy, found.judge(rules), rules, found.needed)


def _judge_splits(points: Points, rules: Rules) -> list[Claim]:
    """Does the best split beat the ends of those measured, and does the scaling law need both
    budgets?
    """
    missing = tradeoff.explain_missing(points)
    if missing:
        split = Contrast(NAME, "best_split", BEST_SPLIT, points.dataset)
        both = Contrast(NAME, "both_count", BOTH_COUNT.format("one budget"), points.dataset)
        return [split.leave_open(missing), both.leave_open(missing)]
    best, rival = tradeoff.find_best_split(points, rules), tradeoff.find_rival(points)
    advantage = tradeoff.measure_advantage(points, rival, rules)
    needs_both = judge_above(advantage, rules.minimum_effect)
    if best.at_end:
        needed = f"splits beyond those measured: the best, {best}, is at their end"
        found = [Contrast(NAME, "best_split", BEST_SPLIT, points.dataset).leave_open(needed)]
    else:
        # a scaling law that predicts badly may see a best split where there is none
        evidence = combine(judge_above(best.gain, rules.minimum_effect), needs_both)
        contrast = Contrast(NAME, "best_split", f"{BEST_SPLIT}: {best}", points.dataset)
        found = [contrast.judge(best.gain, evidence, rules, OF_A_FIT)]
    metric = BOTH_COUNT.format(f"the {rival}")
    contrast = Contrast(NAME, "both_count", metric, points.dataset)
    return [*found, contrast.judge(advantage, needs_both, rules, OF_A_FIT)]
