"""Table 1: policies × {no selection, majority vote, PRM-Math, PRM-Code} on code, at N = 8.

The paper's table has three policies and four benchmarks; its reading is that a reward model trained
on math selects code about as well as one trained on code (Observation 4). Its numbers, as reported
(percent), stand beside ours: directly below where policy and data set are the same, in a part of
their own otherwise.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from prmscale.analysis.estimates import curve
from prmscale.analysis.models import find_twins
from prmscale.analysis.rows import keep_best_of_n, keep_controls, keep_final
from prmscale.errors import UserError
from prmscale.figures import panels, style

METHODS = ["none", "majority", "PRM-Math", "PRM-Code"]
HERE, PAPER = "this study", "paper"
COLUMNS = ["source", "policy", "dataset", "method", "budget", "mean", "low", "high", "n"]
EDGES = [
    0.0,
    0.22,
    0.38,
    0.465,
    0.575,
    0.70,
    0.825,
    0.945,
]  # left edges of the two texts; centres of the rest


def draw(
    search: pd.DataFrame,
    reward_models: pd.DataFrame,
    reported: pd.DataFrame | None,
    level: float,
    aggregation: str,
    budget: int = 8,
) -> tuple[Figure, pd.DataFrame]:
    """The table as a picture and as rows (source, policy, dataset, method, budget, mean, low, high,
    n).
    """
    twins = find_twins(reward_models)
    if not twins:
        raise UserError(
            "table1: a reward model trained on math and one trained on code, of the same base, "
            "labels and steps, are wanted; there are "
            f"{', '.join(reward_models['reward_model']) or 'none'}"
        )
    code = keep_final(search[search["domain"] == "code"])
    rows = code[(code["budget"] == budget) | (code["strategy"] == "one_sample")]
    if not (rows["budget"] == budget).any():
        held = map(str, sorted(code["budget"].unique()))
        raise UserError(
            f"table1: no rows at N = {budget} on code data sets; the search table holds budgets "
            f"{', '.join(held)}"
        )
    parts = [
        keep_controls(rows, ["one_sample"]).assign(method="none"),
        keep_controls(rows, ["majority"]).assign(method="majority"),
        *(
            keep_best_of_n(rows, twins[role], aggregation).assign(method=method)
            for role, method in (("math", "PRM-Math"), ("code", "PRM-Code"))
        ),
    ]
    by = ["policy", "dataset", "method", "budget"]
    data = curve(pd.concat(parts), by, level=level).assign(source=HERE)
    if reported is not None:
        paper = reported.assign(source=PAPER, mean=reported["accuracy"] / 100)
        data = pd.concat([data, paper.reindex(columns=COLUMNS)], ignore_index=True)
    data = _ordered(data, list(dict.fromkeys(search["policy"])))
    with style.applied():
        return _picture(data, level, budget), data


def _ordered(data: pd.DataFrame, policies: list[str]) -> pd.DataFrame:
    """Ours first, the paper's row of the same policy and data set below it, the rest of the paper's
    in its order.
    """
    places = list(dict.fromkeys(zip(data["policy"], data["dataset"], strict=True)))
    places.sort(
        key=lambda place: policies.index(place[0]) if place[0] in policies else len(policies)
    )
    keys: dict[str, Any] = {
        "place": [
            places.index(place) for place in zip(data["policy"], data["dataset"], strict=True)
        ],
        "paper": data["source"] == PAPER,
        "column": data["method"].map(METHODS.index),
    }
    ordered = data.assign(**keys).sort_values(list(keys))[COLUMNS]
    return ordered.astype({"n": "Int64"}).reset_index(drop=True)


def _picture(data: pd.DataFrame, level: float, budget: int) -> Figure:
    """The rows as a table in print: rules above, below and between policies."""
    groups = list(data.groupby(["policy", "dataset", "source"], sort=False))
    height = 0.19 * (len(groups) + 2) + 0.3
    figure, axis = panels.page(height, -len(groups) - 1.8)
    panels.printed(
        axis, 0.0, EDGES, ["policy", "data set", "problems", "source", *METHODS], weight="bold"
    )
    before = groups[0][0][0]
    for number, ((policy, dataset, source), cells) in enumerate(groups, start=1):
        rows = {row["method"]: row for _, row in cells.iterrows()}
        n = cells["n"].max()
        texts = [str(policy), str(dataset), "" if pd.isna(n) else str(n), str(source)]
        texts += [panels.cell(rows[m]) if m in rows else "–" for m in METHODS]
        panels.printed(axis, -number, EDGES, texts)
        if policy != before:
            axis.axhline(0.5 - number, color=style.GREY, linewidth=0.4)
        before = policy
    for y, width in ((0.6, 1.0), (-0.5, 0.6), (-len(groups) - 0.5, 1.0)):
        axis.axhline(y, color=style.BLACK, linewidth=width)
    note = (
        f"Accuracy in percent on code, N = {budget}; "
        f"ours with {level:.0%} intervals over problems and training seeds."
    )
    axis.text(0, -len(groups) - 1.2, note, va="center", fontsize=7)
    return figure
