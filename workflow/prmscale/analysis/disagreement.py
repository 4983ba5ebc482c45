"""How far the labels of one labeller hold for another: labels of the same steps, two by two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import pandas as pd

from prmscale.analysis.estimates import SHARE, mean_interval
from prmscale.labels.consensus import first_errors
from prmscale.tables import SOLUTION_KEY

STEP_KEY = [*SOLUTION_KEY, "step"]
COLUMNS = ["dataset", "policy", "labeller", "other", "solutions", "n"]
COLUMNS += ["steps", "steps_low", "steps_high"]
COLUMNS += ["first_errors", "first_errors_low", "first_errors_high"]
COLUMNS += ["wrong_by_labeller", "wrong_by_other"]


def disagreements(
    labellings: Sequence[tuple[Mapping[str, str], pd.DataFrame]], level: float
) -> pd.DataFrame:
    """One row for each pair of labellers of a policy's solutions of a data set.

    A labelling is (labeller, policy, dataset, method) by name, and its labels. All shares are means
    over problems, of the steps and solutions that both label, with intervals at `level`. Without
    such a pair the table is empty.
    """
    rows = []
    for (first, labels), (second, others) in combinations(labellings, 2):
        place = {key: first[key] for key in ("dataset", "policy")}
        if place.items() <= second.items():
            named = {"labeller": _name(first), "other": _name(second)}
            rows.append({**place, **named, **_compare(labels, others, level)})
    return pd.DataFrame(rows, columns=COLUMNS)


def _name(labelling: Mapping[str, str]) -> str:
    return f"{labelling['labeller']}, {labelling['method']}"


def _compare(labels: pd.DataFrame, others: pd.DataFrame, level: float) -> dict[str, float]:
    """The shares on which two labellers disagree, of what both label."""
    both = labels.merge(others[[*STEP_KEY, "label"]], on=STEP_KEY, suffixes=("", "_other"))
    ours, theirs = both["label"], both["label_other"]
    steps = (ours != theirs).groupby(both["problem_id"]).mean()
    placed = first_errors(both) != first_errors(both.assign(label=theirs))
    found: dict[str, float] = {"solutions": len(placed), "n": len(steps)}
    for name, values in (("steps", steps), ("first_errors", placed.groupby(level=0).mean())):
        share = mean_interval(values.to_numpy(float), level, within=SHARE)
        found |= {name: share.mean, f"{name}_low": share.low, f"{name}_high": share.high}
    for name, lower, higher in (("labeller", ours, theirs), ("other", theirs, ours)):
        alone = (lower < higher).groupby(both["problem_id"]).mean()
        found[f"wrong_by_{name}"] = float(alone.mean())
    return found
