"""The cost of labels and, where the truth of steps is known, their quality."""

from __future__ import annotations

import pandas as pd

from prmscale.analysis.estimates import SHARE, mean_interval
from prmscale.labels.consensus import first_errors

BINS = 10


def bins(values: pd.Series) -> pd.Series:
    """The number of each value's bin; ten bins of equal width divide [0, 1]."""
    return (values * BINS).astype(int).clip(upper=BINS - 1)


def calibration_error(values: pd.Series, truth: pd.Series) -> float:
    """Expected calibration error of the labels' values, in ten bins of equal width.

    Guo et al. 2017 (arXiv 1706.04599).
    """
    gaps = (values - truth).groupby(bins(values)).agg(["mean", "size"])
    return float((gaps["mean"].abs() * gaps["size"]).sum() / len(values))


def summary(
    labels: pd.DataFrame, spent: pd.DataFrame, level: float
) -> dict[str, float | int | str]:
    """One row about a table of labels and its spending table.

    `decision` is the rule by which a step is right, `kept` the share of the given solutions that
    have labels. `accuracy` is the share of steps labelled as in truth, `first_error` the share of
    solutions whose first wrong step (or none) is that of the truth. Both are means over problems
    with intervals at `level`; they are missing where the truth is unknown.
    """
    row: dict[str, float | int | str] = {
        name: str(labels[name].iloc[0]) if len(labels) else ""
        for name in ("method", "decision", "policy", "weights", "k", "temperature", "seed")
    }
    row |= {
        "solutions": int(spent["solutions"].sum()),
        "kept": float(spent["labelled"].sum() / spent["solutions"].sum()),
        "steps": len(labels),
        "rollouts": int(spent["rollouts"].sum()),
        "tokens": int(spent["tokens"].sum()),
        "right": float(labels["label"].mean()),
    }
    known = labels[labels["truth"].notna()]
    if known.empty:
        return row
    hits = (known["label"] == known["truth"]).groupby(known["problem_id"]).mean()
    placed = first_errors(known) == first_errors(known.assign(label=known["truth"]))
    for name, values in (("accuracy", hits), ("first_error", placed.groupby(level=0).mean())):
        found = mean_interval(values.to_numpy(float), level, within=SHARE)
        row |= {name: found.mean, f"{name}_low": found.low, f"{name}_high": found.high}
    return row | {"calibration_error": calibration_error(known["value"], known["truth"])}
