"""Checks that belong to no claim: do the PRMs verify at all, and does accuracy fall with n?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import pandas as pd

from prmscale.analysis import controls
from prmscale.analysis.estimates import curve
from prmscale.analysis.models import find_headline, keep_trained
from prmscale.analysis.paired import (
    accuracy,
    accuracy_of_control,
    check,
    iter_at_budget,
    iter_datasets,
)
from prmscale.analysis.rows import average_per_problem, keep_first_policy, subtract
from prmscale.analysis.verdicts import NOT_SUPPORTED, Check, Rules
from prmscale.results import Results

ACCURACY, VERIFIES, FALLS = "accuracy", "verifies", "falls"
# what a reward model that verifies should gain, stated before the run
OVER_ONE_SAMPLE, OVER_LIKELIHOOD = 0.20, 0.03


def list_accuracies(results: Results, rules: Rules) -> list[Check]:
    """Accuracy of every way of selecting at the largest budget, without verdicts; the same rows as
    the figure `controls`.
    """
    found = []
    for dataset, rows in iter_at_budget(keep_first_policy(results.search), rules):
        selections = controls.list_selections(rows, results.reward_models)
        table = curve(selections, ["place", "selection"], level=rules.level)
        for row in table.to_dict("records"):
            numbers = (row["mean"], row["low"], row["high"])
            counts = (row["n"], row["seeds"])
            found.append(Check(ACCURACY, dataset, row["selection"], *numbers, "", *counts))
    return found


def compare_with_controls(results: Results, rules: Rules) -> list[Check]:
    """The largest PRM at the largest budget against each control, and against stated targets."""
    found: list[Check] = []
    largest = find_headline(results.reward_models)["reward_model"]
    for dataset, rows in iter_at_budget(keep_first_policy(results.search), rules):
        prm = accuracy(rows, largest)
        for name, table, target in _iter_controls(rows, results.reward_models):
            gain = subtract(prm, table)
            found += check(VERIFIES, dataset, f"largest PRM − {name}", gain, rules)
            if target is not None:
                words = f"largest PRM − {name}, at least {100 * target:.0f} points"
                found += check(VERIFIES, dataset, words, gain, rules, target)
    return found


def _iter_controls(
    rows: pd.DataFrame, reward_models: pd.DataFrame
) -> Iterator[tuple[str, pd.DataFrame, float | None]]:
    """Each control's name, its accuracy by problem and seed, and the target stated for it."""
    yield controls.ONE, accuracy_of_control(rows, "one_sample"), OVER_ONE_SAMPLE
    yield controls.RANDOM, accuracy_of_control(rows, "random"), None
    yield controls.MAJORITY, accuracy_of_control(rows, "majority"), None
    ranked = controls.list_likelihoods(rows)
    best, table = "", pd.DataFrame()
    if len(ranked):
        best = str(ranked.groupby("selection")["correct"].mean().idxmax())
        table = average_per_problem(ranked[ranked["selection"] == best])
    yield f"best likelihood control ({best})", table, OVER_LIKELIHOOD
    for name, names in controls.find_controls(reward_models).items():
        yield name, accuracy(rows, names), None


def find_worst_steps(results: Results, rules: Rules) -> list[Check]:
    """The worst step from one budget to the next: of the largest PRM, and of any PRM but controls.

    The worst is the largest fall among those whose whole interval lies below zero; without any, the
    smallest gain. It is picked from many, so a fall that is barely certain may be chance.
    """
    found: list[Check] = []
    names = list(dict.fromkeys(keep_trained(results.reward_models)["reward_model"]))
    largest = set(find_headline(results.reward_models)["reward_model"])
    for dataset, rows in iter_datasets(keep_first_policy(results.search), rules):
        by_name = {name: _check_steps(dataset, name, rows, rules) for name in names}
        every: list[Check] = []
        of_largest: list[Check] = []
        for name, steps in by_name.items():
            every += steps
            of_largest += steps if name in largest else []
        worst = [step for step in (_find_worst(of_largest), _find_worst(every)) if step is not None]
        found += list(dict.fromkeys(worst))
    return found


def _check_steps(dataset: str, name: str, rows: pd.DataFrame, rules: Rules) -> list[Check]:
    """What a reward model gains from each budget to the next."""
    scored = rows[rows["reward_model"] == name]
    by_budget = {int(str(n)): accuracy(at, [name]) for n, at in scored.groupby("budget", sort=True)}
    found: list[Check] = []
    for before, after in pairwise(by_budget):
        gain = subtract(by_budget[after], by_budget[before])
        words = f"worst step of {name}, n = {before} → {after}"
        found += check(FALLS, dataset, words, gain, rules, 0.0)
    return found


def _find_worst(steps: Sequence[Check]) -> Check | None:
    return min(steps, key=lambda step: (step.verdict != NOT_SUPPORTED, step.effect), default=None)
