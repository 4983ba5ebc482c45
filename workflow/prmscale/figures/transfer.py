"""Transfer: misreadings that both domains share → accuracy of PRM-Math, PRM-Code and one of both.

The x axis is a share of a problem's misreadable wordings: those that the problems of the other
domain use, too. The problems are those with one number of misreadable wordings, the number that has
the most shares, because problems with more of them are harder. The reward models have the same base
and recipe and select by best-of-n at the largest n. Intervals are over problems and training seeds;
a panel's title has the fewest and most problems at a share. The paper has no such figure.
"""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prmscale.analysis.models import find_twins
from prmscale.analysis.rows import keep_first_policy
from prmscale.analysis.transfer import find_shares, measure_by_share
from prmscale.analysis.verdicts import Rules
from prmscale.errors import UserError
from prmscale.figures import panels, style
from prmscale.results import Results

DOMAINS = ["math", "code", "both"]
APART = 0.012  # between the lines, so that intervals at one share stand side by side


def draw(results: Results, rules: Rules) -> tuple[Figure, pd.DataFrame]:
    """The figure and its table: a row for each data set, training domain and share."""
    shares = find_shares(results.problems)
    if shares.empty:
        raise UserError(
            "transfer: needs generated data sets of both domains whose problems have misreadable "
            "wordings (world.misreading_rates). Add them to datasets, or take transfer out of "
            "analysis.figures"
        )
    if not find_twins(results.reward_models):
        raise UserError(
            "transfer: needs a reward model trained on math and one trained on code, of the same "
            "base, labels and steps. Add them to rewards.models, or take transfer out of "
            "analysis.figures"
        )
    rows = keep_first_policy(results.search)
    data = measure_by_share(rows, results.reward_models, shares, rules)
    if data.empty:
        raise UserError("transfer: no row of the search table is about a problem with a share")
    data = data.rename(columns={"accuracy": "mean"})
    with style.apply():
        return _draw_panels(data), data


def _draw_panels(data: pd.DataFrame) -> Figure:
    """A panel for each data set, with a line and intervals for each training domain."""
    figure, axes = panels.grid(
        data,
        f"of {data['misreadable'].iloc[0]} misreadings, shared with the other domain (%)",
        f"accuracy of best-of-{data['budget'].max()} (%)",
    )
    for (dataset, trained_on), points in data.groupby(["dataset", "trained_on"], sort=False):
        _draw_line(axes[str(dataset)], points, DOMAINS.index(str(trained_on)))
    for dataset, axis in axes.items():
        axis.set_xlim(-0.06, 1.06)
        shares = sorted(set(data.loc[data["dataset"] == dataset, "share"]))
        axis.set_xticks(shares, [f"{100 * share:.0f}" for share in shares])
    panels.finish(figure, axes)
    return figure


def _draw_line(axis: Axes, points: pd.DataFrame, place: int) -> None:
    """The accuracy over the share, with an interval at each point."""
    look, points = style.look(place), points.sort_values("share")
    x = points["share"] + APART * (place - 1)
    label = f"PRM trained on {DOMAINS[place]}"
    axis.vlines(x, points["low"], points["high"], color=look.colour, linewidth=1.0, zorder=2)
    axis.plot(x, points["mean"], label=label, zorder=3, **look.options)
