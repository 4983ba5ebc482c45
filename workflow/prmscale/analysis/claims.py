"""The paper's claims as code: each a function from tables to effects, paired intervals and verdicts by a fixed rule.

Effects are differences of accuracy as fractions (0.01 is one percentage point). The rules' thresholds come from the
configuration, so they are written down before anything is measured. `claims.md` is `render(...)` of what `judge`
returns; `frame` gives its CSV.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, fields

import numpy as np
import pandas as pd

from prmscale.analysis import selection
from prmscale.analysis.bootstrap import Interval, curve, mean_interval
from prmscale.analysis.verdicts import (
    INCONCLUSIVE,
    NOT_MEASURED,
    SUPPORTED,
    Claim,
    Rules,
    all_of,
    equivalence,
    verdict,
)

EQUIVALENCE_LEVEL = 0.90  # two one-sided tests at 5 %

# claim: what the paper says; what it takes to be supported here
WORDS = {
    "flops_tradeoff": (
        "Pre-training and reward-model training trade off: there is a best split of the compute between them.",
        "It needs accuracies over a grid of pre-training and PRM-training FLOPs.",
    ),
    "diminishing_returns": (
        "Accuracy rises fast with the size of the reward model, then flattens.",
        "The largest PRM must beat the smallest, and a doubling in the lower half of the ladder of sizes (from the "
        "smallest to the middle one, on the log scale) must gain more than a doubling in the upper half.",
    ),
    "data_diversity": (
        "Reward models trained on diverse, carefully labelled data are better.",
        "Of the same base and recipe, the PRM trained on both domains must beat the better of those trained on one "
        "(chosen after the fact, in favour of the single domain), and true labels must beat Monte-Carlo ones.",
    ),
    "search_budget": (
        "At large budgets MCTS beats beam search, which beats best-of-n, which beats majority voting.",
        "It needs accuracies of all four at equal budgets.",
    ),
    "math_to_code": (
        "A reward model trained on math selects code about as well as one trained on code.",
        "The 90 % interval of their difference must lie within the margin, and the math-trained PRM must beat one "
        "sample: two PRMs that select nothing are alike as well.",
    ),
    "pattern_similarity": (
        "Responses to math and to code that reward models selected resemble each other more than unselected ones.",
        "It needs the similarities of activation patterns, with a length-matched control.",
    ),
}
CLAIMS = tuple(WORDS)
CHECKS = ("one_sample", "random", "likelihood", "majority", "oracle")


def flops_tradeoff() -> list[Claim]:
    """The split of compute between pre-training and the reward model: not yet measured."""
    return [_unmeasured("flops_tradeoff", "accuracy of the best split − of spending all on pre-training")]


def search_budget() -> list[Claim]:
    """The order of the strategies at large budgets: not yet measured."""
    return [_unmeasured("search_budget", "accuracy at equal budget: MCTS − beam search − best-of-n − majority")]


def pattern_similarity() -> list[Claim]:
    """Activation patterns of selected responses: not yet measured."""
    return [_unmeasured("pattern_similarity", "similarity of selected − of unselected responses")]


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
    for dataset, rows in _datasets(search, rules):
        small, mid, large = (
            _accuracy(rows, models.loc[models["base_parameters"] == sizes[i], "reward_model"]) for i in (0, middle, -1)
        )
        total = _interval(large - small, rules)
        slowing = _interval((mid - small) / (logs[middle] - logs[0]) - (large - mid) / (logs[-1] - logs[middle]), rules)
        if total is None or slowing is None:
            continue
        rises = verdict(total.low, total.high, rules.minimum_effect)
        flattens = all_of(rises, verdict(slowing.low, slowing.high))
        found += [
            _claim(name, f"largest − smallest PRM, {dataset}", total, rises),
            _claim(name, f"gain per doubling, lower − upper half, {dataset}", slowing, flattens),
        ]
    return found or [_unmeasured(name, "gain per doubling, lower − upper half")]


def data_diversity(search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules) -> list[Claim]:
    """PRMs of one base: trained on both domains against the better single one; true against Monte-Carlo labels."""
    name = "data_diversity"
    models = selection.training_sets(reward_models)
    found: list[Claim] = []
    for dataset, rows in _datasets(search, rules):
        accuracy = {k: _accuracy(rows, g["reward_model"]) for k, g in models.groupby(["train_on", "labels"])}
        for labels in sorted(models["labels"].unique()):
            singles = [a for (train_on, kind), a in accuracy.items() if kind == labels and train_on != "both"]
            best = max((a for a in singles if len(a)), key=lambda a: float(a.mean()), default=None)
            if ("both", labels) in accuracy and best is not None:
                gain = _interval(accuracy["both", labels] - best, rules)
                found += _directed(name, f"both domains − best single one, {labels} labels, {dataset}", gain, rules)
        for train_on in sorted(models["train_on"].unique()):
            if {(train_on, "oracle"), (train_on, "monte_carlo")} <= accuracy.keys():
                gain = _interval(accuracy[train_on, "oracle"] - accuracy[train_on, "monte_carlo"], rules)
                found += _directed(name, f"oracle − monte_carlo labels, trained on {train_on}, {dataset}", gain, rules)
    return found or [_unmeasured(name, "both domains − best single one")]


def math_to_code(
    search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules, reported: pd.DataFrame | None = None
) -> list[Claim]:
    """Table 1's contrast on code, for each policy: is selection by PRM-Math as good as by PRM-Code?"""
    name = "math_to_code"
    models = selection.twins(reward_models)
    code = search[(search["domain"] == "code") & search["budget"].isin([1, rules.table1_budget])]
    found: list[Claim] = []
    for policy in dict.fromkeys(code["policy"]) if models else ():
        for dataset, rows in _datasets(code[code["policy"] == policy], rules, rules.table1_budget):
            transferred = _accuracy(rows, models["math"])
            one = selection.per_problem(selection.controls(rows, ["one_sample"]))
            gain = _interval(transferred - one, rules)
            difference = _interval(transferred - _accuracy(rows, models["code"]), rules, EQUIVALENCE_LEVEL)
            if gain is None or difference is None:
                continue
            selects = verdict(gain.low, gain.high, rules.minimum_effect)
            alike = equivalence(difference.low, difference.high, rules.equivalence_margin, difference.n)
            if selects != SUPPORTED and alike == SUPPORTED:
                alike = INCONCLUSIVE
            where = f"{dataset}, {policy}, N = {rules.table1_budget}"
            found += [
                _claim(name, f"PRM-Math − PRM-Code (90 %), {where}", difference, alike, _paper(reported, "PRM-Code")),
                _claim(name, f"PRM-Math − one sample, {where}", gain, selects, _paper(reported, "none")),
            ]
    return found or [_unmeasured(name, "PRM-Math − PRM-Code on code")]


def judge(
    search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules, reported: pd.DataFrame | None = None
) -> list[Claim]:
    """Every claim of the paper; `reported` is the paper's table 1. Claims about PRMs use the table's first policy."""
    one = selection.first_policy(search)
    return [
        *flops_tradeoff(),
        *diminishing_returns(one, reward_models, rules),
        *data_diversity(one, reward_models, rules),
        *search_budget(),
        *math_to_code(search, reward_models, rules, reported),
        *pattern_similarity(),
    ]


def sanity(search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """Accuracies by data set: controls, the untrained PRMs and the best trained PRM at the largest budget, the oracle.

    Columns dataset, selection, budget, mean, low, high, n. The best PRM is chosen after the fact.
    """
    untrained = set(reward_models.loc[selection.untrained(reward_models), "reward_model"])
    parts: list[pd.DataFrame] = []
    for _, rows in _datasets(selection.first_policy(search), rules):
        scored = rows[rows["reward_model"] != ""]
        means = scored[~scored["reward_model"].isin(untrained)].groupby("reward_model")["correct"].mean()
        labels = {str(name): f"untrained PRM ({name}), best-of-n" for name in untrained}
        if len(means):
            labels[str(means.idxmax())] = f"best PRM ({means.idxmax()}), best-of-n"
        chosen = scored[scored["reward_model"].isin(labels)]
        checks = selection.controls(rows, CHECKS)
        parts += [
            checks.assign(selection=checks["strategy"]),
            chosen.assign(selection=chosen["reward_model"].map(labels)),
        ]
    if not parts:
        return pd.DataFrame(columns=["dataset", "selection", "budget", "mean", "low", "high", "n"])
    by = ["dataset", "selection", "budget"]
    found = curve(pd.concat(parts), by, level=rules.level, draws=rules.draws, seed=rules.seed)
    order = {label: i for i, label in enumerate(CHECKS[:-1])} | {"oracle": len(CHECKS)}
    return found.sort_values(
        "selection", key=lambda s: s.map(lambda label: order.get(label, len(CHECKS) - 1)), kind="stable"
    ).sort_values("dataset", kind="stable", ignore_index=True)


def frame(claims: Iterable[Claim]) -> pd.DataFrame:
    """The claims as the table that `claims.csv` holds."""
    return pd.DataFrame([asdict(c) for c in claims], columns=[f.name for f in fields(Claim)])


def render(claims: Sequence[Claim], checks: pd.DataFrame, rules: Rules) -> str:
    """`claims.md`: how to read it, the claims, what each needs, and whether the PRMs verify at all."""
    lines = ["# The paper's claims, measured here", "", _how_to_read(rules), ""]
    lines += ["| claim | metric | effect [low, high] | verdict | reported | n |", "|---|---|---|---|---|---|"]
    for c in claims:
        effect = "–" if np.isnan(c.effect) else f"{c.effect:+.3f} [{c.low:+.3f}, {c.high:+.3f}]"
        lines.append(f"| {c.claim} | {c.metric} | {effect} | {c.verdict} | {c.reported or '–'} | {c.n or '–'} |")
    lines += ["", "## What each claim says, and what it takes", ""]
    for name, (says, needs) in WORDS.items():
        counts = Counter(c.verdict for c in claims if c.claim == name)
        here = ", ".join(f"{count} {word}" for word, count in counts.items()) or NOT_MEASURED
        lines.append(f"- **{name}**: {says} {needs} Here: {here}.")
    lines += ["", "## Does the PRM verify?", ""]
    lines += [
        "A PRM that verifies beats one sample, random choice, likelihood and majority on the same samples, and stays "
        "below the oracle (pass@n). The best PRM is chosen on these very problems, so its number is a little too high.",
        "",
    ]
    lines += ["| data set | selection | budget | accuracy [low, high] | n |", "|---|---|---|---|---|"]
    for _, row in checks.iterrows():
        interval = f"{row['mean']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
        lines.append(f"| {row['dataset']} | {row['selection']} | {row['budget']} | {interval} | {row['n']} |")
    return "\n".join(lines) + "\n"


def _how_to_read(rules: Rules) -> str:
    """The paragraph above the table."""
    return (
        f"Effects are differences of accuracy as fractions (0.01 is one point), with {rules.level:.0%} intervals "
        "(unless the metric says otherwise) from a paired bootstrap: both sides see the same resampled problems. "
        f"*Supported* means that the whole interval lies above {rules.minimum_effect:g} (for equivalence: within "
        f"±{rules.equivalence_margin:g}), *not supported* that all of it lies on the other side, *inconclusive* "
        "neither; a claim of two parts needs both. The rules were fixed before the run. The intervals cover the "
        "choice of problems, not of training seeds, and are not corrected for their number. Step scores are aggregated "
        f"by {rules.aggregation}; *reported* is the paper's own number, where it prints one; *n* is the number of "
        "problems."
    )


def _datasets(search: pd.DataFrame, rules: Rules, budget: int | None = None) -> Iterator[tuple[str, pd.DataFrame]]:
    """Each data set's rows that verdicts use: fully trained PRMs by best-of-n and controls, at one budget (largest)."""
    rows = selection.final(search)
    rows = rows[(rows["reward_model"] == "") | (rows["strategy"] == "best_of_n")]
    rows = rows[rows["aggregation"].isin(["", rules.aggregation])]
    for dataset, own in rows.groupby("dataset", sort=True):
        at = own["budget"].max() if budget is None else budget
        yield str(dataset), own[(own["budget"] == at) | (own["strategy"] == "one_sample")]


def _accuracy(rows: pd.DataFrame, reward_models: Iterable[str]) -> pd.Series:
    """Accuracy by problem of these reward models, seeds averaged; empty where they were not measured."""
    return selection.per_problem(rows[rows["reward_model"].isin(list(reward_models))])


def _interval(differences: pd.Series, rules: Rules, level: float | None = None) -> Interval | None:
    """The interval of paired differences by problem; None where no problem has both sides."""
    known = differences.dropna()
    return mean_interval(known, level or rules.level, rules.draws, rules.seed) if len(known) else None


def _directed(claim: str, metric: str, gain: Interval | None, rules: Rules) -> list[Claim]:
    """The claim that a gain is positive; nothing where it was not measured."""
    return [_claim(claim, metric, gain, verdict(gain.low, gain.high, rules.minimum_effect))] if gain else []


def _claim(claim: str, metric: str, found: Interval, judged: str, reported: str = "") -> Claim:
    return Claim(claim, metric, found.mean, found.low, found.high, judged, reported, found.n)


def _unmeasured(claim: str, metric: str) -> Claim:
    nothing = float("nan")
    return Claim(claim, metric, nothing, nothing, nothing, NOT_MEASURED, "", 0)


def _paper(table1: pd.DataFrame | None, against: str) -> str:
    """The paper's mean difference of PRM-Math and another column over the cells of its table 1."""
    if table1 is None:
        return ""
    wide = table1.pivot(index=["policy", "dataset"], columns="method", values="accuracy")
    difference = (wide["PRM-Math"] - wide[against]).mean() / 100
    return f"{difference:+.3f} (mean of {len(wide)} cells)"
