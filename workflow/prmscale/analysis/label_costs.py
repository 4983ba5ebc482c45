"""Labels' quality against what they cost, where the truth of steps is known: methods beside each
other.

A fixed number of K rollouts also tells what fewer would have given: of n rollouts with s successes,
k drawn without replacement all fail with probability C(n - s, k) / C(n, k) (hypergeometric), each
prefix by itself, for k / n of the tokens. Methods are compared on the same problems; intervals of
ratios are those of their logarithms. Tokens are all that a method spent on the problems it was
given, those it could not label too; they are told by solution that has labels.
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


def by_problem(tables: Sequence[pd.DataFrame], spent: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One row for each problem, method and K (of `monte_carlo` also each smaller power of two).

    `tables` are labels, `spent` what each of them took. Columns: dataset, method, k, problem_id;
    `accuracy` of steps and `first_error`, the share of solutions whose first error (or that there
    is none) is placed as in truth, both missing where no solution has labels; `tokens` spent in
    all; `solutions` that have labels, of so many `given`.
    """
    found = []
    for labels, spending in zip(tables, spent, strict=True):
        of_method = spending.set_index(["method", "k"])
        for method, own in labels[labels["truth"].notna()].groupby(["method", "k"], sort=False):
            found += [_at(own, of_method.loc[[method]], k) for k in _budgets(own)]
    columns = [*METHOD, "problem_id", "accuracy", "first_error", "tokens", "solutions", "given"]
    return pd.concat(found, ignore_index=True)[columns] if found else pd.DataFrame(columns=columns)


def _budgets(labels: pd.DataFrame) -> list[int]:
    """K, and of a fixed number of rollouts every power of two below it."""
    most = int(labels["k"].iloc[0])
    fewer = [2**i for i in range(most.bit_length()) if 2**i < most]
    return [*(fewer if labels["method"].iloc[0] == FIXED else []), most]


def _at(labels: pd.DataFrame, spent: pd.DataFrame, k: int) -> pd.DataFrame:
    """Each problem's expected quality and cost with k rollouts of those that were drawn."""
    most = int(labels["k"].iloc[0])
    right = labels["label"].to_numpy(float)
    if k < most:
        right = 1 - hypergeom.pmf(0, labels["rollouts"], labels["successes"], k)
    truth = labels["truth"].to_numpy(bool)
    steps = labels.assign(hit=np.where(truth, right, 1 - right))
    steps = steps.sort_values([*SOLUTION_KEY, "step"])
    # a first error is placed right if all steps up to it are labelled right
    wrong_before = (steps["truth"] == 0).groupby([steps[key] for key in SOLUTION_KEY]).cumsum() - (
        steps["truth"] == 0
    )
    placed = steps[wrong_before == 0].groupby(SOLUTION_KEY)["hit"].prod()
    took = spent.set_index("problem_id")
    quality = {
        "accuracy": steps.groupby("problem_id")["hit"].mean(),
        "first_error": placed.groupby("problem_id").mean(),
    }
    cost = {
        "tokens": took["tokens"] * k / most,
        "solutions": took["labelled"],
        "given": took["solutions"],
    }
    out = pd.DataFrame({**quality, **cost}).rename_axis("problem_id").reset_index()
    return out.assign(
        dataset=out["problem_id"].map(dataset_of), method=labels["method"].iloc[0], k=k
    )


def points(problems: pd.DataFrame, level: float) -> pd.DataFrame:
    """Each method's accuracy of steps and of first errors with intervals, its tokens a solution,
    and which share of the solutions it was given it labels.

    Columns: dataset, method, k, measure (accuracy, first_error), mean, low, high, n, tokens,
    labelled.
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
    """Each method beside a fixed number of rollouts (the largest K there is), on the same problems.

    `problems` that it was given, and the shares of them (`problems_labelled`) and of their
    solutions (`solutions_labelled`) that have labels for it; `tokens`: all that it spent, by
    labelled solution; `tokens_ratio`: these over those of the fixed number; `accuracy_gain` and
    `first_error_gain`: accuracy less that of the fixed number; each with its interval, but of that
    number beside itself.
    """
    rows = []
    for dataset, own in problems.groupby("dataset", sort=False):
        fixed = own[own["method"] == FIXED]
        if fixed.empty:
            continue
        base = fixed[fixed["k"] == fixed["k"].max()].set_index("problem_id")
        for (method, k), group in own.groupby(["method", "k"], sort=False):
            other = group.set_index("problem_id").reindex(base.index)
            row = {"dataset": dataset, "method": method, "k": k, "problems": len(group)}
            row |= {
                "problems_labelled": float((other["solutions"] > 0).mean()),
                "solutions_labelled": other["solutions"].sum() / other["given"].sum(),
                "tokens": other["tokens"].sum() / other["solutions"].sum(),
                "against_k": base["k"].iloc[0],
            }
            row |= _named("tokens_ratio", *_ratio(other, base, level))
            itself = (method, k) == (FIXED, base["k"].iloc[0])
            for measure in ("accuracy", "first_error"):
                gain = paired_difference(other[measure], base[measure], level)
                ends = (np.nan, np.nan) if itself else (gain.low, gain.high)
                row |= {measure: other[measure].mean()} | _named(
                    f"{measure}_gain", gain.mean, *ends
                )
            rows.append(row)
    return pd.DataFrame(rows)


def _named(name: str, mean: float, low: float, high: float) -> dict[str, float]:
    return {name: mean, f"{name}_low": low, f"{name}_high": high}


def _ratio(other: pd.DataFrame, base: pd.DataFrame, level: float) -> tuple[float, float, float]:
    """Tokens a solution of one method over those of the other, with the interval over problems."""
    if not other["tokens"].sum():
        return 0.0, 0.0, 0.0
    sums = np.column_stack([t[c].fillna(0) for t in (other, base) for c in ("tokens", "solutions")])
    means = sums.mean(axis=0)
    signs = np.array([1.0, -1.0, -1.0, 1.0])
    ratio = float(means[0] / means[1] / (means[2] / means[3]))
    added = sums / means @ signs  # by each problem, to the logarithm (delta method)
    if np.allclose(added, 0.0, atol=1e-12):  # by construction, as of fewer of the same rollouts
        return ratio, ratio, ratio
    found = mean_interval(added, level, within=UNBOUNDED)
    return ratio, ratio * float(np.exp(found.low)), ratio * float(np.exp(found.high))


def reliability(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """How often steps are right by the value of their labels, in ten bins of equal width.

    Columns: dataset, method, k, value and right (means of a bin), n (its steps), calibration_error
    (of all bins).
    """
    found = []
    for table in tables:
        known = table[table["truth"].notna()]
        dataset = known["problem_id"].map(dataset_of).rename("dataset")
        for keys, own in known.groupby([dataset, "method", "k"], sort=False):
            rows = own.groupby(bins(own["value"])).agg(
                value=("value", "mean"), right=("truth", "mean"), n=("truth", "size")
            )
            error = calibration_error(own["value"], own["truth"])
            found.append(
                rows.assign(**dict(zip(METHOD, keys, strict=True)), calibration_error=error)
            )
    return pd.concat(found, ignore_index=True)
