"""Granularity: steps of a solution → how well reward models choose and rank, by the rule of steps.

The same solutions, split into steps by several rules; each reward model was trained on steps by one
rule, whose rollouts started after these steps, and judges solutions that are split alike. Above,
the accuracy of best-of-n at the largest n, with intervals over problems and training seeds; below,
the AUC of a solution's lowest step score among the solutions of a validation problem, from the
lowest to the highest training. The reward models of a line differ in the rule alone. After arXiv
2601.22249, which takes the functions of a program as steps. The study's own figure.
"""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prmscale.analysis.estimates import curve
from prmscale.analysis.granularity import compare_rules
from prmscale.analysis.rows import keep_controls, keep_final, keep_first_policy
from prmscale.analysis.verdicts import Rules
from prmscale.errors import UserError
from prmscale.figures import panels, style
from prmscale.results import Results

ROWS = {"accuracy": "accuracy of best-of-{} (%)", "within_auc": "AUC within problems (%)"}
CHECKS = ["one_sample", "majority", "oracle"]


def draw(results: Results, rules: Rules) -> tuple[Figure, pd.DataFrame]:
    """The figure and its table: a row for each data set, measure, rule and kind of reward model."""
    if results.granularity.empty:
        raise UserError(
            "granularity: no reward models of two rules for the same solutions. Split the "
            "solutions of a data set again (datasets: solutions_of), and train on both"
        )
    found = compare_rules(results.granularity, results.search, results.reward_models, rules)
    budget = int(found["budget"].iloc[0])
    rows = keep_final(keep_first_policy(results.search))
    rows = keep_controls(rows[rows["dataset"].isin(found["dataset"])], CHECKS, [budget])
    checks = curve(rows, ["dataset", "strategy", "budget"], level=rules.level)
    with style.apply():
        figure = _draw_panels(found, checks, budget)
    data = pd.concat([found.assign(strategy="best_of_n"), checks.assign(measure="accuracy")])
    columns = ["dataset", "measure", "strategy", "rule", "steps", "kind", "budget"]
    return figure, data[[*columns, "mean", "low", "high", "n", "seeds"]]


def _draw_panels(found: pd.DataFrame, checks: pd.DataFrame, budget: int) -> Figure:
    """A column for each data set, with the accuracy above the AUC."""
    sizes = found.groupby("dataset")["n"].max()
    width = style.full_width() if len(sizes) > 1 else style.column_width()
    figure = Figure(figsize=(width, 5.2), layout="constrained")
    every = figure.subplots(len(ROWS), len(sizes), squeeze=False)
    kinds = list(dict.fromkeys(found["kind"]))
    axes = {}
    for column, (dataset, size) in enumerate(sizes.items()):
        for row, (measure, label) in enumerate(ROWS.items()):
            axis = axes[f"{dataset} {measure}"] = every[row, column]
            panels.percent(axis.yaxis)
            if column == 0:
                axis.set_ylabel(label.format(budget))
            shown = found[(found["dataset"] == dataset) & (found["measure"] == measure)]
            for kind, points in shown.groupby("kind"):
                _draw_line(axis, points.sort_values("steps"), str(kind), kinds)
        every[0, column].set_title(f"{dataset} ({size:.0f} problems)")
        every[-1, column].set_xlabel("steps of a solution (mean)")
    above = {str(dataset): axes[f"{dataset} accuracy"] for dataset in sizes.index}
    panels.level_controls(above, checks, budget)
    panels.finish(figure, axes, columns=2)
    return figure


def _draw_line(axis: Axes, points: pd.DataFrame, kind: str, kinds: list[str]) -> None:
    """The measure over the steps of a solution, each point with its rule."""
    look = style.look(kinds.index(kind))
    axis.vlines(points["steps"], points["low"], points["high"], color=look.colour, linewidth=1.0)
    axis.plot(points["steps"], points["mean"], label=f"PRM {kind}", zorder=3, **look.options)
    if kind == kinds[0]:
        for _, point in points.iterrows():
            at = (point["steps"], point["mean"])
            axis.annotate(
                point["rule"],
                at,
                (3, 3),
                textcoords="offset points",
                va="bottom",
                size=style.points(6),
            )
