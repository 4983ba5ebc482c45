"""What figures 4 and 5 share: accuracy of every search strategy along what it costs."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes

from prmscale.analysis import spending
from prmscale.analysis.estimates import curve
from prmscale.analysis.models import look_up
from prmscale.analysis.strategies import GUIDED, NAMES
from prmscale.figures import panels, style

TOKENS = "policy_tokens"
BY = ["dataset", "strategy", "aggregation", "budget"]
BAND = 0.07  # opacity: nine bands lie over each other
LETTERS = 17  # of a legend's text that fit in an inch


def points(rows: pd.DataFrame, costs: Sequence[str], level: float) -> pd.DataFrame:
    """Accuracy with its interval at each budget of each strategy, what it spent of it
    (`spending.spent`) with the share of problems without an answer, and the mean of each of the
    `costs`, over problems and training seeds alike.
    """
    data = curve(rows, BY, level=level)
    means = rows.groupby(BY)[list(costs)].mean().reset_index()
    data = data.merge(means, on=BY, validate="one_to_one")
    data = data.merge(spending.spent(rows), on=spending.KEYS, validate="one_to_one")
    return data[[*BY, *costs, "spent", "share", "unanswered", "mean", "low", "high", "n", "seeds"]]


def draw_lines(axis: Axes, data: pd.DataFrame, cost: str, aggregation: str) -> None:
    """A panel's lines over one of the costs (a column of `points`), and one sample as a level line.

    A strategy measured by another aggregation than the figure's has it beside its name.
    """
    one = data[data["strategy"] == "one_sample"]
    if len(one):
        name, look = style.CONTROLS["one_sample"]
        panels.level_line(axis, one, look, name)
    for strategy, name in NAMES.items():
        own = data[data["strategy"] == strategy]
        if len(own):
            used = str(own["aggregation"].iloc[0])
            label = f"{name} ({used})" if strategy in GUIDED and used != aggregation else name
            panels.line(axis, own, cost, style.STRATEGIES[strategy][1], label, BAND)


def guide_name(rows: pd.DataFrame) -> str:
    """The reward model that guides the strategies."""
    return str(rows.loc[rows["strategy"].isin(GUIDED), "reward_model"].iloc[0])


def guide_in_words(rows: pd.DataFrame, reward_models: pd.DataFrame) -> str:
    """What a legend says of it: its size and base."""
    name = guide_name(rows)
    size = panels.count(float(look_up(reward_models, "base_parameters")[name]))
    return f"search guided by the PRM of {size} parameters ({look_up(reward_models, 'base')[name]})"


def note(rows: pd.DataFrame, reward_models: pd.DataFrame, width: float) -> str:
    """The title of a legend: what guides the search, and who left more than 5 % of a budget unspent
    (with the least share spent on any data set), in lines that fit a figure of this width in
    inches.
    """
    lines = [guide_in_words(rows, reward_models)]
    least = spending.unspent(rows).groupby("strategy")["share"].min()
    if len(least):
        named = [
            f"{NAMES[name]} (≥ {least[name]:.0%} spent)".replace(" ", "\u00a0")
            for name in NAMES
            if name in least
        ]
        text = f"leave more than {spending.UNSPENT:.0%} of a budget unspent: {', '.join(named)}"
        lines += textwrap.wrap(text, int(LETTERS * width), break_on_hyphens=False)
    return "\n".join(lines)


def tidy(data: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """The CSV's table: policy and reward model first."""
    named = data.assign(
        reward_model=data["strategy"].isin(GUIDED).map({True: guide_name(rows), False: ""})
    )
    found = panels.tidy(named, str(rows["policy"].iloc[0]), ["reward_model", "aggregation"])
    return found[["policy", "reward_model", *data.columns]]
