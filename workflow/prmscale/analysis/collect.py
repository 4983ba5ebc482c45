"""Gathers the tables that figures and claims are made from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from prmscale import tables
from prmscale.files import read_json
from prmscale.rewards.card import FACTS, METRICS


def searches(paths: Sequence[str | Path]) -> pd.DataFrame:
    """All search tables as one, in the order of the paths."""
    return pd.concat([tables.read(path, "search") for path in paths], ignore_index=True)


def training(folders: Sequence[str | Path]) -> pd.DataFrame:
    """Loss on so many validation problems at every checkpoint of every reward model: one row a training seed and step.

    None of released ones, or where a study has no validation problems.
    """
    columns = ["reward_model", "seed", "training_step", "loss", "problems"]
    parts = [pd.DataFrame(columns=columns)]
    for folder in map(Path, folders):
        if (folder / METRICS).exists():
            facts = read_json(folder / FACTS)
            measured = pd.read_csv(folder / METRICS).assign(reward_model=facts["reward_model"], seed=facts["replicate"])
            parts.append(measured.reindex(columns=columns))
    return pd.concat([part for part in parts if len(part)] or parts, ignore_index=True).dropna(subset="loss")


def reward_models(folders: Sequence[str | Path]) -> pd.DataFrame:
    """The facts of every reward model, one row each (a reward model has one folder a training seed)."""
    rows = []
    for folder in folders:
        facts = read_json(Path(folder) / FACTS)
        before = facts["pretraining"] or {}
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
