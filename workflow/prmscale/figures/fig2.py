"""Figure 2: training steps of the reward model → accuracy of best-of-n at the largest n.

The paper's figure shows accuracy on two math sets along the PRM's training: a plateau, a sudden leap ("emergence"), a
slow rise. Of its points only the ranges of the axes can be read (0.82–0.86 and 0.74–0.82); they belong to other
policies and problems and are not drawn here. Ours has one line for each reward model whose checkpoints were measured.
"""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from prmscale.analysis import selection
from prmscale.analysis.bootstrap import curve
from prmscale.errors import UserError
from prmscale.figures import panels, style

BY = ["dataset", "strategy", "kind", "training_step", "budget"]


def draw(
    search: pd.DataFrame,
    reward_models: pd.DataFrame,
    reported: pd.DataFrame | None,
    level: float,
    draws: int,
    seed: int,
    aggregation: str,
) -> tuple[Figure, pd.DataFrame]:
    """The figure and what it draws; reward models that differ in seed alone are averaged."""
    rows = selection.first_policy(search)
    models = selection.with_checkpoints(rows, selection.trained(reward_models))
    if models.empty:
        raise UserError(
            "fig2: a reward model measured at two training steps or more is wanted "
            "(rewards.models[].training.checkpoints in the configuration); every one in the search table has one step "
            "only"
        )
    scored = selection.best_of_n(rows, models["reward_model"], aggregation)
    top = panels.largest_budget(scored, "fig2")
    scored = scored[scored["budget"] == top]
    checks = selection.controls(rows, ["one_sample", "majority", "likelihood"], [top])
    kinds = selection.kinds(models)
    drawn = [scored.assign(kind=scored["reward_model"].map(kinds)), checks.assign(kind="")]
    data = curve(pd.concat(drawn), BY, level=level, draws=draws, seed=seed)

    with style.applied():
        figure, axes = panels.grid(data, "training steps of the reward model", f"accuracy of best-of-{top} (%)")
        panels.level_controls(axes, data, top)
        order = list(dict.fromkeys(kinds))
        for (dataset, kind), points in data[data["strategy"] == "best_of_n"].groupby(["dataset", "kind"]):
            panels.line(axes[str(dataset)], points, "training_step", style.look(order.index(kind)), f"PRM {kind}")
        panels.finish(figure, axes)
    return figure, panels.tidy(data, str(rows["policy"].iloc[0]), ["kind", "training_step"])
