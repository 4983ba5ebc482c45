"""The paper's claims as code: each a function from tables to effects, paired intervals and verdicts by a fixed rule.

Effects are differences of accuracy as fractions (0.01 is one percentage point). The rules' thresholds come from the
configuration, so they are written down before anything is measured. `frame` gives the CSV of what `judge` returns, and
`page.render` writes it out in `claims.md`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, fields

import numpy as np
import pandas as pd

from prmscale.analysis import diversity, patterns, power, selection, strategies, tradeoff
from prmscale.analysis.bootstrap import Interval
from prmscale.analysis.compare import accuracy, at_budget, control, interval
from prmscale.analysis.selection import minus
from prmscale.analysis.verdicts import (
    EQUIVALENCE_LEVEL,
    INCONCLUSIVE,
    NOT_MEASURED,
    SUPPORTED,
    Claim,
    Rules,
    all_of,
    equivalence,
    verdict,
)

OTHER_PART = "that the claim's other part is decided"
OF_A_FIT = "more problems, seeds or bases; how many is not known of a fit"
OF_A_RANGE = "splits beyond those measured: the best one lies at their end"
OF_PAIRS = "more problems or seeds; how many is not known of a mean over pairs of problems"

# claim: what the paper says; what it takes to be supported here
WORDS = {
    "flops_tradeoff": (
        "Pre-training and reward-model training trade off: there is a best split of the compute between them.",
        "At the typical total, the split that the fitted law calls best must beat both ends of the splits that were "
        "measured (it is chosen on one half of the problems and judged on the other), and on bases left out the law in "
        "both budgets must err less than the best in one alone (the total, pre-training or PRM training). Beside it: "
        "does PRM training pay more on a base with more pre-training?",
    ),
    "diminishing_returns": (
        "Accuracy rises fast with the size of the reward model, then flattens.",
        "The largest PRM must beat the smallest, and a doubling in the lower half of the ladder of sizes (from the "
        "smallest to the middle one, on the log scale) must gain more than a doubling in the upper half.",
    ),
    "data_diversity": (
        "Reward models trained on diverse, carefully labelled data are better.",
        "Of the same base and recipe, the PRM trained on both domains must beat the better of those trained on one "
        "(chosen after the fact, in favour of the single domain), true labels and those that several labellers agree "
        "on must beat Monte-Carlo ones, and of sets of equal size the most diverse (in wordings, problems or "
        "policies) must beat the least diverse; problems of fewer wordings show fewer errors as well.",
    ),
    "search_budget": (
        "When compute is plentiful, MCTS beats beam search, which beats best-of-n, which beats majority voting; when "
        "it is scarce, best-of-n beats MCTS.",
        "At equal budgets (in samples' worth of generated tokens) and by one reward model, each must beat the next at "
        "the largest budget that all four reach, and best-of-n must beat MCTS at the smallest at which MCTS has "
        "answers. A strategy has answers where at most 5 % of the problems end without a complete solution.",
    ),
    "math_to_code": (
        "A reward model trained on math selects code about as well as one trained on code.",
        "The 90 % interval of their difference must lie within the margin, and the math-trained PRM must beat one "
        "sample: two PRMs that select nothing are alike as well.",
    ),
    "pattern_similarity": (
        "Responses to math and to code that reward models selected resemble each other more than unselected ones.",
        "The similarity of activation patterns of MathPRM and CodePRM must be above that of Math and Code (any of a "
        "problem's distinct texts: a reward model scores texts, however often they are drawn), and above that of the "
        "problem's other texts as long: longer responses have other gradients. p is that of a permutation test, which "
        "exchanges the scores of those texts.",
    ),
}
CLAIMS = tuple(WORDS)


def flops_tradeoff(search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules) -> list[Claim]:
    """Pre-training × PRM-training FLOPs: does a split between them win, do both count, do they reinforce each other?"""
    name = "flops_tradeoff"
    found: list[Claim] = []
    for own in tradeoff.points(search, reward_models, rules.aggregation):
        if not own.enough:
            continue
        split, rival = tradeoff.best_split(own, rules), tradeoff.rival(own)
        better = tradeoff.advantage(own, rival, rules)
        gains, both = (verdict(each.low, each.high, rules.minimum_effect) for each in (split.gain, better))
        metrics = (
            f"best split − better end, {own.dataset}: {split}",
            f"error on bases left out, law in the {rival} alone − in both, {own.dataset}",
            f"gain of a doubling of PRM training, per doubling of pre-training, {own.dataset}",
        )
        wanted = OF_A_RANGE if split.share in (split.least, split.most) else OF_A_FIT
        found += [
            _claim(name, metrics[0], split.gain, all_of(gains, both), needed=wanted if gains == INCONCLUSIVE else ""),
            _claim(name, metrics[1], better, both, needed=OF_A_FIT),
            *_directed(name, metrics[2], tradeoff.interaction(own, rules), rules),
        ]
    return found or [_unmeasured(name, "best split − better end (wants 8 points of pre-training × PRM training)")]


def diminishing_returns(search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules) -> list[Claim]:
    """Best-of-n at the largest budget: does it grow with the PRM's size, and more slowly towards the top?"""
    name = "diminishing_returns"
    models = selection.ladder(reward_models)
    sizes = sorted(models["base_parameters"].unique())
    found: list[Claim] = []
    if len(sizes) < 3:
        return [_unmeasured(name, "gain per doubling, lower − upper half (wants three sizes or more)")]
    logs = np.log2(np.asarray(sizes, dtype=float))
    middle = 1 + int(np.argmin(np.abs(logs[1:-1] - (logs[0] + logs[-1]) / 2)))
    for dataset, rows in at_budget(search, rules):
        small, mid, large = (
            accuracy(rows, models.loc[models["base_parameters"] == sizes[i], "reward_model"]) for i in (0, middle, -1)
        )
        total = interval(minus(large, small), rules)
        lower = minus(mid, small) / (logs[middle] - logs[0])
        upper = minus(large, mid) / (logs[-1] - logs[middle])
        slowing = interval(minus(lower, upper), rules)
        if total is None or slowing is None:
            continue
        rises = verdict(total.low, total.high, rules.minimum_effect)
        flattens = all_of(rises, verdict(slowing.low, slowing.high))
        found += [
            _claim(
                name,
                f"largest − smallest PRM, {dataset}",
                total,
                rises,
                needed=power.needed(total, rules.level, rules.minimum_effect),
            ),
            _claim(
                name,
                f"gain per doubling, lower − upper half, {dataset}",
                slowing,
                flattens,
                needed=power.needed(slowing, rules.level),
            ),
        ]
    return found or [_unmeasured(name, "gain per doubling, lower − upper half")]


def data_diversity(search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules) -> list[Claim]:
    """PRMs of one base: trained on both domains against the better single one; true and consensus labels against
    Monte-Carlo ones; the most against the least diverse set of one size.
    """
    name = "data_diversity"
    models = selection.training_sets(reward_models)
    found: list[Claim] = []
    for dataset, rows in at_budget(search, rules):
        by_set = {k: accuracy(rows, g["reward_model"]) for k, g in models.groupby(["train_on", "labels"])}
        for labels in sorted(models["labels"].unique()):
            singles = [a for (train_on, kind), a in by_set.items() if kind == labels and train_on != "both"]
            best = max((a for a in singles if len(a)), key=lambda a: float(a.mean(axis=None)), default=None)
            if ("both", labels) in by_set and best is not None:
                gain = interval(minus(by_set["both", labels], best), rules)
                found += _directed(name, f"both domains − best single one, {labels} labels, {dataset}", gain, rules)
        for train_on in sorted(models["train_on"].unique()):
            for careful in ("oracle", "consensus"):
                if {(train_on, careful), (train_on, "monte_carlo")} <= by_set.keys():
                    gain = interval(minus(by_set[train_on, careful], by_set[train_on, "monte_carlo"]), rules)
                    metric = f"{careful} − monte_carlo labels, trained on {train_on}, {dataset}"
                    found += _directed(name, metric, gain, rules)
    for words, difference in diversity.gains(search, reward_models, rules):
        found += _directed(name, words, interval(difference, rules), rules)
    return found or [_unmeasured(name, "both domains − best single one")]


def search_budget(search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules) -> list[Claim]:
    """The strategies at equal budgets: their order where compute is plentiful, and its reversal where it is scarce."""
    name = "search_budget"
    found: list[Claim] = []
    for metric, difference in strategies.contrasts(search, reward_models, rules.aggregation):
        gain = interval(difference, rules)
        found += _directed(name, metric, gain, rules) or [_unmeasured(name, metric)]
    return found or [_unmeasured(name, "accuracy at equal budget: MCTS − beam search − best-of-n − majority")]


def math_to_code(
    search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules, reported: pd.DataFrame | None = None
) -> list[Claim]:
    """Table 1's contrast on code, for each policy: is selection by PRM-Math as good as by PRM-Code?"""
    name = "math_to_code"
    models = selection.twins(reward_models)
    code = search[(search["domain"] == "code") & search["budget"].isin([1, rules.table1_budget])]
    found: list[Claim] = []
    for policy in dict.fromkeys(code["policy"]) if models else ():
        for dataset, rows in at_budget(code[code["policy"] == policy], rules, rules.table1_budget):
            transferred = accuracy(rows, models["math"])
            gain = interval(minus(transferred, control(rows, "one_sample")), rules)
            difference = interval(minus(transferred, accuracy(rows, models["code"])), rules, EQUIVALENCE_LEVEL)
            if gain is None or difference is None:
                continue
            selects = verdict(gain.low, gain.high, rules.minimum_effect)
            alike = equivalence(difference.low, difference.high, rules.equivalence_margin, difference.n)
            if selects != SUPPORTED and alike == SUPPORTED:
                alike = INCONCLUSIVE
            where = f"{dataset}, {policy}, N = {rules.table1_budget}"
            found += [
                _claim(
                    name,
                    f"PRM-Math − PRM-Code (90 %), {where}",
                    difference,
                    alike,
                    _paper(reported, "PRM-Code"),
                    power.needed_for_equivalence(difference, EQUIVALENCE_LEVEL, rules.equivalence_margin),
                ),
                _claim(
                    name,
                    f"PRM-Math − one sample, {where}",
                    gain,
                    selects,
                    _paper(reported, "none"),
                    power.needed(gain, rules.level, rules.minimum_effect),
                ),
            ]
    return found or [_unmeasured(name, "PRM-Math − PRM-Code on code")]


def pattern_similarity(
    similarities: pd.DataFrame | None, rules: Rules, reported: pd.DataFrame | None = None
) -> list[Claim]:
    """Table 2's contrast: are selected math and code responses more alike than unselected ones, and those as long?"""
    name, metric = "pattern_similarity", "(MathPRM–CodePRM) − (Math–Code)"
    if similarities is None or similarities.empty:
        return [_unmeasured(name, metric)]
    found: list[Claim] = []
    judged = SUPPORTED
    for contrast, paper in ((patterns.RAW, _paper_similarity(reported)), (patterns.LENGTH, "")):
        row = similarities.set_index("comparison").loc[contrast]
        own = verdict(row["low"], row["high"], rules.minimum_effect)
        judged = all_of(judged, own)
        effect = Interval(row["mean"], row["low"], row["high"], int(row["n"]), int(row["seeds"]))
        words = f"{metric}, {contrast} (permutation p = {row['p']:.2g})"
        found.append(_claim(name, words, effect, judged, paper, OF_PAIRS if own == INCONCLUSIVE else ""))
    return found


def judge(
    search: pd.DataFrame,
    reward_models: pd.DataFrame,
    rules: Rules,
    reported: pd.DataFrame | None = None,
    similarities: pd.DataFrame | None = None,
    reported_similarities: pd.DataFrame | None = None,
) -> list[Claim]:
    """Every claim of the paper; `similarities` is the table of `patterns.compare`, what is reported the paper's tables
    1 and 2. Claims about PRMs use the search table's first policy.
    """
    one = selection.first_policy(search)
    return [
        *flops_tradeoff(one, reward_models, rules),
        *diminishing_returns(one, reward_models, rules),
        *data_diversity(one, reward_models, rules),
        *search_budget(one, reward_models, rules),
        *math_to_code(search, reward_models, rules, reported),
        *pattern_similarity(similarities, rules, reported_similarities),
    ]


def frame(claims: Iterable[Claim]) -> pd.DataFrame:
    """The claims as the table that `claims.csv` holds."""
    return pd.DataFrame([asdict(c) for c in claims], columns=[f.name for f in fields(Claim)])


def _directed(claim: str, metric: str, gain: Interval | None, rules: Rules) -> list[Claim]:
    """The claim that a gain is positive; nothing where it was not measured."""
    if gain is None:
        return []
    judged = verdict(gain.low, gain.high, rules.minimum_effect)
    return [_claim(claim, metric, gain, judged, needed=power.needed(gain, rules.level, rules.minimum_effect))]


def _claim(claim: str, metric: str, found: Interval, judged: str, reported: str = "", needed: str = "") -> Claim:
    """The claim's row; what is needed only where it is not decided: nothing more of itself, if its interval is."""
    errors = (found.problem_error, found.seed_error, found.interaction_error)
    needed = (needed or OTHER_PART) if judged == INCONCLUSIVE else ""
    numbers = (found.mean, found.low, found.high)
    return Claim(claim, metric, *numbers, judged, reported, found.n, found.seeds, *errors, needed)


def _unmeasured(claim: str, metric: str) -> Claim:
    nothing = float("nan")
    return Claim(claim, metric, nothing, nothing, nothing, NOT_MEASURED, "", 0, 0)


def _paper(table1: pd.DataFrame | None, against: str) -> str:
    """The paper's mean difference of PRM-Math and another column over the cells of its table 1."""
    if table1 is None:
        return ""
    wide = table1.pivot(index=["policy", "dataset"], columns="method", values="accuracy")
    difference = (wide["PRM-Math"] - wide[against]).mean() / 100
    return f"{difference:+.3f} (mean of {len(wide)} cells)"


def _paper_similarity(table2: pd.DataFrame | None) -> str:
    """The paper's similarity of selected less that of unselected responses."""
    if table2 is None:
        return ""
    similarity = table2.set_index(["first", "second"])["similarity"] / 100
    return f"{similarity['MathPRM', 'CodePRM'] - similarity['Math', 'Code']:+.3f}"
