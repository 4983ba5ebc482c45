"""Figure 5: test time (upper row) and FLOPs (lower row) of a problem → accuracy, one line a search
strategy.

The paper's figure shows accuracy on two math sets against test time in hours: best-of-n is ahead at
first, MCTS overtakes it. It prints no exact points, so nothing of it is drawn here. Time is what
the tokens generated and read take with full batches on this machine; FLOPs are those of policy and
reward model with every prefix cached: both of what was spent, not of the budget allowed. Rows,
lines, looks and the note on budgets left unspent are those of figure 4.
"""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from prmscale.analysis import strategies
from prmscale.analysis.rows import keep_first_policy
from prmscale.figures import panels, strategy_lines, style

COSTS = {  # column: axis label and the unit of its ticks
    "seconds": ("test time a problem", "s"),
    "flops_cached": ("FLOPs a problem, prefixes cached", ""),
}


def draw(
    search: pd.DataFrame,
    reward_models: pd.DataFrame,
    reported: pd.DataFrame | None,
    level: float,
    aggregation: str,
) -> tuple[Figure, pd.DataFrame]:
    """The figure and what it draws; a point's x is a mean over problems and training seeds."""
    rows = strategies.require_compared(
        keep_first_policy(search), reward_models, aggregation, "fig5"
    )
    data = strategy_lines.points(rows, [strategy_lines.TOKENS, *COSTS], level)

    with style.applied():
        figure, axes = panels.stacked(
            data, {cost: label for cost, (label, _) in COSTS.items()}, "accuracy (%)"
        )
        for (dataset, cost), axis in axes.items():
            strategy_lines.draw_lines(axis, data[data["dataset"] == dataset], cost, aggregation)
            panels.costs_axis(axis, COSTS[cost][1])
        title = strategy_lines.note(rows, reward_models, figure.get_figwidth())
        columns = 4 if data["dataset"].nunique() > 1 else 1
        panels.finish(
            figure,
            {f"{dataset} {cost}": axis for (dataset, cost), axis in axes.items()},
            columns,
            title,
        )
    return figure, strategy_lines.tidy(data, rows)
