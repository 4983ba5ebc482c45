"""Figure 11: whether the scores of reward models are probabilities, and what best-of-n makes of it.

Lines are the reward models of the ladder of sizes (at most four of them, from the smallest to the
largest); bands are intervals over problems and training seeds. Above, how often a step is right by
its score, in ranges of equally many steps (deciles, so that no point rests on few): on the dotted
diagonal a score is a probability, below it the model is over-confident. In the middle, the mean
score less the share of right steps by the quarter of the solution in which a step lies; above the
dotted line scores are too high. Both are of the first policy's test solutions whose truth is known
(or else of validation solutions with rollouts, whose share of right rollouts stands for it). Below,
the accuracy of best-of-n and the mean score of the solutions that it chooses (thin lines, open
markers) against n: where the score rises and accuracy does not, the choice exploits errors of the
reward model. A sum of scores is not a share, and is left out there. The study's own figure; the
paper has none.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prmscale.analysis import calibration
from prmscale.analysis.calibration import QUARTERS, TRUTH
from prmscale.analysis.estimates import curve
from prmscale.analysis.models import find_ladder, look_up
from prmscale.analysis.rows import keep_best_of_n, keep_final, keep_first_policy
from prmscale.analysis.verdicts import Rules
from prmscale.errors import UserError
from prmscale.figures import panels, style
from prmscale.results import Results

MOST = 4  # reward models
RELIABILITY, POSITION, ACCURACY, SCORE = "reliability", "position", "accuracy", "chosen score"
ROWS = {  # the labels of each row's axes
    RELIABILITY: ("score of the step (%)", "steps that are right (%)"),
    POSITION: ("quarter of the solution", "score − right steps (points)"),
    ACCURACY: ("n of best-of-n", "accuracy, score (%)"),
}
CHOSEN: dict[str, Any] = {
    "linewidth": 0.7,
    "marker": "o",
    "markersize": 3.8,
    "markerfacecolor": "white",
}
DIAGONAL: dict[str, Any] = {
    "color": style.GREY,
    "linewidth": 0.8,
    "linestyle": (0, (1, 1.2)),
    "zorder": 1,
}


def draw(results: Results, rules: Rules) -> tuple[Figure, pd.DataFrame]:
    """The figure and its table: what each kind of panel shows, by the column `part`."""
    names = choose_models(results.reward_models)
    compared = _compare(results, names)
    if compared.empty:
        raise UserError(
            "fig11: no step whose truth, or share of right rollouts, is known. Name a generated "
            "data set in the first of search.evaluations, or give search.first_errors.process_bench"
        )
    reliability = calibration.reliability(compared, rules.level)
    positions = calibration.by_quarter(compared, rules.level)
    parts = [
        reliability.rename(columns={"score": "x"}).assign(part=RELIABILITY),
        positions.assign(x=positions["position"].map(QUARTERS.index) + 1, part=POSITION),
        *_follow_budgets(results, names, rules),
    ]
    data = pd.concat(parts, ignore_index=True)
    data["base_parameters"] = data["reward_model"].map(
        look_up(results.reward_models, "base_parameters")
    )
    columns = ["dataset", "reward_model", "base_parameters", "part", "x", "mean", "low", "high"]
    data = data[[*columns, "n", "seeds"]]
    with style.apply():
        return _draw_panels(data, names, rules.aggregation), data


def choose_models(reward_models: pd.DataFrame) -> list[str]:
    """At most MOST reward models of the ladder, evenly spread from the smallest to the largest."""
    names = list(dict.fromkeys(find_ladder(reward_models)["reward_model"]))
    places = np.linspace(0, len(names) - 1, min(MOST, len(names)))
    return [names[round(place)] for place in places]


def _compare(results: Results, names: list[str]) -> pd.DataFrame:
    """The scores of steps beside the truth, or, where no truth is known, beside rollouts."""
    steps = calibration.keep_policy(results.reliability, keep_first_policy(results.search))
    compared = calibration.compare(steps[steps["reward_model"].isin(names)])
    truth = compared[compared["against"] == TRUTH]
    return truth if len(truth) else compared


def _follow_budgets(results: Results, names: list[str], rules: Rules) -> list[pd.DataFrame]:
    """Accuracy of best-of-n, and the score of what it chooses; `x` is the budget."""
    rows = keep_final(keep_first_policy(results.search))
    rows = keep_best_of_n(rows, names, rules.aggregation)
    by = ["reward_model", "dataset", "budget"]
    found = [curve(rows, by, level=rules.level).assign(part=ACCURACY)]
    scored = rows[rows["score"].notna()]
    if len(scored) and rules.aggregation != "sum":
        found.append(curve(scored, by, "score", level=rules.level).assign(part=SCORE))
    return [table.rename(columns={"budget": "x"}) for table in found]


def _draw_panels(data: pd.DataFrame, names: list[str], aggregation: str) -> Figure:
    """A column of panels for each data set; a data set that is not searched lacks the last."""
    sizes = data.groupby("dataset")["n"].max()
    columns = min(panels.COLUMNS, len(sizes))
    bands = -(-len(sizes) // columns)
    width = style.full_width() if columns > 1 else style.column_width()
    figure = Figure(figsize=(width, 6.3 * bands + 0.7), layout="constrained")
    every = figure.subplots(len(ROWS) * bands, columns, squeeze=False)
    for spare in every[-len(ROWS) :, len(sizes) - (bands - 1) * columns :].flat:
        spare.remove()
    axes: dict[str, Axes] = {}
    for number, (dataset, n) in enumerate(sizes.items()):
        band, column = divmod(number, columns)
        every[band * len(ROWS), column].set_title(f"{dataset} ({n} problems)")
        for row, (part, labels) in enumerate(ROWS.items(), start=band * len(ROWS)):
            axis = every[row, column]
            kinds = (ACCURACY, SCORE) if part == ACCURACY else (part,)
            rows = data[(data["dataset"] == dataset) & data["part"].isin(kinds)]
            if rows.empty:
                axis.remove()
                continue
            axes[f"{dataset} {part}"] = axis
            axis.set_xlabel(labels[0])
            axis.set_ylabel(labels[1] if column == 0 else "")
            _draw_panel(axis, rows, names, f"score of the chosen solution ({aggregation})")
    panels.finish(figure, axes, columns=3 if columns > 1 else 1)
    return figure


def _draw_panel(axis: Axes, rows: pd.DataFrame, names: list[str], chosen: str) -> None:
    """One panel: a line for each reward model, and what it is compared with."""
    panels.percent(axis.yaxis)
    part = rows["part"].iloc[0]
    if part == RELIABILITY:
        panels.percent(axis.xaxis)
        axis.plot([0, 1], [0, 1], label="a score is a probability", **DIAGONAL)
        axis.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    elif part == POSITION:
        axis.axhline(0.0, **DIAGONAL)
        axis.set_xticks(range(1, len(QUARTERS) + 1), ["1st", "2nd", "3rd", "last"])
    else:
        panels.powers_axis(axis, rows["x"])
        if SCORE in set(rows["part"]):
            axis.plot([], [], label=chosen, color=style.GREY, **CHOSEN)
    for place, name in enumerate(names):
        look, of_model = style.look(place), rows[rows["reward_model"] == name]
        if of_model.empty:
            continue
        size = panels.count(float(of_model["base_parameters"].iloc[0]))
        label, points = f"PRM of {size} ({name})", of_model[of_model["part"] == part]
        panels.line(axis, points, "x", look, label, band=0.1)
        scores = of_model[of_model["part"] == SCORE].sort_values("x")
        if len(scores):
            options = {"color": look.colour, **CHOSEN, "marker": look.marker}
            axis.plot(scores["x"], scores["mean"], zorder=2, **options)
