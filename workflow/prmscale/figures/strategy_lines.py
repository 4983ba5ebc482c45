"""What figures 4, 5 and 8 share: the rows compared, accuracy along costs, the legend's title."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes

from prmscale.analysis import spending, strategies
from prmscale.analysis.estimates import curve
from prmscale.analysis.models import find_outcome_pairs, look_up
from prmscale.analysis.rows import is_by_outcome, keep_final, keep_first_policy
from prmscale.analysis.strategies import GUIDED, NAMES
from prmscale.analysis.verdicts import Rules
from prmscale.errors import UserError
from prmscale.figures import panels, style
from prmscale.results import Results

TOKENS = "policy_tokens"
BY = ["dataset", "strategy", "aggregation", "budget"]
OUTCOME = "best_of_n by the ORM"  # `strategy` in the CSV
LINES = {**NAMES, OUTCOME: "best-of-n by the ORM"}
BAND = 0.07  # opacity: nine bands lie over each other
LETTERS = 17  # of a legend's text, that fit in an inch


def select(results: Results, rules: Rules, figure: str) -> pd.DataFrame:
    """The first policy's rows of the strategies compared (`strategies.compared`).

    Raises UserError in the figure's name when no reward model guides a tree search.
    """
    search = keep_first_policy(results.search)
    rows = strategies.select_compared(search, results.reward_models, rules.aggregation)
    if rows.empty:
        raise UserError(
            f"{figure}: no tree search ({', '.join(strategies.TREE)}) guided by a trained reward "
            "model is in the search table. Name reward models in search.tree.reward_models, or "
            f"leave {figure} out of analysis.figures"
        )
    return rows


def select_outcome(results: Results, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of best-of-n by the ORM that differs from the guide of `rows` in supervision alone;
    empty without such a model.
    """
    pairs = find_outcome_pairs(results.reward_models)
    names = pairs.loc[pairs["process"] == guide_name(rows), "outcome"]
    search = keep_final(keep_first_policy(results.search))
    return search[is_by_outcome(search, names)].assign(strategy=OUTCOME)


def points(rows: pd.DataFrame, costs: Sequence[str], level: float) -> pd.DataFrame:
    """Accuracy with its interval at each budget of each strategy, and what it cost.

    Further columns are what the strategy spent of the budget, its share of problems without an
    answer (both by `spending.measure_spending`), and the mean of each of the `costs` over problems
    and training seeds.
    """
    data = curve(rows, BY, level=level)
    means = rows.groupby(BY)[list(costs)].mean().reset_index()
    data = data.merge(means, on=BY, validate="one_to_one")
    data = data.merge(spending.measure_spending(rows), on=spending.KEYS, validate="one_to_one")
    return data[[*BY, *costs, "spent", "share", "unanswered", "mean", "low", "high", "n", "seeds"]]


def draw_lines(axis: Axes, data: pd.DataFrame, cost: str, aggregation: str) -> None:
    """A panel's lines over a cost (a column of `points`), and one sample as a horizontal line.

    A strategy that was measured by another aggregation than the figure's shows it beside its name.
    """
    one = data[data["strategy"] == "one_sample"]
    if len(one):
        name, look = style.CONTROLS["one_sample"]
        panels.level_line(axis, one, look, name)
    for strategy, name in LINES.items():
        rows = data[data["strategy"] == strategy]
        if len(rows):
            used = str(rows["aggregation"].iloc[0])
            label = f"{name} ({used})" if used not in ("", aggregation) else name
            look = style.show_strategy("best_of_n" if strategy == OUTCOME else strategy)[1]
            look = style.mark_outcome(look) if strategy == OUTCOME else look
            panels.line(axis, rows, cost, look, label, BAND)


def guide_name(rows: pd.DataFrame) -> str:
    """The reward model that guides the strategies."""
    return str(rows.loc[rows["strategy"].isin(GUIDED), "reward_model"].iloc[0])


def note(rows: pd.DataFrame, reward_models: pd.DataFrame, width: float) -> str:
    """The title of a legend, in lines that fit a figure of this width in inches.

    It names the reward model's size and base, and the strategies that left more than 5 % of a
    budget unspent, with the least share that they spent on any data set.
    """
    name = guide_name(rows)
    size = panels.count(float(look_up(reward_models, "base_parameters")[name]))
    base = look_up(reward_models, "base")[name]
    lines = [f"search guided by the PRM of {size} parameters ({base})"]
    least = spending.find_unspent(rows).groupby("strategy")["share"].min()
    if len(least):
        shares = [
            f"{NAMES[strategy]} (≥ {least[strategy]:.0%} spent)".replace(" ", "\u00a0")
            for strategy in NAMES
            if strategy in least
        ]
        text = f"leave more than {spending.UNSPENT:.0%} of a budget unspent: {', '.join(shares)}"
        lines += textwrap.wrap(text, int(LETTERS * width), break_on_hyphens=False)
    return "\n".join(lines)


def tidy(data: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """The CSV's table, with policy and reward model first."""
    names = rows.drop_duplicates("strategy").set_index("strategy")["reward_model"]
    table = data.assign(reward_model=data["strategy"].map(names))
    table = panels.tidy(table, str(rows["policy"].iloc[0]), ["reward_model", "aggregation"])
    return table[["policy", "reward_model", *data.columns]]
