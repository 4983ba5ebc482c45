"""Figure 5: test time and FLOPs of a problem → accuracy, one line for each search strategy.

Upper row: the time that a problem's tokens take with full batches on this machine. Lower row: FLOPs
of policy and reward model with every prefix cached. Strategies, reward model and budgets are those
of figure 4. Intervals are over problems and training seeds. Points stand at what was spent. No
budget is left out, and a problem without an answer counts as wrong. The legend names the strategies
that leave more than 5 % of a budget unspent. In the paper's figure best-of-n is ahead at first,
then MCTS overtakes it; the paper prints no exact points, so none are overlaid.
"""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from prmscale.analysis.verdicts import Rules
from prmscale.figures import panels, strategy_lines, style
from prmscale.results import Results, add_seconds

COSTS = {  # column: axis label and the unit of its ticks
    "seconds": ("test time a problem", "s"),
    "flops_cached": ("FLOPs a problem, prefixes cached", ""),
}


def draw(results: Results, rules: Rules) -> tuple[Figure, pd.DataFrame]:
    """The figure and its table; x is a mean over problems and training seeds."""
    rows = add_seconds(strategy_lines.select(results, rules, "fig5"), results.speeds)
    data = strategy_lines.points(rows, [strategy_lines.TOKENS, *COSTS], rules.level)
    with style.apply():
        labels = {cost: label for cost, (label, _) in COSTS.items()}
        figure, axes = panels.stack(data, labels, "accuracy (%)")
        for (dataset, cost), axis in axes.items():
            points = data[data["dataset"] == dataset]
            strategy_lines.draw_lines(axis, points, cost, rules.aggregation)
            panels.costs_axis(axis, COSTS[cost][1])
        title = strategy_lines.note(rows, results.reward_models, figure.get_figwidth())
        columns = 4 if data["dataset"].nunique() > 1 else 1
        named = {" ".join(key): axis for key, axis in axes.items()}
        panels.finish(figure, named, columns, title)
    return figure, strategy_lines.tidy(data, rows)
