"""Temperature: softmax temperature of the policy → accuracy at the largest n.

Best-of-n by the largest PRM, majority vote and what is possible (pass@n), each among n samples at
each temperature, and one sample. Hot samples differ more, so that there is more to choose from, and
each of them is right less often. Intervals are over problems and training seeds. The paper has no
such figure.
"""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from prmscale.analysis.estimates import curve
from prmscale.analysis.models import find_headline
from prmscale.analysis.rows import keep_best_of_n, keep_controls, keep_final
from prmscale.analysis.verdicts import Rules
from prmscale.errors import UserError
from prmscale.figures import panels, style
from prmscale.results import Results

BY = ["policy", "dataset", "temperature", "strategy", "budget"]
CONTROLS = ["one_sample", "majority", "oracle"]


def draw(results: Results, rules: Rules) -> tuple[Figure, pd.DataFrame]:
    """The figure and its table; a data set has a panel where two temperatures were measured."""
    rows = keep_final(results.search).merge(results.temperatures, on="policy")
    rows = rows[rows.groupby("dataset")["temperature"].transform("nunique") > 1]
    if rows.empty:
        raise UserError(
            "temperature: needs a policy that is evaluated at two temperatures "
            "(search.evaluations[].temperature) on one data set; leave it out of analysis.figures"
        )
    top = int(rows.groupby("policy")["budget"].max().min())
    best = find_headline(results.reward_models)["reward_model"]
    scored = keep_best_of_n(rows, best, rules.aggregation)
    shown = pd.concat([scored[scored["budget"] == top], keep_controls(rows, CONTROLS, [top])])
    data = curve(shown, BY, level=rules.level)
    with style.apply():
        figure = _draw_panels(data, top)
    return figure, data


def _draw_panels(data: pd.DataFrame, top: int) -> Figure:
    """A panel for each data set, with a line for each strategy."""
    figure, axes = panels.grid(data, "temperature", "accuracy (%)")
    looks = {name: style.CONTROLS[name] for name in CONTROLS}
    looks["best_of_n"] = ("best-of-n by the PRM", style.show_strategy("best_of_n")[1])
    for strategy, (name, look) in looks.items():
        label = name if strategy == "one_sample" else f"{name}, n = {top}"
        for dataset, rows in data[data["strategy"] == strategy].groupby("dataset"):
            panels.line(axes[str(dataset)], rows, "temperature", look, label)
    panels.finish(figure, axes, columns=4)
    return figure
