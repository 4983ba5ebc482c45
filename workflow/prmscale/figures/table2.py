"""Table 2: similarity of the activation patterns of selected and unselected responses to math and
to code.

The paper's reading is that responses which PRM-Math and PRM-Code selected resemble each other most.
Its numbers, as reported (percent), stand below ours. The contrasts are the study's own: the claim's
effect with a permutation test, against responses as long as the selected ones, and what a random
text gives. Each choice is among distinct texts.
"""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from prmscale.analysis import patterns
from prmscale.analysis.patterns import CONTRASTS, PAIRS
from prmscale.errors import UserError
from prmscale.figures import panels, style
from prmscale.figures.table1 import HERE, PAPER

COLUMNS = ["source", "policy", "reference", *patterns.COLUMNS]
EDGES = [0.0, 0.115, 0.40, 0.565, 0.73, 0.895]


def draw(
    similarities: pd.DataFrame,
    reward_models: pd.DataFrame,
    reported: pd.DataFrame | None,
    level: float,
    aggregation: str,
) -> tuple[Figure, pd.DataFrame]:
    """The table as a picture and as rows: similarities of two sets, and contrasts (those have a
    `comparison`).
    """
    if similarities.empty:
        raise UserError(
            "table2: reward models with the roles math and code are wanted, and tests of the first "
            "evaluation's policy on math and on code. Give rewards.models[].role, or leave table2 "
            "out of analysis.figures"
        )
    parts = [similarities.assign(source=HERE)]
    if reported is not None:
        parts.append(
            reported.assign(source=PAPER, comparison="", mean=reported["similarity"] / 100)
        )
    data = pd.concat([part.reindex(columns=COLUMNS) for part in parts], ignore_index=True)
    with style.applied():
        return _picture(data, level), data.astype({"n": "Int64", "seeds": "Int64"})


def _picture(data: pd.DataFrame, level: float) -> Figure:
    """The similarities as a table in print, and a line for each contrast below it."""
    pairs = data[data["comparison"] == ""]
    groups = list(pairs.groupby(["source", "policy"], sort=False))
    lines = len(groups) + len(CONTRASTS) + 1
    figure, axis = panels.page(0.19 * (lines + 4) + 0.3, -lines - 3.5)
    panels.printed(
        axis, 0.0, EDGES, ["source", "policy", *("–".join(pair) for pair in PAIRS)], weight="bold"
    )
    for number, ((source, policy), rows) in enumerate(groups, start=1):
        known = {
            (row["first"], row["second"]): panels.cell(row, digits=2) for _, row in rows.iterrows()
        }
        panels.printed(
            axis,
            -number,
            EDGES,
            [str(source), str(policy), *(known.get(pair, "–") for pair in PAIRS)],
        )
    top = len(groups) + 1
    columns = [EDGES[0], EDGES[3], EDGES[4], EDGES[5]]
    head = ["(MathPRM–CodePRM) − (Math–Code)", "difference", "p", "comparable"]
    panels.printed(axis, -top, columns, head, weight="bold")
    contrasts = data[data["comparison"] != ""].set_index("comparison")
    for number, (name, row) in enumerate(contrasts.loc[list(CONTRASTS)].iterrows(), start=top + 1):
        shown = [
            str(name),
            panels.cell(row, digits=2),
            f"{row['p']:.2g}",
            f"{row['comparable']:.0%}",
        ]
        panels.printed(axis, -number, columns, shown)
    for y, width in (
        (0.6, 1.0),
        (-0.5, 0.6),
        (0.5 - top, 0.6),
        (-0.5 - top, 0.4),
        (-lines - 0.5, 1.0),
    ):
        axis.axhline(y, color=style.BLACK, linewidth=width)
    ours = pairs[pairs["source"] == HERE].iloc[0]
    n, trainings = int(ours["n"]), int(ours["seeds"])
    notes = (
        "Mean normalised dot product of activation patterns in percent, reference "
        f"{ours['reference']}; ours of {n}",
        f"problems, {level:.0%} intervals over problems and {trainings} training seeds. p: "
        "two-sided, exchanging the",
        "scores of a problem's distinct texts (of those as long); comparable: selected texts that "
        "have another.",
    )
    for number, note in enumerate(notes):
        axis.text(0, -lines - 1.1 - 0.9 * number, note, va="center", fontsize=7)
    return figure
