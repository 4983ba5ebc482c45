"""The paper's claims as code: each a function from tables to effects, paired intervals and verdicts
by a fixed rule.

Effects are differences of accuracy as fractions (0.01 is one percentage point). The rules'
thresholds come from the configuration, so they are written down before anything is measured.
`frame` gives the CSV of what `judge` returns, and `page.render` writes it out in `claims.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any

import numpy as np
import pandas as pd

from prmscale.analysis import (
    diversity,
    interaction,
    patterns,
    power,
    strategies,
    tradeoff,
)
from prmscale.analysis.intervals import Interval
from prmscale.analysis.models import find_ladder, find_training_sets, find_twins
from prmscale.analysis.paired import accuracy, at_budget, control, interval
from prmscale.analysis.rows import keep_first_policy, subtract
from prmscale.analysis.verdicts import (
    EQUIVALENCE_LEVEL,
    INCONCLUSIVE,
    NOT_MEASURED,
    Claim,
    Evidence,
    Rules,
    above,
    alike,
    together,
    with_headlines,
)

OTHER_PART = "that the claim's other part is decided"
OF_A_FIT = "more problems, seeds or bases; how many is not known of a fit"
OF_PAIRS = "more problems or seeds; how many is not known of a mean over pairs of problems"

# the headline of the claim flops_tradeoff, and what it takes to be measured
INTERACTION = "gain of a doubling of PRM training, per doubling of pre-training at fixed size"
FEW_BASES = "two sizes or more, each at three pre-trainings, and two checkpoints of each PRM"

# claim: what the paper says; what it takes to be supported here
WORDS = {
    "flops_tradeoff": (
        "Pre-training and reward-model training interact: PRM training pays more on a base with "
        "more pre-training.",
        "Among bases of one size, a doubling of PRM training must gain more the more tokens the "
        "base was pre-trained on: in accuracy and in its logit, since accuracies bend at floor and "
        "ceiling. The interval is over problems, training seeds and bases. Beside it: the same "
        "with size at fixed tokens; does the split of the typical total that the fitted law calls "
        "best beat both ends of the splits that were measured (chosen on one half of the problems, "
        "judged on the other), by a law in both budgets that errs less on bases left out than the "
        "best in one alone (the total, pre-training or PRM training)?",
    ),
    "diminishing_returns": (
        "Accuracy rises fast with the size of the reward model, then flattens.",
        "The largest PRM must beat the smallest, and a doubling in the lower half of the ladder of "
        "sizes (from the smallest to the middle one, on the log scale) must gain more than a "
        "doubling in the upper half.",
    ),
    "data_diversity": (
        "Reward models trained on diverse, carefully labelled data are better.",
        "Of the same base and recipe, the PRM trained on both domains must beat the better of "
        "those trained on one (chosen after the fact, in favour of the single domain), true labels "
        "and those that several labellers agree on must beat Monte-Carlo ones (and the same "
        "searches without the filter of agreement, on as many solutions), and of sets of equal "
        "size the most diverse (in wordings, problems or policies) must beat the least diverse; "
        "problems of fewer wordings show fewer errors as well.",
    ),
    "search_budget": (
        "When compute is plentiful, MCTS beats beam search, which beats best-of-n, which beats "
        "majority voting; when it is scarce, best-of-n beats MCTS.",
        "At equal tokens spent (in samples' worth) and by one reward model, MCTS must beat "
        "best-of-n at the largest amount that MCTS, beam search, best-of-n and majority all spent, "
        "and best-of-n must beat MCTS at a small budget stated beforehand (claims.scarce_budget); "
        "the number is how much larger its lead is at the first. Beside it each of the four "
        "against the next. Accuracies are interpolated between a strategy's budgets, along the "
        "logarithm of what it spent. A search is stopped where its budget ends, and a problem "
        "without an answer by then counts as wrong; best-of-n draws all of its samples, so that it "
        "is never without one. Who left more than 5 % of a budget unspent is named.",
    ),
    "math_to_code": (
        "A reward model trained on math selects code about as well as one trained on code.",
        "The 90 % interval of their difference must lie within the margin, and the math-trained "
        "PRM must beat one sample: two PRMs that select nothing are alike as well.",
    ),
    "pattern_similarity": (
        "Responses to math and to code that reward models selected resemble each other more than "
        "unselected ones.",
        "The similarity of activation patterns of MathPRM and CodePRM must be above that of Math "
        "and Code (any of a problem's distinct texts: a reward model scores texts, however often "
        "they are drawn), and above that of the problem's other texts as long: longer responses "
        "have other gradients. p is that of a permutation test, which exchanges the scores of "
        "those texts.",
    ),
}
CLAIMS = tuple(WORDS)


def flops_tradeoff(search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules) -> list[Claim]:
    """Pre-training × PRM-training FLOPs: do they reinforce each other, does a split between them
    win, do both count?
    """
    found: list[Claim] = []
    for own in tradeoff.points(search, reward_models, rules.aggregation):
        found += [*_interactions(own, rules), *_splits(own, rules)]
    return found or [_unmeasured("flops_tradeoff", "interaction", INTERACTION, needed=FEW_BASES)]


def _interactions(own: tradeoff.Points, rules: Rules) -> list[Claim]:
    """Does PRM training pay more with more pre-training tokens, at fixed size? Beside it, with size
    at fixed tokens.
    """
    name = "flops_tradeoff"
    tokens, size = (interaction.interaction(own, rules, of) for of in ("tokens", "size"))
    if tokens is None:
        found = [_unmeasured(name, "interaction", INTERACTION, own.dataset, FEW_BASES)]
    else:
        logit, words = above(tokens.logit), f"{INTERACTION}, in logits"
        found = [
            _claim(
                name,
                "interaction",
                INTERACTION,
                own.dataset,
                tokens.accuracy,
                tokens.judged(rules),
                rules,
                tokens.needed,
            ),
            _claim(
                name,
                "interaction in logits",
                words,
                own.dataset,
                tokens.logit,
                logit,
                rules,
                OF_A_FIT,
            ),
        ]
    if size is not None:
        metric = "gain of a doubling of PRM training, per doubling of size at fixed pre-training"
        judged = size.judged(rules)
        found.append(
            _claim(
                name,
                "interaction with size",
                metric,
                own.dataset,
                size.accuracy,
                judged,
                rules,
                size.needed,
            )
        )
    return found


def _splits(own: tradeoff.Points, rules: Rules) -> list[Claim]:
    """Does the best split beat the ends of those measured, and does the law need both budgets?"""
    name, split_words = "flops_tradeoff", "best split − better end"
    law_words = "error on bases left out, law in {} alone − in both"
    wants = tradeoff.wants(own)
    if wants:
        metrics = {"best_split": split_words, "both_count": law_words.format("one budget")}
        return [
            _unmeasured(name, contrast, metric, own.dataset, wants)
            for contrast, metric in metrics.items()
        ]
    split, rival = tradeoff.best_split(own, rules), tradeoff.rival(own)
    better = tradeoff.advantage(own, rival, rules)
    gains, both = (above(each, rules.minimum_effect) for each in (split.gain, better))
    if split.at_end:
        needed = f"splits beyond those measured: the best, {split}, is at their end"
        found = [_unmeasured(name, "best_split", split_words, own.dataset, needed)]
    else:
        # a law that errs may see a best split where there is none
        judged, words = together(gains, both), f"{split_words}: {split}"
        found = [
            _claim(name, "best_split", words, own.dataset, split.gain, judged, rules, OF_A_FIT)
        ]
    words = law_words.format(f"the {rival}")
    return [*found, _claim(name, "both_count", words, own.dataset, better, both, rules, OF_A_FIT)]


def diminishing_returns(
    search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules
) -> list[Claim]:
    """Best-of-n at the largest budget: does it grow with the PRM's size, and more slowly towards
    the top?
    """
    name = "diminishing_returns"
    models = find_ladder(reward_models)
    sizes = sorted(models["base_parameters"].unique())
    found: list[Claim] = []
    if len(sizes) < 3:
        return [
            _unmeasured(
                name, "slowing", "gain per doubling, lower − upper half", needed="three sizes"
            )
        ]
    logs = np.log2(np.asarray(sizes, dtype=float))
    middle = 1 + int(np.argmin(np.abs(logs[1:-1] - (logs[0] + logs[-1]) / 2)))
    for dataset, rows in at_budget(search, rules):
        small, mid, large = (
            accuracy(rows, models.loc[models["base_parameters"] == sizes[i], "reward_model"])
            for i in (0, middle, -1)
        )
        total = interval(subtract(large, small), rules)
        lower = subtract(mid, small) / (logs[middle] - logs[0])
        upper = subtract(large, mid) / (logs[-1] - logs[middle])
        slowing = interval(subtract(lower, upper), rules)
        if total is None or slowing is None:
            continue
        rises = above(total, rules.minimum_effect)
        flattens = together(rises, above(slowing))
        wanted = power.needed(slowing, rules.level)
        found += [
            *_directed(name, "growth", "largest − smallest PRM", dataset, total, rules),
            _claim(
                name,
                "slowing",
                "gain per doubling, lower − upper half",
                dataset,
                slowing,
                flattens,
                rules,
                wanted,
            ),
        ]
    return found or [_unmeasured(name, "slowing", "gain per doubling, lower − upper half")]


def data_diversity(search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules) -> list[Claim]:
    """PRMs of one base: trained on both domains against the better single one; true and consensus
    labels against Monte-Carlo ones; consensus labels, at equal size, against its binary search's
    without the filter, which alone differs; the most against the least diverse set of one size.
    """
    name = "data_diversity"
    models = find_training_sets(reward_models)
    sizes = models.groupby(["train_on", "labels"])["solutions"].first()
    found: list[Claim] = []
    for dataset, rows in at_budget(search, rules):
        by_set = {
            k: accuracy(rows, g["reward_model"]) for k, g in models.groupby(["train_on", "labels"])
        }
        for labels in sorted(models["labels"].unique()):
            singles = [
                a for (train_on, kind), a in by_set.items() if kind == labels and train_on != "both"
            ]
            best = max(
                (a for a in singles if len(a)), key=lambda a: float(a.mean(axis=None)), default=None
            )
            if ("both", labels) in by_set and best is not None:
                gain = interval(subtract(by_set["both", labels], best), rules)
                metric = f"both domains − best single one, {labels} labels"
                found += _directed(name, "domains", metric, dataset, gain, rules)
        for train_on in sorted(models["train_on"].unique()):
            for careful in ("oracle", "consensus"):
                if {(train_on, careful), (train_on, "monte_carlo")} <= by_set.keys():
                    gain = interval(
                        subtract(by_set[train_on, careful], by_set[train_on, "monte_carlo"]), rules
                    )
                    metric = f"{careful} − monte_carlo labels, trained on {train_on}"
                    found += _directed(name, careful, metric, dataset, gain, rules)
            kept, every = (train_on, "consensus"), (train_on, "binary_search")
            if {kept, every} <= by_set.keys() and sizes[kept] == sizes[every]:
                gain = interval(subtract(by_set[kept], by_set[every]), rules)
                metric = f"consensus − the same binary search unfiltered, {sizes[kept]} solutions of {train_on}"
                found += _directed(name, "filter", metric, dataset, gain, rules)
    for axis, words, dataset, difference in diversity.gains(search, reward_models, rules):
        found += _directed(name, axis, words, dataset, interval(difference, rules), rules)
    return found or [_unmeasured(name, "domains", "both domains − best single one")]


def search_budget(search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules) -> list[Claim]:
    """The strategies at equal tokens spent: their order where compute is plentiful, its reversal
    where it is scarce.
    """
    name = "search_budget"
    found: list[Claim] = []
    for each in strategies.contrasts(search, reward_models, rules.aggregation, rules.scarce_budget):
        gain = interval(each.difference, rules)
        if gain is None:
            found.append(_unmeasured(name, each.name, each.words, each.dataset))
            continue
        parts = filter(None, (interval(part, rules) for part in each.parts or (each.difference,)))
        evidence = together(*(above(part, rules.minimum_effect) for part in parts))
        wanted = power.needed(gain, rules.level, rules.minimum_effect)
        found.append(
            _claim(name, each.name, each.words, each.dataset, gain, evidence, rules, wanted)
        )
    metric = "lead of MCTS over best-of-n, plentiful − scarce"
    return found or [
        _unmeasured(name, "order", metric, needed="a tree search guided by a trained PRM")
    ]


def math_to_code(
    search: pd.DataFrame,
    reward_models: pd.DataFrame,
    rules: Rules,
    reported: pd.DataFrame | None = None,
) -> list[Claim]:
    """Table 1's contrast on code, for each policy: is selection by PRM-Math as good as by PRM-Code?"""
    name = "math_to_code"
    models = find_twins(reward_models)
    code = search[(search["domain"] == "code") & search["budget"].isin([1, rules.table1_budget])]
    found: list[Claim] = []
    for place, policy in enumerate(dict.fromkeys(code["policy"]) if models else ()):
        # the headline is that of the study's first policy
        suffix = "" if place == 0 else f" of {policy}"
        where = f", {policy}, N = {rules.table1_budget}"
        for dataset, rows in at_budget(code[code["policy"] == policy], rules, rules.table1_budget):
            transferred = accuracy(rows, models["math"])
            gain = interval(subtract(transferred, control(rows, "one_sample")), rules)
            difference = interval(
                subtract(transferred, accuracy(rows, models["code"])), rules, EQUIVALENCE_LEVEL
            )
            if gain is None or difference is None:
                continue
            # two PRMs that select nothing are alike as well
            as_good = together(
                alike(difference, rules.equivalence_margin), above(gain, rules.minimum_effect)
            )
            words, other = f"PRM-Math − PRM-Code (90 %){where}", f"PRM-Math − one sample{where}"
            wanted = power.needed_for_equivalence(
                difference, EQUIVALENCE_LEVEL, rules.equivalence_margin
            )
            paper = _paper(reported, "PRM-Code")
            found += [
                _claim(
                    name,
                    f"as_good{suffix}",
                    words,
                    dataset,
                    difference,
                    as_good,
                    rules,
                    wanted,
                    paper,
                ),
                *_directed(
                    name, f"selects{suffix}", other, dataset, gain, rules, _paper(reported, "none")
                ),
            ]
    return found or [_unmeasured(name, "as_good", "PRM-Math − PRM-Code on code")]


def pattern_similarity(
    similarities: pd.DataFrame | None, rules: Rules, reported: pd.DataFrame | None = None
) -> list[Claim]:
    """Table 2's contrast: are selected math and code responses more alike than unselected ones, and
    those as long?
    """
    name, metric = "pattern_similarity", "(MathPRM–CodePRM) − (Math–Code)"
    if similarities is None or similarities.empty:
        return [_unmeasured(name, "random", metric)]
    rows = {row["comparison"]: row for row in similarities.to_dict("records")}
    raw, length = (_permuted(rows[contrast], rules) for contrast in (patterns.RAW, patterns.LENGTH))
    judged = {"random": (patterns.RAW, together(raw, length)), "as_long": (patterns.LENGTH, length)}
    found: list[Claim] = []
    for contrast, (comparison, evidence) in judged.items():
        row = rows[comparison]
        effect = Interval(row["mean"], row["low"], row["high"], int(row["n"]), int(row["seeds"]))
        words = f"{metric}, {comparison} (permutation p = {row['p']:.2g}; the interval must agree)"
        if contrast == "random":
            words += f"; against others as long {100 * rows[patterns.LENGTH]['mean']:+.1f}, to be above 0 as well"
        paper = _paper_similarity(reported) if contrast == "random" else ""
        found.append(
            _claim(name, contrast, words, "math × code", effect, evidence, rules, OF_PAIRS, paper)
        )
    return found


def _permuted(row: Mapping[str, Any], rules: Rules) -> Evidence:
    """That a similarity is above the threshold: by the permutation test, and by the whole interval."""
    over, under = row["low"] > rules.minimum_effect, row["high"] < rules.minimum_effect
    return Evidence(row["p"] if over else 1.0, row["p"] if under else 1.0)


def judge(
    search: pd.DataFrame,
    reward_models: pd.DataFrame,
    rules: Rules,
    reported: pd.DataFrame | None = None,
    similarities: pd.DataFrame | None = None,
    reported_similarities: pd.DataFrame | None = None,
) -> list[Claim]:
    """Every claim of the paper; `similarities` is the table of `patterns.compare`, what is reported
    the paper's tables 1 and 2. Claims about PRMs use the search table's first policy.
    """
    one = keep_first_policy(search)
    found = [
        *flops_tradeoff(one, reward_models, rules),
        *diminishing_returns(one, reward_models, rules),
        *data_diversity(one, reward_models, rules),
        *search_budget(one, reward_models, rules),
        *math_to_code(search, reward_models, rules, reported),
        *pattern_similarity(similarities, rules, reported_similarities),
    ]
    for name, contrast in rules.headlines.items():
        if not any((c.claim, c.contrast) == (name, contrast) for c in found):
            metric = f"{contrast} (claims.headlines.{name})"
            found.append(
                _unmeasured(
                    name, contrast, metric, needed="models or data that this study does not have"
                )
            )
    return with_headlines(found, rules.headlines, rules.level)


def frame(claims: Iterable[Claim]) -> pd.DataFrame:
    """The claims as the table that `claims.csv` holds."""
    return pd.DataFrame([asdict(c) for c in claims], columns=[f.name for f in fields(Claim)])


def _directed(
    claim: str,
    contrast: str,
    metric: str,
    dataset: str,
    gain: Interval | None,
    rules: Rules,
    reported: str = "",
) -> list[Claim]:
    """The claim that a gain is positive; nothing where it was not measured."""
    if gain is None:
        return []
    evidence = above(gain, rules.minimum_effect)
    wanted = power.needed(gain, rules.level, rules.minimum_effect)
    return [_claim(claim, contrast, metric, dataset, gain, evidence, rules, wanted, reported)]


def _claim(
    claim: str,
    contrast: str,
    metric: str,
    dataset: str,
    found: Interval,
    evidence: Evidence,
    rules: Rules,
    needed: str = "",
    reported: str = "",
) -> Claim:
    """The claim's row; what is needed only where it is not decided: nothing more of itself, if its
    interval is.
    """
    errors = (found.problem_error, found.seed_error, found.interaction_error)
    verdict = evidence.verdict(rules.level)
    return Claim(
        claim,
        contrast,
        metric,
        dataset,
        found.mean,
        found.low,
        found.high,
        verdict,
        reported,
        found.n,
        found.seeds,
        *errors,
        *evidence,
        needed="; ".join(filter(None, (found.caveat, needed or OTHER_PART)))
        if verdict == INCONCLUSIVE
        else "",
    )


def _unmeasured(
    claim: str, contrast: str, metric: str, dataset: str = "", needed: str = ""
) -> Claim:
    nothing = float("nan")
    return Claim(
        claim,
        contrast,
        metric,
        dataset,
        nothing,
        nothing,
        nothing,
        NOT_MEASURED,
        "",
        0,
        0,
        needed=needed,
    )


def _paper(table1: pd.DataFrame | None, against: str) -> str:
    """The paper's mean difference of PRM-Math and another column over the cells of its table 1, in
    points.
    """
    if table1 is None:
        return ""
    wide = table1.pivot(index=["policy", "dataset"], columns="method", values="accuracy")
    difference = (wide["PRM-Math"] - wide[against]).mean()
    return f"{difference:+.1f} (mean of {len(wide)} cells)"


def _paper_similarity(table2: pd.DataFrame | None) -> str:
    """The paper's similarity of selected less that of unselected responses, in points."""
    if table2 is None:
        return ""
    similarity = table2.set_index(["first", "second"])["similarity"]
    return f"{similarity['MathPRM', 'CodePRM'] - similarity['Math', 'Code']:+.1f}"
