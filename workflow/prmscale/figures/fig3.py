"""Figure 3: n of best-of-n → accuracy, one line for each training set of the reward model.

The paper's figure compares PRM800K, Math-Shepherd and ASLAF with majority voting on two math sets: ASLAF is best
(Observation 2), and accuracy rises with n. It prints no exact points, so nothing of it is drawn here. Ours compares
reward models of one base that differ in training set and labels alone, with majority, likelihood and the oracle.
"""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from prmscale.analysis import selection
from prmscale.analysis.bootstrap import curve
from prmscale.errors import UserError
from prmscale.figures import panels, style

BY = ["dataset", "strategy", "kind", "budget"]
CHECKS = ["majority", "likelihood", "oracle"]


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
    rows = selection.final(selection.first_policy(search))
    models = selection.training_sets(reward_models)
    if models.empty:
        raise UserError("fig3: no trained reward model; at least one training set is wanted")
    scored = selection.best_of_n(rows, models["reward_model"], aggregation)
    kinds = selection.kinds(models)
    checks = selection.controls(rows, CHECKS)
    drawn = [scored.assign(kind=scored["reward_model"].map(kinds)), checks.assign(kind="")]
    data = curve(pd.concat(drawn), BY, level=level, draws=draws, seed=seed)

    with style.applied():
        figure, axes = panels.grid(data, "n of best-of-n (samples)", "accuracy (%)")
        for (dataset, strategy), points in data[data["strategy"].isin(CHECKS)].groupby(["dataset", "strategy"]):
            name, look = style.CONTROLS[str(strategy)]
            panels.line(axes[str(dataset)], points, "budget", look, name)
        order = list(dict.fromkeys(kinds))
        for (dataset, kind), points in data[data["strategy"] == "best_of_n"].groupby(["dataset", "kind"]):
            panels.line(axes[str(dataset)], points, "budget", style.look(order.index(kind)), f"PRM {kind}")
        for axis in axes.values():
            panels.powers_axis(axis, data["budget"])
        panels.finish(figure, axes)
    return figure, panels.tidy(data, str(rows["policy"].iloc[0]), ["kind"])
