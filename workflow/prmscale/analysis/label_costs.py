"""The quality of labels against their cost, where the truth of steps is known, method by method.

A fixed number of K rollouts also tells the quality of fewer rollouts: of n rollouts with s
successes, k drawn without replacement all fail with probability C(n - s, k) / C(n, k)
(hypergeometric), for k / n of the tokens. Methods are compared on the same problems. Intervals of
ratios are computed for their logarithms. Tokens are all that a method spent on the given problems,
including problems that it could not label; they are divided by the number of labelled solutions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import hypergeom

from prmscale.analysis.estimates import UNBOUNDED, curve, mean_interval, paired_difference
from prmscale.analysis.label_quality import bins, calibration_error
from prmscale.tables import SOLUTION_KEY
from prmscale.tasks.registry import dataset_of

METHOD = ["dataset", "method", "k"]
FIXED = "monte_carlo"


def tabulate_problems(
    tables: Sequence[pd.DataFrame], spent: Sequence[pd.DataFrame]
) -> pd.DataFrame:
    """One row for each problem, method and K (of `monte_carlo` also each smaller power of two).

    `tables` are labels, `spent` their spending tables. Columns: dataset, method, k, problem_id;
    `accuracy` of steps and `first_error`, the share of solutions whose first error (or none) is
    that of the truth, both missing where no solution has labels; `tokens`, all that was spent;
    `solutions`, the number that have labels; `given`, the number of all solutions.
    """
    found = []
    for labels, spending in zip(tables, spent, strict=True):
        of_method = spending.set_index(["method", "k"])
        known = labels[labels["truth"].notna()]
        for method, group in known.groupby(["method", "k"], sort=False):
            found += [_expect_results(group, of_method.loc[[method]], k) for k in _budgets(group)]
    columns = [*METHOD, "problem_id", "accuracy", "first_error", "tokens", "solutions", "given"]
    return pd.concat(found, ignore_index=True)[columns] if found else pd.DataFrame(columns=columns)


def _budgets(labels: pd.DataFrame) -> list[int]:
    """K; for a fixed number of rollouts also every power of two below it."""
    most = int(labels["k"].iloc[0])
    if labels["method"].iloc[0] != FIXED:
        return [most]
    return [*(2**i for i in range(most.bit_length()) if 2**i < most), most]


def _expect_results(labels: pd.DataFrame, spent: pd.DataFrame, k: int) -> pd.DataFrame:
    """Each problem's expected quality and cost with k of the rollouts that were drawn."""
    steps = _expect_hits(labels, k)
    # a first error is found if all steps up to it are labelled as in truth
    wrong = steps["truth"] == 0
    wrong_before = wrong.groupby([steps[key] for key in SOLUTION_KEY]).cumsum() - wrong
    found = steps[wrong_before == 0].groupby(SOLUTION_KEY)["hit"].prod()
    costs = spent.set_index("problem_id")
    columns = {
        "accuracy": steps.groupby("problem_id")["hit"].mean(),
        "first_error": found.groupby("problem_id").mean(),
        "tokens": costs["tokens"] * k / int(labels["k"].iloc[0]),
        "solutions": costs["labelled"],
        "given": costs["solutions"],
    }
    out = pd.DataFrame(columns).rename_axis("problem_id").reset_index()
    dataset = out["problem_id"].map(dataset_of)
    return out.assign(dataset=dataset, method=labels["method"].iloc[0], k=k)


def _expect_hits(labels: pd.DataFrame, k: int) -> pd.DataFrame:
    """The labels in order; `hit` is the chance that k of the rollouts label a step as in truth."""
    right = labels["label"].to_numpy(float)
    if k < int(labels["k"].iloc[0]):
        right = 1 - hypergeom.pmf(0, labels["rollouts"], labels["successes"], k)
    hit = np.where(labels["truth"].to_numpy(bool), right, 1 - right)
    return labels.assign(hit=hit).sort_values([*SOLUTION_KEY, "step"])


def points(problems: pd.DataFrame, level: float) -> pd.DataFrame:
    """Each method's accuracy of steps and of first errors with intervals, and its cost.

    Columns: dataset, method, k, measure (accuracy, first_error), mean, low, high, n; `tokens` a
    labelled solution; `labelled`, the share of the given solutions that have labels.
    """
    sums = problems.groupby(METHOD)[["tokens", "solutions", "given"]].sum()
    shares = {
        "tokens": sums["tokens"] / sums["solutions"],
        "labelled": sums["solutions"] / sums["given"],
    }
    spent = pd.DataFrame(shares).reset_index()
    labelled = problems[problems["solutions"] > 0]
    curves = [
        curve(labelled, METHOD, value, level=level).assign(measure=value)
        for value in ("accuracy", "first_error")
    ]
    return pd.concat(curves, ignore_index=True).drop(columns="seeds").merge(spent, on=METHOD)


def costs(problems: pd.DataFrame, level: float) -> pd.DataFrame:
    """Each method beside a fixed number of rollouts (the largest K), on the same problems.

    Columns: `problems`, the number given; `problems_labelled` and `solutions_labelled`, the shares
    that have labels; `tokens`, all that was spent a labelled solution; `tokens_ratio`, this over
    that of the fixed number; `accuracy_gain` and `first_error_gain`, accuracy minus that of the
    fixed number. Ratio and gains have intervals, except for the fixed number beside itself.
    """
    rows = []
    for dataset, of_dataset in problems.groupby("dataset", sort=False):
        fixed = of_dataset[of_dataset["method"] == FIXED]
        if fixed.empty:
            continue
        base = fixed[fixed["k"] == fixed["k"].max()].set_index("problem_id")
        for (method, k), group in of_dataset.groupby(["method", "k"], sort=False):
            row = {"dataset": dataset, "method": method, "k": k, "problems": len(group)}
            other = group.set_index("problem_id").reindex(base.index)
            is_base = (method, k) == (FIXED, base["k"].iloc[0])
            rows.append(row | _compare(other, base, is_base, level))
    return pd.DataFrame(rows)


def _compare(
    other: pd.DataFrame, base: pd.DataFrame, is_base: bool, level: float
) -> dict[str, float]:
    """One method's row beside the fixed number of rollouts, problem by problem."""
    row: dict[str, float] = {
        "problems_labelled": float((other["solutions"] > 0).mean()),
        "solutions_labelled": other["solutions"].sum() / other["given"].sum(),
        "tokens": other["tokens"].sum() / other["solutions"].sum(),
        "against_k": base["k"].iloc[0],
    }
    row |= _name("tokens_ratio", *_ratio(other, base, level))
    for measure in ("accuracy", "first_error"):
        gain = paired_difference(other[measure], base[measure], level)
        ends = (np.nan, np.nan) if is_base else (gain.low, gain.high)
        row |= {measure: other[measure].mean()} | _name(f"{measure}_gain", gain.mean, *ends)
    return row


def _name(name: str, mean: float, low: float, high: float) -> dict[str, float]:
    return {name: mean, f"{name}_low": low, f"{name}_high": high}


def _ratio(other: pd.DataFrame, base: pd.DataFrame, level: float) -> tuple[float, float, float]:
    """Tokens a solution of one method over those of the base, with the interval over problems."""
    if not other["tokens"].sum():
        return 0.0, 0.0, 0.0
    columns = [table[name] for table in (other, base) for name in ("tokens", "solutions")]
    sums = np.column_stack([column.fillna(0) for column in columns])
    means = sums.mean(axis=0)
    signs = np.array([1.0, -1.0, -1.0, 1.0])
    ratio = float(means[0] / means[1] / (means[2] / means[3]))
    # each problem's contribution to the logarithm (delta method)
    added = sums / means @ signs
    # 0 by construction where the rollouts are some of the base's
    if np.allclose(added, 0.0, atol=1e-12):
        return ratio, ratio, ratio
    found = mean_interval(added, level, within=UNBOUNDED)
    return ratio, ratio * float(np.exp(found.low)), ratio * float(np.exp(found.high))


def reliability(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """How often steps are right, by the value of their labels, in ten bins of equal width.

    Columns: dataset, method, k; value and right, the means of a bin; n, the bin's steps;
    calibration_error, over all bins.
    """
    found = []
    for table in tables:
        known = table[table["truth"].notna()]
        dataset = known["problem_id"].map(dataset_of).rename("dataset")
        for keys, group in known.groupby([dataset, "method", "k"], sort=False):
            rows = group.groupby(bins(group["value"])).agg(
                value=("value", "mean"), right=("truth", "mean"), n=("truth", "size")
            )
            error = calibration_error(group["value"], group["truth"])
            names = dict(zip(METHOD, keys, strict=True))
            found.append(rows.assign(**names, calibration_error=error))
    return pd.concat(found, ignore_index=True)
