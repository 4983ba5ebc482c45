"""Figure 7: pre-training tokens of the base → accuracy of best-of-n at the largest n, one line a size.

The first part of the study's own figure on how pre-training and reward-model training share a compute budget: the
training of the reward model is held fixed here. The axis shows tokens, which a line has in common with the others
where FLOPs also differ by size (FLOPs are about 6 x parameters x tokens; the CSV holds both).
"""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from prmscale.analysis import selection
from prmscale.analysis.bootstrap import curve
from prmscale.errors import UserError
from prmscale.figures import panels, style

BY = ["dataset", "strategy", "base_parameters", "base_tokens", "base_flops", "budget"]


def draw(
    search: pd.DataFrame,
    reward_models: pd.DataFrame,
    reported: pd.DataFrame | None,
    level: float,
    draws: int,
    seed: int,
    aggregation: str,
) -> tuple[Figure, pd.DataFrame]:
    """The figure and what it draws; sizes with one pre-training budget are single points."""
    rows = selection.final(selection.first_policy(search))
    models = selection.budgets(reward_models)
    if models.groupby("base_parameters")["base_tokens"].nunique().max() < 2 or models.empty:
        raise UserError(
            "fig7: reward models whose bases are one language model at two checkpoints of its pre-training or more "
            "(base: NAME@PERCENT), alike in all else, are wanted; there are "
            f"{', '.join(dict.fromkeys(models['reward_model'])) or 'none'}"
        )
    scored = selection.best_of_n(rows, models["reward_model"], aggregation)
    top = panels.largest_budget(scored, "fig7")
    scored = scored[scored["budget"] == top]
    facts = {column: scored["reward_model"].map(selection.fact(models, column)) for column in BY[2:5]}
    checks = selection.controls(rows, ["one_sample", "majority", "likelihood"], [top])
    data = curve(
        pd.concat([scored.assign(**facts), checks.assign(**dict.fromkeys(facts, 0.0))]),
        BY, level=level, draws=draws, seed=seed,
    )  # fmt: skip

    with style.applied():
        figure, axes = panels.grid(data, "pre-training tokens of the base", f"accuracy of best-of-{top} (%)")
        panels.level_controls(axes, data, top)
        lines = data[data["strategy"] == "best_of_n"]
        sizes = sorted(lines["base_parameters"].unique())
        for (dataset, size), points in lines.groupby(["dataset", "base_parameters"]):
            label = f"PRM of {panels.count(float(str(size)))} parameters"
            panels.line(axes[str(dataset)], points, "base_tokens", style.look(sizes.index(size)), label)
        for axis in axes.values():
            panels.powers_axis(axis, lines["base_tokens"], "count")
        panels.finish(figure, axes)
    return figure, panels.tidy(data, str(rows["policy"].iloc[0]), ["base_parameters", "base_tokens", "base_flops"])
