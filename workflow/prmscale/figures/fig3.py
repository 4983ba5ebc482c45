"""Figure 3: n of best-of-n → accuracy, one line for each training set of the reward model; below,
its diversity.

The paper's figure compares PRM800K, Math-Shepherd and ASLAF with majority voting on two math sets:
ASLAF is best (Observation 2), and accuracy rises with n. It prints no exact points, so nothing of
it is drawn here. Ours compares reward models of one base that differ in training set and labels
alone, with majority, likelihood and the oracle. The lower rows, of a study that varies it, show
accuracy at the largest n against how many wordings, problems or policies a training set of fixed
size is of.
"""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from prmscale.analysis.diversity import AXES
from prmscale.analysis.estimates import curve
from prmscale.analysis.models import find_diversity_series, find_training_sets, look_up, name_kinds
from prmscale.analysis.rows import keep_best_of_n, keep_controls, keep_final, keep_first_policy
from prmscale.errors import UserError
from prmscale.figures import panels, style

BY = ["dataset", "strategy", "kind", "budget", "varied", "amount"]
CHECKS = ["majority", "likelihood", "oracle"]
VARIED = {
    "wordings": "wordings in the training set",
    "problems": "problems in the training set",
    "policies": "policies that wrote the training set",
}


def draw(
    search: pd.DataFrame,
    reward_models: pd.DataFrame,
    reported: pd.DataFrame | None,
    level: float,
    aggregation: str,
) -> tuple[Figure, pd.DataFrame]:
    """The figure and what it draws; reward models that differ in seed alone are averaged."""
    rows = keep_final(keep_first_policy(search))
    models = find_training_sets(reward_models)
    if models.empty:
        raise UserError("fig3: no trained reward model; at least one training set is wanted")
    scored = keep_best_of_n(rows, models["reward_model"], aggregation)
    kinds, sizes = name_kinds(models), look_up(models, "solutions")
    title = (
        f"training sets of {sizes.iloc[0]:,.0f} solutions unless it says otherwise"
        if sizes.nunique() == 1
        else None
    )
    if title is None:
        kinds += sizes.map(", {:,.0f} solutions".format)
    checks = keep_controls(rows, CHECKS)
    top = panels.largest_budget(scored, "fig3")
    drawn = [scored.assign(kind=scored["reward_model"].map(kinds)), checks.assign(kind="")]
    drawn = [part.assign(varied="", amount=0.0) for part in drawn] + _varied(
        rows, reward_models, aggregation, top
    )
    data = curve(pd.concat(drawn), BY, level=level)

    with style.applied():
        varied = [axis for axis in AXES if axis in set(data["varied"])]
        labels = {"": "n of best-of-n (samples)"} | {str(axis): VARIED[axis] for axis in varied}
        figure, axes = panels.stacked(data, labels, "accuracy (%)")
        for (dataset, strategy), points in data[data["strategy"].isin(CHECKS)].groupby(
            ["dataset", "strategy"]
        ):
            name, look = style.CONTROLS[str(strategy)]
            panels.line(axes[str(dataset), ""], points, "budget", look, name)
            for axis in varied if strategy == "majority" else ():
                panels.level_line(
                    axes[str(dataset), axis], points[points["budget"] == top], look, name
                )
        order = list(dict.fromkeys([*kinds, *data.loc[data["varied"] != "", "kind"]]))
        scored = data[data["strategy"] == "best_of_n"]
        for (dataset, row, kind), points in scored.groupby(["dataset", "varied", "kind"]):
            x = "amount" if row else "budget"
            panels.line(
                axes[str(dataset), str(row)],
                points,
                x,
                style.look(order.index(kind)),
                f"PRM {kind}",
            )
        for (_, row), each in axes.items():
            shown = data[data["varied"] == row]
            panels.powers_axis(each, shown["amount"] if row else shown["budget"])
            if row:
                each.set_ylabel(each.get_ylabel() and f"accuracy of best-of-{top} (%)")
        panels.finish(
            figure, {" ".join(key): axis for key, axis in axes.items()}, columns=2, title=title
        )
    return figure, panels.tidy(data, str(rows["policy"].iloc[0]), ["kind", "varied", "amount"])


def _varied(
    rows: pd.DataFrame, reward_models: pd.DataFrame, aggregation: str, top: int
) -> list[pd.DataFrame]:
    """The rows at the largest n of reward models whose training sets differ in diversity alone, one
    table an axis.
    """
    found = []
    for axis in AXES:
        models = find_diversity_series(reward_models, axis)
        if models.empty:
            continue
        own = keep_best_of_n(rows, models["reward_model"], aggregation)
        own = own[own["budget"] == top]
        amount = own["reward_model"].map(look_up(models, axis))
        kind = f"trained on {models['solutions'].iloc[0]:,.0f} solutions"
        found.append(own.assign(kind=kind, varied=axis, amount=amount.astype(float)))
    return found
