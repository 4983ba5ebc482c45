"""Figure 10: how well each reward model finds the first wrong step of a solution (F1).

Reward models stand under the training set that they learnt from, by their bases and the
bases' parameters. F1 is the harmonic mean of the accuracies on erroneous and on right solutions, by
the protocol of ProcessBench (arXiv 2412.06559). The solutions are the policy's first samples of
each test problem, whose truth is known. Intervals are over problems and training seeds; controls
are open circles. Each reward model's threshold was chosen on validation solutions. On
ProcessBench's own subsets, where a study has them, crosses are the published numbers of released
reward models. The study's own figure; the paper has no such points.
"""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prmscale.analysis import first_errors as protocol
from prmscale.analysis.models import OUTCOMES, is_marked, name_labels
from prmscale.analysis.verdicts import Rules
from prmscale.errors import UserError
from prmscale.figures import panels, style
from prmscale.results import Results

SUBSETS = {  # ours: ProcessBench's
    "ProcessBench gsm8k": "GSM8K",
    "ProcessBench math": "MATH",
    "ProcessBench olympiadbench": "OlympiadBench",
    "ProcessBench omnimath": "Omni-MATH",
}
INDENT = "  "  # of a reward model below its heading
LOOKS = {  # of groups that look alike in every study
    "control": style.Look(style.GREY, "o", ""),
    "reported": style.Look(style.BLACK, "x", ""),
}


def draw(results: Results, rules: Rules) -> tuple[Figure, pd.DataFrame]:
    """The figure and its table: reward models by size, then training data; controls come last."""
    if results.first_errors.empty:
        raise UserError(
            "fig10: no solution whose first wrong step is known. Name a generated data set in the "
            "first of search.evaluations, or give search.first_errors.process_bench"
        )
    measured = protocol.f1(results.first_errors, rules.level)
    measured = _facts(results.reward_models).merge(measured, on="reward_model")
    published = _select_published(results.read_reported("fig10"), set(measured["dataset"]))
    data = pd.concat([measured.sort_values("place"), published], ignore_index=True)
    if data.empty:  # the policy is never right, or never wrong
        why = "no F1: the solutions whose first wrong step is known are all right, or all wrong"
        return panels.explain(why), data.drop(columns=["place", "text"])
    with style.apply():
        places, texts = _arrange(data)
        figure, axes = panels.rows_of_dots(data, texts, "F1 of the first wrong step (%)")
        groups = list(dict.fromkeys(data["group"]))
        looks = {group: style.look(place) for place, group in enumerate(groups)} | LOOKS
        for (dataset, group), rows in data.groupby(["dataset", "group"]):
            y = rows["reward_model"].map(places)
            _draw_dots(axes[str(dataset)], rows, y, looks[group], str(group))
        for axis in axes.values():
            axis.set_xlim(-0.02, 1.02)
            for label in axis.get_yticklabels():
                if not label.get_text().startswith(INDENT):
                    label.set_fontweight("bold")
        panels.finish(figure, axes)
    return figure, data.drop(columns=["place", "text"])


def _arrange(data: pd.DataFrame) -> tuple[dict[str, int], list[str]]:
    """The place of each reward model, and the text at every place: a heading for those that learnt
    from the same, and below it each of them by its base, or by its name where a base has several.
    """
    places, texts = {}, []
    for heading, rows in data.drop_duplicates("reward_model").groupby("learnt_from", sort=False):
        texts.append(str(heading))
        twice = rows["text"].duplicated(keep=False)
        for name, text in zip(rows["reward_model"], rows["text"].mask(twice), strict=True):
            places[name] = len(texts)
            texts.append(INDENT + (name if pd.isna(text) else text))
    return places, texts


def _facts(reward_models: pd.DataFrame) -> pd.DataFrame:
    """Name, heading, text and group in the legend of each reward model, and its place in order."""
    rows = reward_models.drop_duplicates("reward_model").copy()
    control = is_marked(rows, "untrained") | is_marked(rows, "shuffled")
    released = is_marked(rows, "released")
    rows["group"] = name_labels(rows["labels"])
    rows.loc[rows["supervise"] == "outcome", "group"] = OUTCOMES
    outcomes = ", " + rows["group"].where(rows["group"] == OUTCOMES)
    rows["learnt_from"] = rows["training_set"] + outcomes.fillna("")
    sizes = rows["base_parameters"].map(panels.count)
    rows["text"] = (rows["base"] + " (" + sizes + ")").mask(control | released)
    rows.loc[released, ["group", "learnt_from"]] = "released"
    rows.loc[control, ["group", "learnt_from"]] = "control"
    facts = ["train_on", "training_set", "group", "base_parameters", "base_tokens", "reward_model"]
    order = rows.assign(control=control, released=released).sort_values(
        ["control", "released", *facts], ignore_index=True
    )
    order = order.assign(place=range(len(order)))
    shown = ["reward_model", "base_parameters", "train_on", "group", "learnt_from", "text", "place"]
    return order[shown]


def _select_published(reported: pd.DataFrame | None, datasets: set[str]) -> pd.DataFrame:
    """The published numbers of ProcessBench's subsets among these data sets."""
    if reported is None:
        return pd.DataFrame()
    names = {theirs: ours for ours, theirs in SUBSETS.items() if ours in datasets}
    rows = reported[reported["dataset"].isin(names)]
    return pd.DataFrame(
        {
            "reward_model": rows["reward_model"],
            "group": "reported",
            "learnt_from": "reported",
            "dataset": rows["dataset"].map(names),
            "mean": rows["f1"] / 100,
        }
    )


def _draw_dots(axis: Axes, data: pd.DataFrame, y: pd.Series, look: style.Look, group: str) -> None:
    """F1 with its interval of the reward models of a group, each at its height."""
    axis.hlines(y, data["low"], data["high"], color=look.colour, linewidth=1.2, zorder=2)
    face = "white" if group == "control" else look.colour
    options = look.options | {"linestyle": "", "markerfacecolor": face}
    axis.plot(data["mean"], y, label=group, zorder=3, **options)
