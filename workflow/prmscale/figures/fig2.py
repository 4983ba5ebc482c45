"""Figure 2: training steps of the reward model → accuracy of best-of-n at the largest n.

The paper's figure shows accuracy on two math sets along the PRM's training: a plateau, a sudden
leap ("emergence"), a slow rise. Of its points only the ranges of the axes can be read (0.82–0.86
and 0.74–0.82); they belong to other policies and problems and are not drawn here. Ours has one line
for each reward model whose checkpoints were measured, and below the loss on validation problems:
what leaps on accuracy may be smooth there. Each panel says whether a jump between two checkpoints
fits better than smooth growth (`analysis.emergence`).
"""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from prmscale.analysis import emergence
from prmscale.analysis.estimates import curve
from prmscale.analysis.models import find_with_checkpoints, keep_trained, name_kinds
from prmscale.analysis.rows import keep_best_of_n, keep_controls, keep_first_policy
from prmscale.errors import UserError
from prmscale.figures import panels, style

BY = ["dataset", "strategy", "kind", "training_step", "budget"]


def draw(
    search: pd.DataFrame,
    reward_models: pd.DataFrame,
    reported: pd.DataFrame | None,
    level: float,
    aggregation: str,
    training: pd.DataFrame,
) -> tuple[Figure, pd.DataFrame]:
    """The figure and what it draws; reward models that differ in seed alone are averaged."""
    rows = keep_first_policy(search)
    models = find_with_checkpoints(rows, keep_trained(reward_models))
    if models.empty:
        raise UserError(
            "fig2: a reward model measured at two training steps or more is wanted "
            "(rewards.models[].training.checkpoints in the configuration); every one in the search "
            "table has one step only"
        )
    scored = keep_best_of_n(rows, models["reward_model"], aggregation)
    top = panels.largest_budget(scored, "fig2")
    scored = scored[scored["budget"] == top]
    checks = keep_controls(rows, ["one_sample", "majority", "likelihood"], [top])
    kinds = name_kinds(models)
    drawn = [scored.assign(kind=scored["reward_model"].map(kinds)), checks.assign(kind="")]
    data = curve(pd.concat(drawn), BY, level=level)
    data = pd.concat([data, _losses(training, kinds)], ignore_index=True).assign(change_point="")
    for name, kind in kinds.drop_duplicates().items():
        for measure, _, steps, values in emergence.measures(rows, training, str(name), aggregation):
            found = emergence.emergence(values, steps, level)
            text = f"jump at {found.before}–{found.after} steps: {found.verdict}"
            data.loc[(data["kind"] == kind) & (data["dataset"] == measure), "change_point"] = text

    with style.applied():
        figure, axes = panels.grid(
            data, "training steps of the reward model", f"accuracy of best-of-{top} (%)"
        )
        panels.level_controls(axes, data, top)
        if emergence.LOSS in axes:
            axes[emergence.LOSS].set_ylabel("cross-entropy (nats a step)")
            axes[emergence.LOSS].yaxis.set_major_formatter(ScalarFormatter())
        order = list(dict.fromkeys(kinds))
        for (dataset, kind), points in data[data["kind"] != ""].groupby(["dataset", "kind"]):
            axis, place = axes[str(dataset)], order.index(kind)
            panels.line(axis, points, "training_step", style.look(place), f"PRM {kind}")
            said = points["change_point"].iloc[0]
            text = said if len(order) == 1 or not said else f"{kind}: {said}"
            falls = dataset == emergence.LOSS
            axis.text(
                0.98 if falls else 0.02, 0.97 - 0.07 * place, text, transform=axis.transAxes, va="top",
                ha="right" if falls else "left", fontsize=style.RC["legend.fontsize"],
            )  # fmt: skip
        panels.finish(figure, axes)
    return figure, panels.tidy(
        data, str(rows["policy"].iloc[0]), ["kind", "training_step", "budget", "change_point"]
    )


def _losses(training: pd.DataFrame, kinds: pd.Series) -> pd.DataFrame:
    """The loss along training as rows of the figure: the mean over training seeds, from the lowest
    to the highest.
    """
    own = training[training["reward_model"].isin(kinds.index)]
    own = own.assign(kind=own["reward_model"].map(kinds), loss=own["loss"].astype(float))
    means = own.groupby(["kind", "training_step"], as_index=False).agg(
        mean=("loss", "mean"),
        low=("loss", "min"),
        high=("loss", "max"),
        n=("problems", "max"),
        seeds=("loss", "count"),
    )
    return means.assign(dataset=emergence.LOSS, strategy="validation", budget=0)
