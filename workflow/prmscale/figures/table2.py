"""Table 2: similarity of the activation patterns of responses to math and to code.

Similarity is the mean normalised dot product, in percent. MathPRM and CodePRM are the responses
that PRM-Math and PRM-Code selected by best-of-n; Math and Code are any of the problem's distinct
texts. Intervals are over problems and training seeds. The paper's numbers stand below, as reported
for its policy; the paper reads from them that selected responses resemble each other most. The
contrasts below are the study's own: the claim's difference with a permutation test that exchanges
the scores of a problem's distinct texts, the same against the problem's other texts as long as the
selected one, and what a random text gives. Comparable is the share of selected texts that have
another text to be exchanged with.
"""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prmscale.analysis import patterns
from prmscale.analysis.patterns import CONTRASTS, PAIRS
from prmscale.analysis.verdicts import Rules
from prmscale.errors import UserError
from prmscale.figures import panels, style
from prmscale.figures.table1 import HERE, PAPER
from prmscale.results import Results

COLUMNS = ["source", "policy", "reference", *patterns.COLUMNS]
EDGES = [0.0, 0.115, 0.40, 0.565, 0.73, 0.895]  # x of each column (`panels.print_row`)


def draw(results: Results, rules: Rules) -> tuple[Figure, pd.DataFrame]:
    """The table in print and as rows: similarities, and contrasts (which have a `comparison`)."""
    if results.patterns.empty:
        raise UserError(
            "table2: needs reward models with the roles math and code, and tests of the first "
            "evaluation's policy on math and on code. Give rewards.models[].role, or leave table2 "
            "out of analysis.figures"
        )
    parts = [results.patterns.assign(source=HERE)]
    reported = results.read_reported("table2")
    if reported is not None:
        mean = reported["similarity"] / 100
        parts.append(reported.assign(source=PAPER, comparison="", mean=mean))
    data = pd.concat([part.reindex(columns=COLUMNS) for part in parts], ignore_index=True)
    with style.apply():
        return _print_table(data, rules.level), data.astype({"n": "Int64", "seeds": "Int64"})


def _print_table(data: pd.DataFrame, level: float) -> Figure:
    """The similarities in print, and a line for each contrast below."""
    pairs = data[data["comparison"] == ""]
    groups = list(pairs.groupby(["source", "policy"], sort=False))
    lines = len(groups) + len(CONTRASTS) + 1
    figure, axis = panels.page(0.19 * (lines + 4) + 0.3, -lines - 3.5)
    head = ["source", "policy", *("–".join(pair) for pair in PAIRS)]
    panels.print_row(axis, 0.0, EDGES, head, weight="bold")
    for number, ((source, policy), rows) in enumerate(groups, start=1):
        cells = {(row["first"], row["second"]): panels.cell(row, 2) for _, row in rows.iterrows()}
        texts = [str(source), str(policy), *(cells.get(pair, "–") for pair in PAIRS)]
        panels.print_row(axis, -number, EDGES, texts)
    top = len(groups) + 1
    columns = [EDGES[0], EDGES[3], EDGES[4], EDGES[5]]
    head = ["(MathPRM–CodePRM) − (Math–Code)", "difference", "p", "comparable"]
    panels.print_row(axis, -top, columns, head, weight="bold")
    contrasts = data[data["comparison"] != ""].set_index("comparison").loc[list(CONTRASTS)]
    for number, (name, row) in enumerate(contrasts.iterrows(), start=top + 1):
        texts = [str(name), panels.cell(row, 2), f"{row['p']:.2g}", f"{row['comparable']:.0%}"]
        panels.print_row(axis, -number, columns, texts)
    edges = {0.6: 1.0, -0.5: 0.6, 0.5 - top: 0.6, -0.5 - top: 0.4, -0.5 - lines: 1.0}
    for y, width in edges.items():
        axis.axhline(y, color=style.BLACK, linewidth=width)
    _print_notes(axis, -lines - 1.1, pairs[pairs["source"] == HERE].iloc[0], level)
    return figure


def _print_notes(axis: Axes, y: float, row: pd.Series, level: float) -> None:
    """What the numbers are, in lines from the height y down; `row` is one of ours."""
    notes = (
        "Mean normalised dot product of activation patterns in percent, reference "
        f"{row['reference']}; ours of {int(row['n'])}",
        f"problems, {level:.0%} intervals over problems and {int(row['seeds'])} training seeds. p: "
        "two-sided, exchanging the",
        "scores of a problem's distinct texts (of those as long); comparable: selected texts that "
        "have another.",
    )
    for number, note in enumerate(notes):
        axis.text(0, y - 0.9 * number, note, va="center", fontsize=style.points(7))
