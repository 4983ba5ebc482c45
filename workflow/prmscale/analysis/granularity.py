"""The same solutions, split into steps in several ways: how well reward models choose and rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from prmscale.analysis.estimates import curve
from prmscale.analysis.models import name_kinds
from prmscale.analysis.rows import keep_best_of_n, keep_final, keep_first_policy
from prmscale.analysis.verdicts import Rules

BY = ["dataset", "rule", "steps", "kind", "budget"]


def count_steps(
    splits: Sequence[Mapping[str, str]], solutions: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """A row for each of `plan.granularity.list_splits`, with the number of test solutions and the
    mean number of their steps; `solutions` are those of each data set.
    """
    counts = {
        name: {"solutions": len(table), "steps": float(table["steps"].map(len).mean())}
        for name, table in solutions.items()
    }
    return pd.DataFrame([{**split, **counts[split["dataset"]]} for split in splits])


def compare_rules(
    splits: pd.DataFrame, search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules
) -> pd.DataFrame:
    """Best-of-n accuracy at the largest n, and AUC within validation problems, by rule.

    `splits` is of `count_steps`. Columns: BY, mean, low, high, n, seeds, `measure` (accuracy or
    within_auc). Reward models of one `kind` differ in the rule alone. An AUC has the lowest and the
    highest training as its ends, and missing n.
    """
    firsts = reward_models[reward_models["reward_model"].isin(splits["like"])]
    kinds = name_kinds(firsts)
    kinds += kinds.index.map(" ({})".format).where(kinds.duplicated(keep=False), "")
    splits = splits.assign(kind=splits["like"].map(kinds))
    rows = keep_final(keep_first_policy(search))
    rows = keep_best_of_n(rows, splits["reward_model"], rules.aggregation)
    rows = rows.merge(splits, on=["dataset", "reward_model"])
    rows = rows[rows["budget"] == rows["budget"].max()]
    chosen = curve(rows.assign(dataset=rows["original"]), BY, level=rules.level)
    measured = reward_models[["reward_model", "validation_within_auc"]].merge(splits)
    measured = measured.assign(dataset=measured["original"], budget=int(rows["budget"].max()))
    ranked = measured.groupby(BY)["validation_within_auc"].agg(["mean", "min", "max", "size"])
    names = {"min": "low", "max": "high", "size": "seeds"}
    ranked = ranked.dropna().reset_index().rename(columns=names)
    parts = [chosen.assign(measure="accuracy"), ranked.assign(measure="within_auc")]
    return pd.concat(parts, ignore_index=True)
