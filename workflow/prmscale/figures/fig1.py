"""Figure 1: size of the reward model → accuracy of best-of-n.

The paper's figure shows accuracy on two math sets against the PRM's size (0.5B to 72B parameters):
it rises fast, then flattens (Observation 1). It prints no exact points, so nothing of it is drawn
here. Ours has one line for each n, what the same samples give without a reward model, and the sizes
on a logarithmic axis; at the largest n also the form of growth (logarithm, power law or saturating)
that predicts a left-out size best, and, beside it, what a doubling of the size gains from each size
to the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prmscale.analysis import forms
from prmscale.analysis.estimates import curve, mean_interval
from prmscale.analysis.models import find_ladder, look_up
from prmscale.analysis.rows import (
    average_per_problem,
    keep_best_of_n,
    keep_controls,
    keep_final,
    keep_first_policy,
    subtract,
)
from prmscale.errors import UserError
from prmscale.figures import panels, style

BY = ["dataset", "strategy", "base_parameters", "budget"]
GAIN = "gain per doubling"  # `strategy` in the CSV; its sizes are the middles of steps


def draw(
    search: pd.DataFrame,
    reward_models: pd.DataFrame,
    reported: pd.DataFrame | None,
    level: float,
    aggregation: str,
    budgets: Sequence[int] = (4, 16, 64),
) -> tuple[Figure, pd.DataFrame]:
    """The figure and what it draws; `budgets` that were not measured are left out (the largest
    always stays).
    """
    rows = keep_final(keep_first_policy(search))
    models = find_ladder(reward_models)
    if models["base_parameters"].nunique() < 2:
        raise UserError(
            "fig1: reward models of at least two sizes with the same training set, labels and "
            f"steps are wanted; there are {len(models)} "
            f"({', '.join(models['reward_model']) or 'none'})"
        )
    scored = keep_best_of_n(rows, models["reward_model"], aggregation)
    top = panels.largest_budget(scored, "fig1")
    scored = scored[scored["budget"].isin([*budgets, top])]
    sizes = look_up(models, "base_parameters")
    checks = keep_controls(rows, ["one_sample", "majority", "oracle"], [top])
    scored = scored.assign(base_parameters=scored["reward_model"].map(sizes).astype(int))
    data = curve(pd.concat([scored, checks.assign(base_parameters=0)]), BY, level=level)
    measured = data[(data["strategy"] == "best_of_n") & (data["budget"] == top)]
    fits = [
        _fit(points)
        for _, points in measured.groupby("dataset")
        if len(points) >= forms.FEWEST_SIZES
    ]
    gains = pd.DataFrame(_gains(scored[scored["budget"] == top], level))
    data = pd.concat([data, *fits, gains], ignore_index=True)

    with style.applied():
        beside = data["dataset"] + np.where(
            data["strategy"] == GAIN, f": {GAIN}", ""
        )  # a panel of its own
        figure, axes = panels.grid(
            data.assign(dataset=beside), "reward model's parameters", "accuracy of best-of-n (%)"
        )
        panels.level_controls(axes, data, top)
        lines = data[data["strategy"] == "best_of_n"]
        shown = sorted(lines["budget"].unique())
        for (dataset, budget), points in lines.groupby(["dataset", "budget"]):
            look = style.look(len(shown) - 1 - shown.index(budget))
            panels.line(
                axes[str(dataset)], points, "base_parameters", look, f"best-of-n, n = {budget}"
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
    return figure, panels.tidy(data, str(rows["policy"].iloc[0]), ["base_parameters"])


def _gains(scored: pd.DataFrame, level: float) -> Iterator[dict[str, object]]:
    """What a doubling gains from each size to the next, as rows at the middles of the steps (on the
    log scale).
    """
    for (dataset, budget), rows in scored.groupby(["dataset", "budget"]):
        by_size = {
            int(str(n)): average_per_problem(own)
            for n, own in rows.groupby("base_parameters", sort=True)
        }
        for (small, less), (large, more) in pairwise(by_size.items()):
            gain = subtract(more, less) / np.log2(large / small)
            found = mean_interval(gain, level)
            numbers = {key: getattr(found, key) for key in ("mean", "low", "high", "n", "seeds")}
            middle = round((small * large) ** 0.5)
            yield {
                "dataset": dataset,
                "strategy": GAIN,
                "base_parameters": middle,
                "budget": budget,
                **numbers,
            }


def _draw_gains(axis: Axes, steps: pd.DataFrame, limits: tuple[float, float]) -> None:
    """Gains with their intervals and a line at none, between the limits of the panel of accuracies."""
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


def _name(form: forms.Form) -> str:
    """What the CSV and the legend call a fitted form."""
    return f"best form: {form.name}"


def _fit(points: pd.DataFrame) -> pd.DataFrame:
    """The best form through one data set's points, as rows between the smallest and the largest
    size.
    """
    rows = points.sort_values("base_parameters")
    x, values = np.log2(rows["base_parameters"].to_numpy(dtype=float)), rows["mean"].to_numpy()
    form, at = forms.find_best_of_size(x, values), np.linspace(x[0], x[-1], 41)
    means = forms.fit(form, x, values[None], at)[0]
    fit = {"strategy": _name(form), "base_parameters": np.round(2**at).astype(int), "mean": means}
    alike = {column: rows[column].iloc[0] for column in ("dataset", "budget", "n", "seeds")}
    return pd.DataFrame({**alike, **fit, "low": np.nan, "high": np.nan})[rows.columns]
