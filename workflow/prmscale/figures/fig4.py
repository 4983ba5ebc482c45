"""Figure 4: tokens generated for a test problem (mean) → accuracy, one line for each strategy.

One reward model guides all strategies. Best-of-n is also by the outcome reward model (ORM) that
differs from it in supervision alone, where there is one; it chooses by the score of the last step.
Intervals are over problems and training seeds; the dotted line is one sample. Points stand at the
tokens spent, not at the budget allowed. No budget is left out, and a problem without an answer
counts as wrong. The legend names the strategies that leave more than 5 % of a budget unspent. In
the paper's figure MCTS is above beam search, above best-of-n, above majority voting at large
budgets (Observation 3); the paper prints no exact points, so none are overlaid.
"""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from prmscale.analysis.verdicts import Rules
from prmscale.figures import panels, strategy_lines, style
from prmscale.figures.strategy_lines import TOKENS
from prmscale.results import Results


def draw(results: Results, rules: Rules) -> tuple[Figure, pd.DataFrame]:
    """The figure and its table; `share` is the part of the budget that was spent."""
    rows = strategy_lines.select(results, rules, "fig4")
    rows = pd.concat([rows, strategy_lines.select_outcome(results, rows)])
    data = strategy_lines.points(rows, [TOKENS], rules.level)
    with style.apply():
        xlabel = "tokens spent on a problem (generated)"
        figure, axes = panels.grid(data, xlabel, "accuracy (%)", extra=0.8)
        for dataset, axis in axes.items():
            points = data[data["dataset"] == dataset]
            strategy_lines.draw_lines(axis, points, TOKENS, rules.aggregation)
            panels.costs_axis(axis)
        title = strategy_lines.note(rows, results.reward_models, figure.get_figwidth())
        panels.finish(figure, axes, columns=4, title=title)
    return figure, strategy_lines.tidy(data, rows)
