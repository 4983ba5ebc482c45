"""Checks beside the claims: do the PRMs verify at all, does accuracy fall with n, does math
transfer to code?
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, fields
from itertools import pairwise

import pandas as pd

from prmscale.analysis import controls, emergence
from prmscale.analysis.diversity import slopes
from prmscale.analysis.estimates import curve
from prmscale.analysis.growth import growth
from prmscale.analysis.models import find_headline, find_twins, keep_trained
from prmscale.analysis.paired import accuracy, at_budget, check, control, measured
from prmscale.analysis.rows import average_per_problem, keep_first_policy, subtract
from prmscale.analysis.verdicts import NOT_SUPPORTED, Check, Rules

ACCURACY, VERIFIES, FALLS, TRANSFER = "accuracy", "verifies", "falls", "transfer"
OVER_ONE_SAMPLE, OVER_LIKELIHOOD = (
    0.20,
    0.03,
)  # what a reward model that verifies should reach, stated beforehand


def all_checks(
    search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules, training: pd.DataFrame
) -> list[Check]:
    """Every check, of the table's first policy; `training` holds validation losses along training
    (`collect`).
    """
    one = keep_first_policy(search)
    made = (accuracies, verifies, falls, growth, slopes, transfer)
    found = [each for checks in made for each in checks(one, reward_models, rules)]
    return [*found, *emergence.checks(one, reward_models, rules, training)]


def frame(checks: Iterable[Check]) -> pd.DataFrame:
    """The checks as the table that `checks.csv` holds."""
    return pd.DataFrame([asdict(c) for c in checks], columns=[f.name for f in fields(Check)])


def accuracies(search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules) -> list[Check]:
    """Accuracy of every way of selecting at the largest budget: the rows of the figure `controls`,
    without verdicts.
    """
    found = []
    for dataset, rows in at_budget(search, rules):
        chosen = controls.selections(rows, reward_models)
        table = curve(chosen, ["place", "selection"], level=rules.level)
        for row in table.to_dict("records"):
            numbers = (row["mean"], row["low"], row["high"])
            found.append(
                Check(ACCURACY, dataset, row["selection"], *numbers, "", row["n"], row["seeds"])
            )
    return found


def verifies(search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules) -> list[Check]:
    """The largest PRM at the largest budget against each control; stated targets have a verdict of
    their own.
    """
    found: list[Check] = []
    largest = find_headline(reward_models)["reward_model"]
    for dataset, rows in at_budget(search, rules):
        ours = accuracy(rows, largest)
        against = {
            controls.ONE: control(rows, "one_sample"),
            controls.RANDOM: control(rows, "random"),
            controls.MAJORITY: control(rows, "majority"),
        }
        ranked = controls.likelihoods(rows)
        best, name = pd.DataFrame(), ""
        if len(ranked):
            name = str(ranked.groupby("selection")["correct"].mean().idxmax())
            best = average_per_problem(ranked[ranked["selection"] == name])
        against[f"best likelihood control ({name})"] = best
        against |= {
            name: accuracy(rows, names)
            for name, names in controls.control_models(reward_models).items()
        }
        targets = {
            controls.ONE: OVER_ONE_SAMPLE,
            f"best likelihood control ({name})": OVER_LIKELIHOOD,
        }
        for other, theirs in against.items():
            gain = subtract(ours, theirs)
            found += check(VERIFIES, dataset, f"largest PRM − {other}", gain, rules)
            if other in targets:
                words = f"largest PRM − {other}, at least {100 * targets[other]:.0f} points"
                found += check(VERIFIES, dataset, words, gain, rules, targets[other])
    return found


def falls(search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules) -> list[Check]:
    """The worst step from one budget to the next: of the largest PRM, and of any PRM that is no
    control.

    The worst is the largest fall among those whose whole interval lies below zero; where there is
    none, the smallest gain. It is picked from many, so a fall that is barely certain may be chance.
    """
    found: list[Check] = []
    names = list(dict.fromkeys(keep_trained(reward_models)["reward_model"]))
    largest = set(find_headline(reward_models)["reward_model"])
    for dataset, rows in measured(search, rules):
        steps: dict[str, list[Check]] = {name: [] for name in names}
        for name in names:
            own = rows[rows["reward_model"] == name]
            by_budget = {
                int(str(n)): accuracy(at, [name]) for n, at in own.groupby("budget", sort=True)
            }
            for before, after in pairwise(by_budget):
                gain = subtract(by_budget[after], by_budget[before])
                steps[name] += check(
                    FALLS,
                    dataset,
                    f"worst step of {name}, n = {before} → {after}",
                    gain,
                    rules,
                    0.0,
                )
        own_steps = [step for name in names if name in largest for step in steps[name]]
        worst = [_worst(own_steps), _worst([step for each in steps.values() for step in each])]
        found += list(dict.fromkeys(step for step in worst if step is not None))
    return found


def _worst(steps: list[Check]) -> Check | None:
    return min(steps, key=lambda step: (step.verdict != NOT_SUPPORTED, step.effect), default=None)


def transfer(search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules) -> list[Check]:
    """The math-trained PRM on code at the largest budget: against one sample and against an
    untrained PRM.

    The untrained one is of the same base, where there is such a one.
    """
    found: list[Check] = []
    twins = find_twins(reward_models)
    if not twins:
        return found
    bases = reward_models.loc[reward_models["reward_model"].isin(twins["math"]), "base"]
    untrained = controls.control_models(reward_models[reward_models["base"].isin(bases)])[
        controls.UNTRAINED
    ]
    untrained = untrained or controls.control_models(reward_models)[controls.UNTRAINED]
    for dataset, rows in at_budget(search[search["domain"] == "code"], rules):
        ours = accuracy(rows, twins["math"])
        against = {
            controls.ONE: control(rows, "one_sample"),
            controls.UNTRAINED: accuracy(rows, untrained),
        }
        for other, theirs in against.items():
            found += check(TRANSFER, dataset, f"PRM-Math − {other}", subtract(ours, theirs), rules)
    return found
