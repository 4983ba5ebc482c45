"""Figure 4: tokens generated for a problem → accuracy, one line a search strategy.

The paper's figure shows accuracy on two math sets against the average generation budget of a question: at large budgets
MCTS is above beam search, above best-of-n, above majority (Observation 3). It prints no exact points, so nothing of it
is drawn here. Ours is guided by one reward model throughout; budgets within which a strategy has no answer for more
than 5 % of the problems are left out.
"""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from prmscale.analysis import selection, strategies
from prmscale.figures import panels, strategy_lines, style

COST = "policy_tokens"


def draw(
    search: pd.DataFrame,
    reward_models: pd.DataFrame,
    reported: pd.DataFrame | None,
    level: float,
    draws: int,
    seed: int,
    aggregation: str,
) -> tuple[Figure, pd.DataFrame]:
    """The figure and what it draws; a point's x is the mean of the tokens generated, not the budget allowed."""
    rows = strategies.wanted(selection.first_policy(search), reward_models, aggregation, "fig4")
    data = strategy_lines.points(rows, [COST], level, draws, seed)

    with style.applied():
        figure, axes = panels.grid(data, "generated tokens a problem", "accuracy (%)", extra=0.8)
        for dataset, axis in axes.items():
            strategy_lines.draw_lines(axis, data[data["dataset"] == dataset], COST, aggregation)
            panels.costs_axis(axis)
        title = strategy_lines.guide_in_words(rows, reward_models)
        panels.finish(figure, axes, columns=4, title=title)
    return figure, strategy_lines.tidy(data, rows)
