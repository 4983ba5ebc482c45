"""The results of a study: the tables that figures and claims are made from, each read when asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import pandas as pd

from prmscale import tables
from prmscale.analysis.models import resolve_aggregation
from prmscale.analysis.patterns import COLUMNS
from prmscale.analysis.rows import has_other_aggregation
from prmscale.engines.models import FACTS
from prmscale.files import read_json
from prmscale.rewards.card import METRICS


class Results:
    """The tables of one study, read from `files` (kind of table: its files) when first asked for.

    `policy` is the first evaluation's: its rows of `search` come first. `aggregations` are those of
    step scores that were measured, and `aggregation` is the configured one, or `validation`.
    Tables that are given by name are taken as they are; tests give theirs.
    """

    def __init__(
        self,
        files: Mapping[str, Sequence[str]] | None = None,
        aggregation: str = "validation",
        aggregations: Sequence[str] = (),
        policy: str = "",
        **tables: pd.DataFrame,
    ) -> None:
        self._files = dict(files or {})
        self._configured, self._aggregations, self._policy = aggregation, aggregations, policy
        for name, table in tables.items():
            setattr(self, name, table)  # takes the place of the cached property

    @cached_property
    def aggregation(self) -> str:
        """The aggregation of step scores that figures and claims use."""
        return resolve_aggregation(self._configured, self.reward_models, self._aggregations)

    @cached_property
    def search(self) -> pd.DataFrame:
        """All rows of the searches, those of the first evaluation's policy first."""
        found = searches(self._of("search"), self.aggregation)
        first = found["policy"] == self._policy
        return pd.concat([found[first], found[~first]])

    @cached_property
    def reward_models(self) -> pd.DataFrame:
        """The facts of every training of every reward model."""
        return reward_models(self._of("rewards"))

    @cached_property
    def training(self) -> pd.DataFrame:
        """The loss on validation problems along the trainings of reward models."""
        return training(self._of("rewards"))

    @cached_property
    def scores(self) -> pd.DataFrame:
        """The scores of steps by PRM-Math and PRM-Code."""
        return step_scores(self._of("scores"))

    @cached_property
    def first_errors(self) -> pd.DataFrame:
        """The first wrong steps that reward models predict, beside the truth."""
        return first_errors(self._of("first_errors"))

    @cached_property
    def patterns(self) -> pd.DataFrame:
        """The similarity of selected responses."""
        return pattern_similarities(self._of("patterns"))

    @cached_property
    def labels(self) -> list[pd.DataFrame]:
        """The tables of labels whose truth is known."""
        return [tables.read(path, "labels") for path in self._of("labels")]

    @cached_property
    def spending(self) -> list[pd.DataFrame]:
        """What each of `labels` took, in the same order."""
        return [tables.read(path, "spending") for path in self._of("spending")]

    @cached_property
    def replies(self) -> pd.DataFrame:
        """By which rules answers were found, and how many solutions were cut."""
        return pd.read_csv(self._of("replies")[0])

    def reported(self, name: str) -> pd.DataFrame | None:
        """The paper's own numbers for a figure or table; None where it prints none."""
        path = next((p for p in self._of("reported") if Path(p).stem == name), None)
        return None if path is None else pd.read_csv(path)

    def _of(self, kind: str) -> Sequence[str]:
        return self._files.get(kind, ())


def searches(paths: Sequence[str | Path], aggregation: str) -> pd.DataFrame:
    """All search tables as one, in the order of the paths, without what nothing here looks at: the
    answers' texts, and the `other_aggregations` of step scores. A table is thinned as it is read: a
    large study's have millions of rows.
    """
    read = (tables.read(path, "search").drop(columns="answer") for path in paths)
    return pd.concat(
        [table[~has_other_aggregation(table, aggregation)] for table in read], ignore_index=True
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
