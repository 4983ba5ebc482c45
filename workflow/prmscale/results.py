"""Gathers the tables that figures and claims are made from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from prmscale import tables
from prmscale.analysis.patterns import COLUMNS
from prmscale.analysis.selection import other_aggregations
from prmscale.engines.models import FACTS
from prmscale.files import read_json
from prmscale.rewards.card import METRICS


def searches(paths: Sequence[str | Path], aggregation: str) -> pd.DataFrame:
    """All search tables as one, in the order of the paths, without what nothing here looks at: the
    answers' texts, and the `other_aggregations` of step scores. A table is thinned as it is read: a
    large study's have millions of rows.
    """
    read = (tables.read(path, "search").drop(columns="answer") for path in paths)
    return pd.concat(
        [table[~other_aggregations(table, aggregation)] for table in read], ignore_index=True
    )


def training(folders: Sequence[str | Path]) -> pd.DataFrame:
    """Loss on so many validation problems at every checkpoint of every reward model: one row a
    training seed and step.

    None of released ones, or where a study has no validation problems.
    """
    columns = ["reward_model", "replicate", "training_step", "loss", "problems"]
    parts = [pd.DataFrame(columns=columns)]
    for folder in map(Path, folders):
        if (folder / METRICS).exists():
            facts = read_json(folder / FACTS)
            measured = pd.read_csv(folder / METRICS).assign(
                reward_model=facts["reward_model"], replicate=facts["replicate"]
            )
            parts.append(measured.reindex(columns=columns))
    return pd.concat([part for part in parts if len(part)] or parts, ignore_index=True).dropna(
        subset="loss"
    )


def step_scores(paths: Sequence[str | Path]) -> pd.DataFrame:
    """All tables of step scores as one; an empty one where there are none."""
    return tables.joined([tables.read(path, "scores") for path in paths], "scores")


def pattern_similarities(paths: Sequence[str | Path]) -> pd.DataFrame:
    """The table of `patterns.compare`; an empty one where responses were not compared."""
    found = [
        pd.read_csv(path).fillna({"first": "", "second": "", "comparison": ""}) for path in paths
    ]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=COLUMNS)


def first_errors(paths: Sequence[str | Path]) -> pd.DataFrame:
    """All tables of named first errors as one; an empty one where there are none."""
    return tables.joined([tables.read(path, "first_errors") for path in paths], "first_errors")


def reward_models(folders: Sequence[str | Path]) -> pd.DataFrame:
    """The facts of every reward model, one row each (a reward model has one folder a training
    seed).
    """
    rows = []
    for folder in folders:
        facts = read_json(Path(folder) / FACTS)
        before, held = facts["pretraining"] or {}, facts["training_set"] or {}
        rows.append(
            {
                "reward_model": facts["reward_model"],
                "replicate": facts["replicate"],
                "base": facts["base"],
                "base_parameters": facts["base_parameters"],
                "base_tokens": before.get("tokens", float("nan")),
                "base_flops": before.get("flops", float("nan")),
                "train_on": facts["train_on"],
                "labels": facts["labels"],
                "training_set": held.get("name", ""),
                "solutions": held.get("solutions", float("nan")),
                "problems": held.get("problems", float("nan")),
                "wordings": len(held["wordings"]) if held else float("nan"),
                "policies": len(held["policies"]) if held else float("nan"),
                "role": facts["role"],
                "seed": facts["seed"],
                "steps": facts["steps"],
                "head": facts["head"],
                "ranking_weight": facts["ranking_weight"],
                "supervise": facts["supervise"],
                "target": facts["target"],
                "shuffled": facts["shuffled"],
                "untrained": facts["untrained"],
                "released": "released" in facts,
                "train_flops": facts["train_flops"],
                **{f"validation_{key}": value for key, value in facts["validation"].items()},
            }
        )
    return pd.DataFrame(rows)


def training_sets(folders: Sequence[str | Path]) -> pd.DataFrame:
    """What training sets hold, one row each, in order of their names; `folders` has a reward model
    of each.
    """
    rows = []
    for folder in folders:
        facts = read_json(Path(folder) / FACTS)
        held = dict(facts["training_set"])
        by_source = {f"right_{name}": share for name, share in held.pop("right_by_source").items()}
        told = {
            "training_set": held.pop("name"),
            "train_on": facts["train_on"],
            "labels": facts["labels"],
        }
        counts = {name: len(held[name]) for name in ("policies", "wordings")}
        rows.append({**told, "shuffled": facts["shuffled"], **held, **counts, **by_source})
    return pd.DataFrame(rows).sort_values("training_set", ignore_index=True)
