"""Figure 2: training steps of the reward model → accuracy of best-of-n at the largest n.

Intervals are over problems and training seeds. Below, the loss on validation problems: the mean,
from the lowest to the highest training seed. Each panel says where a jump would be, and whether the
jump certainly fits better than smooth growth over log2 of the steps (supported), worse (not
supported), or neither. The paper's figure shows a plateau, a sudden leap and a slow rise; only the
ranges of its axes are known (0.82–0.86 and 0.74–0.82, for other policies and problems), so no
points are overlaid.
"""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from prmscale.analysis import emergence
from prmscale.analysis.estimates import curve
from prmscale.analysis.models import find_with_checkpoints, keep_trained, name_kinds
from prmscale.analysis.rows import keep_best_of_n, keep_controls, keep_first_policy
from prmscale.analysis.verdicts import Rules
from prmscale.errors import UserError
from prmscale.figures import panels, style
from prmscale.results import Results

BY = ["dataset", "strategy", "kind", "training_step", "budget"]


def draw(results: Results, rules: Rules) -> tuple[Figure, pd.DataFrame]:
    """The figure and its table; reward models that differ in seed alone are averaged."""
    rows = keep_first_policy(results.search)
    models = find_with_checkpoints(rows, keep_trained(results.reward_models))
    if models.empty:
        raise UserError(
            "fig2: needs a reward model measured at two training steps or more "
            "(rewards.models[].training.checkpoints); every reward model in the search table has "
            "one step only"
        )
    scored = keep_best_of_n(rows, models["reward_model"], rules.aggregation)
    top = panels.largest_budget(scored, "fig2")
    scored = scored[scored["budget"] == top]
    checks = keep_controls(rows, ["one_sample", "majority", "likelihood"], [top])
    kinds = name_kinds(models)
    scored, checks = scored.assign(kind=scored["reward_model"].map(kinds)), checks.assign(kind="")
    data = curve(pd.concat([scored, checks]), BY, level=rules.level)
    data = pd.concat([data, _losses(results.training, kinds)], ignore_index=True)
    data["change_point"] = ""
    for name, kind in kinds.drop_duplicates().items():
        measures = emergence.measures(rows, results.training, str(name), rules.aggregation)
        for measure, _, steps, values in measures:
            found = emergence.emergence(values, steps, rules.level)
            text = f"jump at {found.before}–{found.after} steps: {found.verdict}"
            data.loc[(data["kind"] == kind) & (data["dataset"] == measure), "change_point"] = text
    with style.apply():
        figure = _draw_panels(data, list(dict.fromkeys(kinds)), top)
    blanks = ["kind", "training_step", "budget", "change_point"]
    return figure, panels.tidy(data, str(rows["policy"].iloc[0]), blanks)


def _losses(training: pd.DataFrame, kinds: pd.Series) -> pd.DataFrame:
    """The loss along training as rows of the figure: mean, lowest and highest training seed."""
    rows = training[training["reward_model"].isin(kinds.index)]
    rows = rows.assign(kind=rows["reward_model"].map(kinds), loss=rows["loss"].astype(float))
    means = rows.groupby(["kind", "training_step"], as_index=False).agg(
        mean=("loss", "mean"),
        low=("loss", "min"),
        high=("loss", "max"),
        n=("problems", "max"),
        seeds=("loss", "count"),
    )
    return means.assign(dataset=emergence.LOSS, strategy="validation", budget=0)


def _draw_panels(data: pd.DataFrame, kinds: list[str], top: int) -> Figure:
    """A panel of accuracies for each data set and a panel of losses; a line for each kind."""
    figure, axes = panels.grid(
        data, "training steps of the reward model", f"accuracy of best-of-{top} (%)"
    )
    panels.level_controls(axes, data, top)
    if emergence.LOSS in axes:
        axes[emergence.LOSS].set_ylabel("cross-entropy (nats a step)")
        axes[emergence.LOSS].yaxis.set_major_formatter(ScalarFormatter())
    for (dataset, kind), points in data[data["kind"] != ""].groupby(["dataset", "kind"]):
        axis, place = axes[str(dataset)], kinds.index(str(kind))
        panels.line(axis, points, "training_step", style.look(place), f"PRM {kind}")
        verdict = points["change_point"].iloc[0]
        text = f"{kind}: {verdict}" if verdict and len(kinds) > 1 else verdict
        _write(axis, text, 0.97 - 0.07 * place, right=dataset == emergence.LOSS)
    panels.finish(figure, axes)
    return figure


def _write(axis: Axes, text: str, y: float, right: bool) -> None:
    """Text at the top left of a panel, or at the top right, where a falling line leaves room."""
    x, side = (0.98, "right") if right else (0.02, "left")
    size = style.points(7)
    axis.text(x, y, text, transform=axis.transAxes, va="top", ha=side, fontsize=size)
