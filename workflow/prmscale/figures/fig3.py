"""Figure 3: n of best-of-n → accuracy, one line for each training set of the reward model.

The reward models share a base and differ in training set and labels alone; the sets have one size,
or the legend names it. The outcome reward model (ORM) that differs from one of them in supervision
alone, where there is one, learnt from the outcome at the last step and chooses by the score of that
step. Beside them stand majority vote, likelihood (the policy's own, summed over tokens) and the
oracle (pass@n). Intervals are over problems and training seeds. Lower rows, of a study that varies
the diversity of training sets: accuracy at the largest n against the number of wordings with a
popular misreading, of problems or of policies, in training sets of one size (in the legend), beside
majority vote. The paper compares PRM800K, Math-Shepherd and ASLAF, and finds ASLAF best
(Observation 2); it prints no exact points, so none are overlaid.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from prmscale.analysis.diversity import AXES
from prmscale.analysis.estimates import curve
from prmscale.analysis.models import (
    OUTCOMES,
    find_diversity_series,
    find_outcome_pairs,
    find_training_sets,
    look_up,
    name_kinds,
)
from prmscale.analysis.rows import (
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

BY = ["dataset", "strategy", "kind", "budget", "varied", "amount"]
CHECKS = ["majority", "likelihood", "oracle"]
VARIED = {
    "wordings": "wordings in the training set",
    "problems": "problems in the training set",
    "policies": "policies that wrote the training set",
}


def draw(results: Results, rules: Rules) -> tuple[Figure, pd.DataFrame]:
    """The figure and its table; reward models that differ in seed alone are averaged."""
    rows = keep_final(keep_first_policy(results.search))
    models = find_training_sets(results.reward_models)
    if models.empty:
        raise UserError("fig3: no trained reward model; needs at least one training set")
    scored = keep_best_of_n(rows, models["reward_model"], rules.aggregation)
    pairs = find_outcome_pairs(results.reward_models)
    pairs = pairs[pairs["process"].isin(models["reward_model"])]
    of_outcome = results.reward_models["reward_model"].isin(pairs["outcome"])
    compared = pd.concat([models, results.reward_models[of_outcome]])
    kinds, sizes = name_kinds(compared), look_up(compared, "solutions")
    title = None
    if sizes.nunique() == 1:
        title = f"training sets of {sizes.iloc[0]:,.0f} solutions unless it says otherwise"
    else:
        kinds += sizes.map(", {:,.0f} solutions".format)
    top = panels.largest_budget(scored, "fig3")
    scored = pd.concat([scored, rows[is_by_outcome(rows, pairs["outcome"])]])
    parts = [
        scored.assign(kind=scored["reward_model"].map(kinds), varied="", amount=0.0),
        keep_controls(rows, CHECKS).assign(kind="", varied="", amount=0.0),
        *_vary(rows, results.reward_models, rules.aggregation, top),
    ]
    data = curve(pd.concat(parts), BY, level=rules.level)
    names = [*kinds.drop(pairs["outcome"]), *data.loc[data["varied"] != "", "kind"]]
    looks = {str(kind): style.look(place) for place, kind in enumerate(dict.fromkeys(names))}
    for pair in pairs.itertuples():
        looks[kinds[pair.outcome]] = style.mark_outcome(looks[kinds[pair.process]])
    with style.apply():
        figure = _draw_panels(data, looks, top, title)
    return figure, panels.tidy(data, str(rows["policy"].iloc[0]), ["kind", "varied", "amount"])


def _vary(
    rows: pd.DataFrame, reward_models: pd.DataFrame, aggregation: str, top: int
) -> list[pd.DataFrame]:
    """For each axis of diversity, the rows at the largest n of the reward models that vary it."""
    tables = []
    for axis in AXES:
        models = find_diversity_series(reward_models, axis)
        if models.empty:
            continue
        scored = keep_best_of_n(rows, models["reward_model"], aggregation)
        scored = scored[scored["budget"] == top]
        amount = scored["reward_model"].map(look_up(models, axis)).astype(float)
        kind = f"trained on {models['solutions'].iloc[0]:,.0f} solutions"
        tables.append(scored.assign(kind=kind, varied=axis, amount=amount))
    return tables


def _name_model(kind: str) -> str:
    return "ORM" if OUTCOMES in kind else "PRM"


def _draw_panels(
    data: pd.DataFrame, looks: Mapping[str, style.Look], top: int, title: str | None
) -> Figure:
    """For each data set a panel over n, and below it a panel for each axis of diversity."""
    varied = [str(axis) for axis in AXES if axis in set(data["varied"])]
    labels = {"": "n of best-of-n (samples)"} | {axis: VARIED[axis] for axis in varied}
    figure, axes = panels.stack(data, labels, "accuracy (%)")
    checks = data[data["strategy"].isin(CHECKS)]
    for (dataset, strategy), points in checks.groupby(["dataset", "strategy"]):
        name, look = style.CONTROLS[str(strategy)]
        panels.line(axes[str(dataset), ""], points, "budget", look, name)
        if strategy == "majority":
            at_top = points[points["budget"] == top]
            for axis in varied:
                panels.level_line(axes[str(dataset), axis], at_top, look, name)
    scored = data[data["strategy"] == "best_of_n"]
    for (dataset, row, kind), points in scored.groupby(["dataset", "varied", "kind"]):
        x, label = "amount" if row else "budget", f"{_name_model(str(kind))} {kind}"
        panels.line(axes[str(dataset), str(row)], points, x, looks[str(kind)], label)
    for (_, row), panel in axes.items():
        shown = data[data["varied"] == row]
        panels.powers_axis(panel, shown["amount"] if row else shown["budget"])
        if row and panel.get_ylabel():
            panel.set_ylabel(f"accuracy of best-of-{top} (%)")
    named = {" ".join(key): panel for key, panel in axes.items()}
    panels.finish(figure, named, columns=2, title=title)
    return figure
