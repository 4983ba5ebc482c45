"""Figure 7: how pre-training of the base and training of the reward model share a compute budget.

The study's own figure. Above: pre-training tokens of the base → accuracy of best-of-n at the
largest n, one line a size, with the reward model fully trained (the axis shows tokens, which a line
has in common with the others where FLOPs also differ by size; the CSV holds both). Below, where
enough was measured: accuracy over the FLOPs of both trainings, as points and as the fitted law,
with the best split of some totals (`budget_plane`).
"""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prmscale.analysis import tradeoff
from prmscale.analysis.estimates import curve
from prmscale.analysis.models import find_pretrainings, look_up
from prmscale.analysis.rows import keep_best_of_n, keep_controls, keep_final, keep_first_policy
from prmscale.analysis.tradeoff import Points
from prmscale.analysis.verdicts import Rules
from prmscale.errors import UserError
from prmscale.figures import budget_plane, panels, style

BY = ["dataset", "strategy", "base_parameters", "base_tokens", "base_flops", "budget"]
LINES = "accuracy along pre-training"  # a part of what is drawn, beside those of the plane


def draw(
    search: pd.DataFrame,
    reward_models: pd.DataFrame,
    reported: pd.DataFrame | None,
    level: float,
    seed: int,
    aggregation: str,
) -> tuple[Figure, pd.DataFrame]:
    """The figure and what it draws, by the column `part`; sizes with one pre-training budget are
    single points.
    """
    own = keep_first_policy(search)
    models = find_pretrainings(reward_models)
    if models.groupby("base_parameters")["base_tokens"].nunique().max() < 2 or models.empty:
        raise UserError(
            "fig7: reward models whose bases are one language model at two checkpoints of its "
            "pre-training or more (base: NAME@PERCENT), alike in all else, are wanted; there are "
            f"{', '.join(dict.fromkeys(models['reward_model'])) or 'none'}"
        )
    rules = Rules(0.0, aggregation, level=level)
    data, top = _along_pretraining(own, models, rules)
    planes = [each for each in tradeoff.points(own, reward_models, aggregation) if each.enough]

    with style.applied():
        figure, above, below = _panels(data, top, planes)
        panels.level_controls(above, data, top)
        lines = data[data["strategy"] == "best_of_n"]
        sizes = sorted(lines["base_parameters"].unique())
        for (dataset, size), points in lines.groupby(["dataset", "base_parameters"]):
            label = f"PRM of {panels.count(float(str(size)))} parameters"
            panels.line(
                above[str(dataset)], points, "base_tokens", style.look(sizes.index(size)), label
            )
        for axis in above.values():
            panels.powers_axis(axis, lines["base_tokens"], "count")
        surfaces = []
        if planes:
            shade = budget_plane.colours(planes)
            surfaces = [
                budget_plane.draw_plane(below[each.dataset], each, shade, rules) for each in planes
            ]
            bar = figure.colorbar(shade, ax=list(below.values()), label="accuracy (%)", pad=0.01)
            panels.percent(bar.ax.yaxis)
        every = {**above, **{f"{name}, plane": axis for name, axis in below.items()}}
        panels.finish(figure, every, 3 if len(above) > 1 else 1)
    tidy = panels.tidy(
        data, str(own["policy"].iloc[0]), ["base_parameters", "base_tokens", "base_flops"]
    )
    drawn = pd.concat([tidy.assign(part=LINES), *surfaces], ignore_index=True)
    return figure, drawn.assign(policy=tidy["policy"].iloc[0])


def _along_pretraining(
    own: pd.DataFrame, models: pd.DataFrame, rules: Rules
) -> tuple[pd.DataFrame, int]:
    """Accuracies of fully trained reward models and of controls at the largest budget, and that
    budget.
    """
    rows = keep_final(own)
    scored = keep_best_of_n(rows, models["reward_model"], rules.aggregation)
    top = panels.largest_budget(scored, "fig7")
    scored = scored[scored["budget"] == top]
    facts = {column: scored["reward_model"].map(look_up(models, column)) for column in BY[2:5]}
    checks = keep_controls(rows, ["one_sample", "majority", "likelihood"], [top])
    both = pd.concat([scored.assign(**facts), checks.assign(**dict.fromkeys(facts, 0.0))])
    return curve(both, BY, level=rules.level), top


def _panels(
    data: pd.DataFrame, top: int, planes: list[Points]
) -> tuple[Figure, dict[str, Axes], dict[str, Axes]]:
    """A panel of lines for each data set, two side by side, and below it that of the plane where
    there is one.
    """
    sizes = {str(name): int(n.max()) for name, n in data.groupby("dataset")["n"]}
    columns = min(panels.COLUMNS, len(sizes))
    bands = -(-len(sizes) // columns)
    kinds = 2 if planes else 1
    width = style.FULL_WIDTH if columns > 1 else style.COLUMN_WIDTH
    figure = Figure(figsize=(width, bands * (2.3 + 2.9 * (kinds - 1)) + 1.0), layout="constrained")
    every = figure.subplots(
        kinds * bands, columns, squeeze=False, height_ratios=[2.3, 2.9][:kinds] * bands
    )
    above, below = {}, {}
    for number in range(bands * columns):
        band, column = divmod(number, columns)
        cells = every[kinds * band : kinds * (band + 1), column]
        name = list(sizes)[number] if number < len(sizes) else ""
        if name:
            above[name] = cells[0]
            cells[0].set_title(f"{name} ({sizes[name]} problems)")
            cells[0].set_xlabel("pre-training tokens of the base")
            panels.percent(cells[0].yaxis)
        if name in {each.dataset for each in planes}:
            below[name] = cells[1]
            cells[1].set_xlabel("pre-training of the base (FLOPs)")
        for cell in cells[bool(name) + (name in below) :]:
            cell.remove()
        if column == 0:
            cells[0].set_ylabel(f"accuracy of best-of-{top} (%)")
            if name in below:
                cells[1].set_ylabel("training of the PRM (FLOPs)")
    return figure, above, below
