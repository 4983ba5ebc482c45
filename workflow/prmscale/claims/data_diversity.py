"""Claim (c): reward models trained on diverse, carefully labelled data are better."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from prmscale.analysis import diversity
from prmscale.analysis.models import LABELS, find_training_sets
from prmscale.analysis.paired import accuracy, estimate, iter_at_budget
from prmscale.analysis.rows import keep_first_policy, subtract
from prmscale.analysis.verdicts import Check, Claim, Rules
from prmscale.claims.contrast import Contrast
from prmscale.results import Results

NAME = "data_diversity"
SAYS = "Reward models trained on diverse, carefully labelled data are better."
NEEDS = (
    "Of the same base and recipe, the PRM trained on both domains must beat the better of those "
    "trained on one (chosen after the fact, in favour of the single domain), true labels and those "
    "that several labellers agree on must beat Monte-Carlo ones (and the same searches without the "
    "filter of agreement, on as many solutions), and of sets of equal size the most diverse (in "
    "wordings, problems or policies) must beat the least diverse; problems of fewer wordings show "
    "fewer errors as well."
)

DOMAINS = "PRM trained on math and code − PRM trained on the better of the two alone"
Set = tuple[str, str]  # what a training set is: its domains and its labels
Accuracies = Mapping[Set, pd.DataFrame]  # by problem and seed
Measured = tuple[str, str, pd.DataFrame]  # a contrast's name, its words and the difference


def judge(results: Results, rules: Rules) -> list[Claim]:
    """Do both domains beat one, careful labels Monte-Carlo ones, and diverse sets uniform ones?"""
    search = keep_first_policy(results.search)
    models = find_training_sets(results.reward_models)
    by_set = models.groupby(["train_on", "labels"])
    sizes = by_set["solutions"].first()
    found: list[Claim] = []
    for dataset, rows in iter_at_budget(search, rules):
        accuracies = {key: accuracy(rows, group["reward_model"]) for key, group in by_set}
        contrasts = (*_compare_domains(accuracies), *_compare_labels(accuracies, sizes))
        for name, metric, difference in contrasts:
            contrast = Contrast(NAME, name, metric, dataset)
            found += contrast.judge_gain(estimate(difference, rules), rules)
    for series in diversity.iter_series(search, results.reward_models, rules):
        contrast = Contrast(NAME, series.axis, series.words, series.dataset)
        found += contrast.judge_gain(estimate(series.difference, rules), rules)
    return found or [Contrast(NAME, "domains", DOMAINS).leave_open()]


def checks(results: Results, rules: Rules) -> list[Check]:
    """What a doubling of diversity gains at equal size."""
    search = keep_first_policy(results.search)
    return diversity.check_slopes(search, results.reward_models, rules)


def _compare_domains(accuracies: Accuracies) -> Iterator[Measured]:
    """Both domains against the better single one, for each kind of labels."""
    for labels in sorted({labels for _, labels in accuracies}):
        singles = [
            table
            for (train_on, kind), table in accuracies.items()
            if kind == labels and train_on in ("math", "code") and len(table)
        ]
        if ("both", labels) in accuracies and singles:
            best = max(singles, key=lambda table: float(table.mean(axis=None)))
            difference = subtract(accuracies["both", labels], best)
            yield "domains", f"{DOMAINS} ({_name_labels(labels)})", difference


def _compare_labels(accuracies: Accuracies, sizes: pd.Series) -> Iterator[Measured]:
    """True and consensus labels against Monte-Carlo ones, and consensus labels against the same
    binary search without the filter where the sets have equal sizes.
    """
    for train_on in sorted({train_on for train_on, _ in accuracies}):
        plain = (train_on, "monte_carlo")
        for careful in ("oracle", "consensus"):
            if {(train_on, careful), plain} <= accuracies.keys():
                difference = subtract(accuracies[train_on, careful], accuracies[plain])
                metric = (
                    f"PRM trained on {_name_labels(careful)} − PRM trained on Monte-Carlo labels "
                    f"({_name_domains(train_on)})"
                )
                yield careful, metric, difference
        kept, every = (train_on, "consensus"), (train_on, "binary_search")
        if {kept, every} <= accuracies.keys() and sizes[kept] == sizes[every]:
            metric = (
                "PRM trained on consensus labels − PRM trained on the same binary searches without "
                f"the filter of agreement ({sizes[kept]:,.0f} solutions each, "
                f"{_name_domains(train_on)})"
            )
            yield "filter", metric, subtract(accuracies[kept], accuracies[every])


def _name_labels(labels: str) -> str:
    """The labels of a training set, in words."""
    for name, words in {**LABELS, "oracle": "true"}.items():
        labels = labels.replace(name, words)
    return f"{labels} labels"


def _name_domains(train_on: str) -> str:
    return "math and code" if train_on == "both" else train_on
