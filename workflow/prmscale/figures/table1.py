"""Table 1: accuracy on code of each policy by four ways of selection, at N = 8.

The ways are no selection, majority vote, PRM-Math and PRM-Code; intervals are over problems and
training seeds. Beside them stand the paper's numbers as reported for its policies, benchmarks and
72B reward models: directly below ours where policy and data set are the same, at the end otherwise.
The paper reads from its table that a reward model trained on math selects code about as well as one
trained on code (Observation 4).
"""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from prmscale.analysis.estimates import curve
from prmscale.analysis.models import find_twins
from prmscale.analysis.rows import keep_best_of_n, keep_controls, keep_final
from prmscale.analysis.verdicts import Rules
from prmscale.errors import UserError
from prmscale.figures import panels, style
from prmscale.results import Results

METHODS = ["none", "majority", "PRM-Math", "PRM-Code"]
HERE, PAPER = "this study", "paper"
COLUMNS = ["source", "policy", "dataset", "method", "budget", "mean", "low", "high", "n"]
EDGES = [0.0, 0.22, 0.38, 0.465, 0.575, 0.70, 0.825, 0.945]  # x of each column (`panels.print_row`)


def draw(results: Results, rules: Rules) -> tuple[Figure, pd.DataFrame]:
    """The table in print and as rows; a row holds one method on one data set."""
    budget, twins = rules.table1_budget, find_twins(results.reward_models)
    if not twins:
        raise UserError(
            "table1: needs a reward model trained on math and one trained on code, of the same "
            "base, labels and steps; there are "
            f"{', '.join(results.reward_models['reward_model']) or 'none'}"
        )
    code = keep_final(results.search[results.search["domain"] == "code"])
    rows = code[(code["budget"] == budget) | (code["strategy"] == "one_sample")]
    if not (rows["budget"] == budget).any():
        budgets = ", ".join(map(str, sorted(code["budget"].unique())))
        raise UserError(
            f"table1: no rows at N = {budget} on code data sets; the search table holds budgets "
            f"{budgets}"
        )
    parts = [
        keep_controls(rows, ["one_sample"]).assign(method="none"),
        keep_controls(rows, ["majority"]).assign(method="majority"),
    ]
    for role, method in (("math", "PRM-Math"), ("code", "PRM-Code")):
        scored = keep_best_of_n(rows, twins[role], rules.aggregation)
        parts.append(scored.assign(method=method))
    by = ["policy", "dataset", "method", "budget"]
    data = curve(pd.concat(parts), by, level=rules.level).assign(source=HERE)
    reported = results.read_reported("table1")
    if reported is not None:
        paper = reported.assign(source=PAPER, mean=reported["accuracy"] / 100)
        data = pd.concat([data, paper.reindex(columns=COLUMNS)], ignore_index=True)
    data = _sort(data, list(dict.fromkeys(results.search["policy"])))
    with style.apply():
        return _print_table(data, rules.level, budget), data


def _sort(data: pd.DataFrame, policies: list[str]) -> pd.DataFrame:
    """Ours by policy, the paper's row of the same policy and data set below; then the rest."""
    rows = list(zip(data["policy"], data["dataset"], strict=True))
    last = len(policies)
    order = {policy: place for place, policy in enumerate(policies)}
    places = sorted(dict.fromkeys(rows), key=lambda row: order.get(row[0], last))
    keys: dict[str, Any] = {
        "place": [places.index(row) for row in rows],
        "paper": data["source"] == PAPER,
        "column": data["method"].map(METHODS.index),
    }
    ordered = data.assign(**keys).sort_values(list(keys))[COLUMNS]
    return ordered.astype({"n": "Int64"}).reset_index(drop=True)


def _print_table(data: pd.DataFrame, level: float, budget: int) -> Figure:
    """The rows in print, with rules above, below and between policies."""
    groups = list(data.groupby(["policy", "dataset", "source"], sort=False))
    height = 0.19 * (len(groups) + 2) + 0.3
    figure, axis = panels.page(height, -len(groups) - 1.8)
    head = ["policy", "data set", "problems", "source", *METHODS]
    panels.print_row(axis, 0.0, EDGES, head, weight="bold")
    before = groups[0][0][0]
    for number, ((policy, dataset, source), cells) in enumerate(groups, start=1):
        rows = {row["method"]: row for _, row in cells.iterrows()}
        n = cells["n"].max()
        texts = [str(policy), str(dataset), "" if pd.isna(n) else str(n), str(source)]
        texts += [panels.cell(rows[m]) if m in rows else "–" for m in METHODS]
        panels.print_row(axis, -number, EDGES, texts)
        if policy != before:
            axis.axhline(0.5 - number, color=style.GREY, linewidth=0.4)
        before = policy
    for y, width in ((0.6, 1.0), (-0.5, 0.6), (-len(groups) - 0.5, 1.0)):
        axis.axhline(y, color=style.BLACK, linewidth=width)
    note = (
        f"Accuracy in percent on code, N = {budget}; "
        f"ours with {level:.0%} intervals over problems and training seeds."
    )
    axis.text(0, -len(groups) - 1.2, note, va="center", fontsize=style.points(7))
    return figure
