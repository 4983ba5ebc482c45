"""Figure 1: size of the reward model → accuracy of best-of-n on test problems.

One line for each of several n; horizontal lines show what the same samples give without a reward
model. Intervals are over problems and training seeds. The thin black curve is the form of growth
(logarithm, power law of the error, or saturating) that best predicts a left-out size at the largest
n; with four sizes it says little. Where a study trained outcome reward models (ORMs) of two sizes
or more that differ from these in supervision alone, they have a line at the largest n; they choose
by the score of the last step. Beside it, the gain of each doubling of the size, from one size to
the next, at the largest n. In the paper's figure accuracy rises fast, then flattens (Observation
1); the paper prints no exact points, so none are overlaid.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prmscale.analysis import forms
from prmscale.analysis.estimates import curve, mean_interval
from prmscale.analysis.growth import gain_per_doubling
from prmscale.analysis.models import find_ladder, find_outcome_pairs, look_up
from prmscale.analysis.rows import (
    average_per_problem,
    is_by_outcome,
    keep_best_of_n,
    keep_controls,
    keep_final,
    keep_first_policy,
)
from prmscale.analysis.verdicts import Rules
from prmscale.errors import UserError
from prmscale.figures import panels, style
from prmscale.results import Results

BY = ["dataset", "strategy", "base_parameters", "budget"]
BUDGETS = (4, 16, 64)  # values of n with a line, where measured; the largest n always has one
OUTCOME = "best_of_n by ORMs"  # `strategy` in the CSV
GAIN = "gain per doubling"  # `strategy` in the CSV; `base_parameters` is the middle of a step


def draw(results: Results, rules: Rules) -> tuple[Figure, pd.DataFrame]:
    """The figure, and its accuracies, fitted forms and gains as a table."""
    rows = keep_final(keep_first_policy(results.search))
    models = find_ladder(results.reward_models)
    if models["base_parameters"].nunique() < 2:
        raise UserError(
            "fig1: needs reward models of at least two sizes with the same training set, labels "
            f"and steps; there are {len(models)} ({', '.join(models['reward_model']) or 'none'})"
        )
    scored = keep_best_of_n(rows, models["reward_model"], rules.aggregation)
    top = panels.largest_budget(scored, "fig1")
    scored = scored[scored["budget"].isin([*BUDGETS, top])]
    sizes = look_up(results.reward_models, "base_parameters")
    scored = scored.assign(base_parameters=scored["reward_model"].map(sizes).astype(int))
    outcome = _keep_outcome(rows[rows["budget"] == top], results.reward_models, models, sizes)
    checks = keep_controls(rows, ["one_sample", "majority", "oracle"], [top])
    parts = [scored, outcome, checks.assign(base_parameters=0)]
    data = curve(pd.concat(parts), BY, level=rules.level)
    fits = _fit_forms(data[(data["strategy"] == "best_of_n") & (data["budget"] == top)])
    gains = _measure_gains(scored[scored["budget"] == top], rules.level)
    data = pd.concat([data, *fits, gains], ignore_index=True)
    with style.apply():
        figure = _draw_panels(data, fits, gains, top)
    return figure, panels.tidy(data, str(rows["policy"].iloc[0]), ["base_parameters"])


def _keep_outcome(
    rows: pd.DataFrame, reward_models: pd.DataFrame, ladder: pd.DataFrame, sizes: pd.Series
) -> pd.DataFrame:
    """The rows of best-of-n by the ladder's ORMs; empty with fewer than two sizes of them."""
    pairs = find_outcome_pairs(reward_models)
    pairs = pairs[pairs["process"].isin(ladder["reward_model"])]
    found = rows[is_by_outcome(rows, pairs["outcome"])]
    of_size = found["reward_model"].map(sizes).astype(int)
    found = found.assign(strategy=OUTCOME, base_parameters=of_size)
    return found if found["base_parameters"].nunique() > 1 else found.iloc[:0]


def _measure_gains(scored: pd.DataFrame, level: float) -> pd.DataFrame:
    """The gain per doubling of each step of size, at the middle of the step on the log scale."""
    gains = []
    for (dataset, budget), rows in scored.groupby(["dataset", "budget"]):
        by_size = [
            (int(str(size)), average_per_problem(of_size))
            for size, of_size in rows.groupby("base_parameters", sort=True)
        ]
        for (small, less), (large, more) in pairwise(by_size):
            doublings = float(np.log2(large / small))
            gain = mean_interval(gain_per_doubling(less, more, doublings), level)
            gains.append(
                {
                    "dataset": dataset,
                    "strategy": GAIN,
                    "base_parameters": round((small * large) ** 0.5),
                    "budget": budget,
                    "mean": gain.mean,
                    "low": gain.low,
                    "high": gain.high,
                    "n": gain.n,
                    "seeds": gain.seeds,
                }
            )
    return pd.DataFrame(gains)


def _fit_forms(measured: pd.DataFrame) -> list[pd.DataFrame]:
    """The best form of growth of each data set with enough sizes."""
    tables = [points for _, points in measured.groupby("dataset")]
    return [_fit(points) for points in tables if len(points) >= forms.FEWEST_SIZES]


def _fit(points: pd.DataFrame) -> pd.DataFrame:
    """The best form through the points of a data set, from the smallest to the largest size."""
    rows = points.sort_values("base_parameters")
    x, values = np.log2(rows["base_parameters"].to_numpy(dtype=float)), rows["mean"].to_numpy()
    form, at = forms.find_best_of_size(x, values), np.linspace(x[0], x[-1], 41)
    means = forms.fit(form, x, values[None], at)[0]
    fit = {"strategy": _name(form), "base_parameters": np.round(2**at).astype(int), "mean": means}
    alike = {column: rows[column].iloc[0] for column in ("dataset", "budget", "n", "seeds")}
    return pd.DataFrame({**alike, **fit, "low": np.nan, "high": np.nan})[rows.columns]


def _name(form: forms.Form) -> str:
    """The name of a fitted form in the CSV and the legend."""
    return f"best form: {form.name}"


def _draw_panels(
    data: pd.DataFrame, fits: list[pd.DataFrame], gains: pd.DataFrame, top: int
) -> Figure:
    """A panel of accuracies and a panel of gains for each data set."""
    suffix = np.where(data["strategy"] == GAIN, f": {GAIN}", "")
    figure, axes = panels.grid(
        data.assign(dataset=data["dataset"] + suffix),
        "reward model's parameters",
        "accuracy of best-of-n (%)",
    )
    panels.level_controls(axes, data, top)
    lines = data[data["strategy"] == "best_of_n"]
    budgets = sorted(lines["budget"].unique(), reverse=True)
    for (dataset, budget), points in lines.groupby(["dataset", "budget"]):
        look, label = style.look(budgets.index(budget)), f"best-of-n, n = {budget}"
        panels.line(axes[str(dataset)], points, "base_parameters", look, label)
    for dataset, points in data[data["strategy"] == OUTCOME].groupby("dataset"):
        label = f"best-of-n by ORMs, n = {top}"
        panels.line(
            axes[str(dataset)], points, "base_parameters", style.mark_outcome(style.look(0)), label
        )
    names = [_name(form) for form in forms.OF_SIZE]
    for points in fits:
        name, axis = points["strategy"].iloc[0], axes[points["dataset"].iloc[0]]
        axis.plot(
            points["base_parameters"], points["mean"], label=f"n = {top}, {name}", zorder=4,
            color=style.BLACK, linewidth=0.8, linestyle=style.FITS[names.index(name)],
        )  # fmt: skip
    for axis in axes.values():
        panels.powers_axis(axis, lines["base_parameters"], "count")
    for dataset, steps in gains.groupby("dataset"):
        _draw_gains(axes[f"{dataset}: {GAIN}"], steps, axes[str(dataset)].get_xlim())
    panels.finish(figure, axes)
    return figure


def _draw_gains(axis: Axes, steps: pd.DataFrame, limits: tuple[float, float]) -> None:
    """Gains with their intervals and a line at zero, between the x limits of the accuracies."""
    look = style.look(0)
    axis.plot(
        steps["base_parameters"],
        steps["mean"],
        marker=look.marker,
        color=look.colour,
        linestyle="",
        zorder=3,
    )
    axis.vlines(steps["base_parameters"], steps["low"], steps["high"], color=look.colour)
    axis.set_ylabel("gain per doubling (points)")
    axis.hlines(0, *limits, color=style.GREY, linewidth=0.8)
    axis.set_xlim(*limits)
