"""Figure 7: pre-training tokens of the base → accuracy of best-of-n at the largest n.

One line for each size of the reward model, fully trained, with intervals over problems and training
seeds; horizontal lines show what the same samples give without a reward model. Below, where reward
models were measured along their training: accuracy over the FLOPs of pre-training and of
reward-model training, as measured (dots) and by a scaling law that saturates in both, 1 − e −
b·P^−α − c·T^−β. The law is fitted to the dots and shown between them alone. Along the dashed lines
of equal total stands the split that is best by the law, with its interval over problems, seeds and
bases. Parameters, and errors on bases left out of the fit, are in tables/scaling_law.csv. The
study's own figure; the paper prints no such points.
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
from prmscale.results import Results

FACTS = ["base_parameters", "base_tokens", "base_flops"]
BY = ["dataset", "strategy", *FACTS, "budget"]
LINES = "accuracy along pre-training"  # `part` in the CSV, beside the parts of the plane


def draw(results: Results, rules: Rules) -> tuple[Figure, pd.DataFrame]:
    """The figure and its table, by the column `part`.

    A size with one pre-training budget is a single point. The axis shows tokens, since FLOPs also
    differ by size; the table has both.
    """
    search = keep_first_policy(results.search)
    models = find_pretrainings(results.reward_models)
    if models.groupby("base_parameters")["base_tokens"].nunique().max() < 2 or models.empty:
        raise UserError(
            "fig7: needs reward models, alike in all else, whose bases are one language model at "
            "two checkpoints of its pre-training or more (base: NAME@PERCENT); there are "
            f"{', '.join(dict.fromkeys(models['reward_model'])) or 'none'}"
        )
    data, top = _measure_lines(search, models, rules)
    planes = list(tradeoff.points(search, results.reward_models, rules.aggregation))
    planes = [plane for plane in planes if plane.enough]
    with style.apply():
        figure, above, below = _make_panels(data, top, planes)
        _draw_lines(above, data, top)
        surfaces = _draw_planes(figure, below, planes, rules)
        every = {**above, **{f"{name}, plane": axis for name, axis in below.items()}}
        panels.finish(figure, every, 3 if len(above) > 1 else 1)
    policy = str(search["policy"].iloc[0])
    lines = panels.tidy(data, policy, FACTS).assign(part=LINES)
    return figure, pd.concat([lines, *surfaces], ignore_index=True).assign(policy=policy)


def _measure_lines(
    search: pd.DataFrame, models: pd.DataFrame, rules: Rules
) -> tuple[pd.DataFrame, int]:
    """Accuracies of fully trained reward models and of controls at the largest n, and that n."""
    rows = keep_final(search)
    scored = keep_best_of_n(rows, models["reward_model"], rules.aggregation)
    top = panels.largest_budget(scored, "fig7")
    scored = scored[scored["budget"] == top]
    names = scored["reward_model"]
    scored = scored.assign(**{fact: names.map(look_up(models, fact)) for fact in FACTS})
    checks = keep_controls(rows, ["one_sample", "majority", "likelihood"], [top])
    checks = checks.assign(**dict.fromkeys(FACTS, 0.0))
    return curve(pd.concat([scored, checks]), BY, level=rules.level), top


def _draw_lines(axes: dict[str, Axes], data: pd.DataFrame, top: int) -> None:
    """A line for each size of the reward model, and the controls."""
    panels.level_controls(axes, data, top)
    lines = data[data["strategy"] == "best_of_n"]
    sizes = sorted(lines["base_parameters"].unique())
    for (dataset, size), points in lines.groupby(["dataset", "base_parameters"]):
        label = f"PRM of {panels.count(float(str(size)))} parameters"
        look = style.look(sizes.index(size))
        panels.line(axes[str(dataset)], points, "base_tokens", look, label)
    for axis in axes.values():
        panels.powers_axis(axis, lines["base_tokens"], "count")


def _draw_planes(
    figure: Figure, axes: dict[str, Axes], planes: list[Points], rules: Rules
) -> list[pd.DataFrame]:
    """The planes of both budgets in one scale of colours; returns the table of each."""
    if not planes:
        return []
    shade = budget_plane.colours(planes)
    tables = [budget_plane.draw_plane(axes[plane.dataset], plane, shade, rules) for plane in planes]
    bar = figure.colorbar(shade, ax=list(axes.values()), label="accuracy (%)", pad=0.01)
    panels.percent(bar.ax.yaxis)
    return tables


def _make_panels(
    data: pd.DataFrame, top: int, planes: list[Points]
) -> tuple[Figure, dict[str, Axes], dict[str, Axes]]:
    """A panel of lines for each data set, two side by side, and below it a panel of its plane."""
    sizes = {str(name): int(n.max()) for name, n in data.groupby("dataset")["n"]}
    with_plane = {plane.dataset for plane in planes}
    columns = min(panels.COLUMNS, len(sizes))
    bands = -(-len(sizes) // columns)
    heights = [2.3, 2.9] if planes else [2.3]
    width = style.full_width() if columns > 1 else style.column_width()
    figure = Figure(figsize=(width, bands * sum(heights) + 1.0), layout="constrained")
    every = figure.subplots(
        len(heights) * bands, columns, squeeze=False, height_ratios=heights * bands
    )
    above, below = {}, {}
    for number in range(bands * columns):
        band, column = divmod(number, columns)
        cells = list(every[len(heights) * band : len(heights) * (band + 1), column])
        name = list(sizes)[number] if number < len(sizes) else ""
        if name:
            axis = above[name] = cells.pop(0)
            axis.set_title(f"{name} ({sizes[name]} problems)")
            axis.set_xlabel("pre-training tokens of the base")
            axis.set_ylabel("" if column else f"accuracy of best-of-{top} (%)")
            panels.percent(axis.yaxis)
        if name in with_plane:
            axis = below[name] = cells.pop(0)
            axis.set_xlabel("pre-training of the base (FLOPs)")
            axis.set_ylabel("" if column else "training of the PRM (FLOPs)")
        for cell in cells:
            cell.remove()
    return figure, above, below
