"""Figure 4: tokens generated for a problem → accuracy, one line a search strategy.

The paper's figure shows accuracy on two math sets against the average generation budget of a
question: at large budgets MCTS is above beam search, above best-of-n, above majority (Observation
3). It prints no exact points, so nothing of it is drawn here. Ours is guided by one reward model
throughout, and a point stands at the tokens that were spent, not at the budget allowed: the table
has both, and the legend names who left more than 5 % of a budget unspent. Problems without an
answer count as wrong; the table has their share.
"""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from prmscale.analysis import strategies
from prmscale.analysis.rows import keep_first_policy
from prmscale.figures import panels, strategy_lines, style


def draw(
    search: pd.DataFrame,
    reward_models: pd.DataFrame,
    reported: pd.DataFrame | None,
    level: float,
    aggregation: str,
) -> tuple[Figure, pd.DataFrame]:
    """The figure and what it draws; a point's x is the mean of the tokens spent, `share` their part
    of the budget.
    """
    rows = strategies.require_compared(
        keep_first_policy(search), reward_models, aggregation, "fig4"
    )
    data = strategy_lines.points(rows, [strategy_lines.TOKENS], level)

    with style.applied():
        figure, axes = panels.grid(
            data, "tokens spent on a problem (generated)", "accuracy (%)", extra=0.8
        )
        for dataset, axis in axes.items():
            strategy_lines.draw_lines(
                axis, data[data["dataset"] == dataset], strategy_lines.TOKENS, aggregation
            )
            panels.costs_axis(axis)
        title = strategy_lines.note(rows, reward_models, figure.get_figwidth())
        panels.finish(figure, axes, columns=4, title=title)
    return figure, strategy_lines.tidy(data, rows)
