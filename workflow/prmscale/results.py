"""The results of a study: the tables from which figures are drawn and claims judged."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from prmscale import tables
from prmscale.analysis.models import find_outcome_pairs, resolve_aggregation
from prmscale.analysis.patterns import COLUMNS
from prmscale.analysis.rows import has_other_aggregation, is_by_outcome
from prmscale.engines.facts import METRICS, read_facts
from prmscale.files import read_json
from prmscale.tasks.base import Problem, from_table


class Results:
    """The tables of one study, each read from its files when first asked for.

    `files` maps kinds of files to paths: `search`, `scores`, `first_errors`, `reliability`,
    `patterns`, `labels`, `spending`, `replies`, `problems`, `granularity` and `reported` (the
    paper's numbers) are tables; `rewards` are the folders of reward models, and `speeds` are what
    a token took each policy and reward model. A kind without files gives an empty table.
    `aggregation` is the configured aggregation of step scores, or `validation`, which chooses among
    the measured `aggregations`. `policy` is the policy of the first evaluation. A table given by
    name replaces the table read.
    """

    def __init__(
        self,
        files: Mapping[str, Sequence[str]] | None = None,
        aggregation: str = "validation",
        aggregations: Sequence[str] = (),
        policy: str = "",
        **tables: object,
    ) -> None:
        self._files = files or {}
        self._configured, self._aggregations, self._policy = aggregation, aggregations, policy
        for name, table in tables.items():
            setattr(self, name, table)  # replaces the cached property

    @cached_property
    def aggregation(self) -> str:
        """The aggregation of step scores that figures and claims use.

        Without reward models there is nothing to choose by, and the configured name is returned.
        """
        if self.reward_models.empty:
            return self._configured
        return resolve_aggregation(self._configured, self.reward_models, self._aggregations)

    @cached_property
    def search(self) -> pd.DataFrame:
        """All rows of the searches; the rows of the first evaluation's policy come first."""
        paired: set[str] = set()
        if len(self.reward_models):
            pairs = find_outcome_pairs(self.reward_models)
            paired = {*pairs["process"], *pairs["outcome"]}
        rows = searches(self._paths("search"), self.aggregation, paired)
        first = rows["policy"] == self._policy
        return pd.concat([rows[first], rows[~first]])

    @cached_property
    def reward_models(self) -> pd.DataFrame:
        """The facts of every reward model, one row for each training."""
        return reward_models(self._paths("rewards"))

    @cached_property
    def training(self) -> pd.DataFrame:
        """The loss on validation problems along the training of reward models."""
        return training(self._paths("rewards"))

    @cached_property
    def temperatures(self) -> pd.DataFrame:
        """The evaluations of one policy that differ in temperature alone: columns policy (the name
        of the samples) and temperature. Empty unless it is given.
        """
        return pd.DataFrame(columns=["policy", "temperature"])

    @cached_property
    def scores(self) -> pd.DataFrame:
        """The scores of steps by PRM-Math and PRM-Code."""
        return tables.read_all(self._paths("scores"), "scores")

    @cached_property
    def first_errors(self) -> pd.DataFrame:
        """The first wrong steps that reward models predict, beside the truth."""
        return tables.read_all(self._paths("first_errors"), "first_errors")

    @cached_property
    def reliability(self) -> pd.DataFrame:
        """The scores of steps beside their truth and Monte-Carlo values."""
        return tables.read_all(self._paths("reliability"), "reliability")

    @cached_property
    def speeds(self) -> pd.DataFrame:
        """The measured `seconds_per_token` of each policy on a data set, and of each reward model:
        names of the other are "".
        """
        none = {"policy": "", "dataset": "", "reward_model": "", "seconds_per_token": 0.0}
        measured = [{**none, **read_json(path)} for path in self._paths("speeds")]
        return pd.DataFrame(measured, columns=[*none])

    @cached_property
    def patterns(self) -> pd.DataFrame:
        """The similarity of the activation patterns of selected responses."""
        return pattern_similarities(self._paths("patterns"))

    @cached_property
    def granularity(self) -> pd.DataFrame:
        """The steps of the same solutions by each rule that splits them (`count_steps`)."""
        paths = self._paths("granularity")
        return pd.read_csv(paths[0]) if paths else pd.DataFrame()

    @cached_property
    def labels(self) -> list[pd.DataFrame]:
        """The tables of labels whose truth is known."""
        return [tables.read(path, "labels") for path in self._paths("labels")]

    @cached_property
    def spending(self) -> list[pd.DataFrame]:
        """What each table of `labels` cost, in the same order."""
        return [tables.read(path, "spending") for path in self._paths("spending")]

    @cached_property
    def replies(self) -> pd.DataFrame:
        """The rules by which answers were extracted, and how many solutions were truncated."""
        return pd.read_csv(self._paths("replies")[0])

    @cached_property
    def problems(self) -> list[Problem]:
        """The problems of every generated data set, of all splits."""
        read = [tables.read(path, "problems") for path in self._paths("problems")]
        return [problem for table in read for problem in from_table(table)]

    def read_reported(self, name: str) -> pd.DataFrame | None:
        """The published numbers for a figure or table; None where there are none."""
        path = next((p for p in self._paths("reported") if Path(p).stem == name), None)
        return None if path is None else pd.read_csv(path)

    def _paths(self, kind: str) -> Sequence[str]:
        return self._files.get(kind, ())


def add_seconds(rows: pd.DataFrame, speeds: pd.DataFrame) -> pd.DataFrame:
    """Rows of the search table with `seconds`: their tokens, each at the speed measured with full
    batches (`Results.speeds`).
    """
    of_policies = speeds[speeds["policy"] != ""].set_index(["policy", "dataset"])
    of_models = speeds[speeds["reward_model"] != ""].set_index("reward_model")
    tests = pd.MultiIndex.from_frame(rows[["policy", "dataset"]])
    wrote = of_policies["seconds_per_token"].reindex(tests).to_numpy()
    read = of_models["seconds_per_token"].reindex(rows["reward_model"], fill_value=0.0).to_numpy()
    return rows.assign(seconds=rows["policy_tokens"] * wrote + rows["reward_tokens"] * read)


def searches(
    paths: Sequence[str | Path], aggregation: str, paired: Collection[str] = ()
) -> pd.DataFrame:
    """All search tables as one, in the order of the paths.

    The answers' texts and the rows of `has_other_aggregation` are dropped as each table is read:
    the tables of a large study have millions of rows. Of the PRMs and ORMs that are compared with
    each other (`paired`), best-of-n by the score of the last step is kept as well.
    """
    parts = []
    for path in paths:
        rows = tables.read(path, "search").drop(columns=["answer", "chosen"])
        kept = ~has_other_aggregation(rows, aggregation) | is_by_outcome(rows, paired)
        parts.append(rows[kept])
    return tables.join(parts, "search")


def training(folders: Sequence[str | Path]) -> pd.DataFrame:
    """The loss on validation problems at every checkpoint of every reward model.

    One row for each reward model, replicate and training step. Released reward models have no rows;
    the table is empty where a study has no validation problems.
    """
    columns = ["reward_model", "replicate", "training_step", "loss", "problems"]
    parts = [pd.DataFrame(columns=columns)]
    for folder in map(Path, folders):
        if (folder / METRICS).exists():
            facts = read_facts(folder)
            measured = pd.read_csv(folder / METRICS).assign(
                reward_model=facts["reward_model"], replicate=facts["replicate"]
            )
            parts.append(measured.reindex(columns=columns))
    filled = [part for part in parts if len(part)] or parts
    return pd.concat(filled, ignore_index=True).dropna(subset="loss")


def pattern_similarities(paths: Sequence[str | Path]) -> pd.DataFrame:
    """The table of `patterns.compare`; an empty one where responses were not compared."""
    blank = {"first": "", "second": "", "comparison": ""}
    parts = [pd.read_csv(path).fillna(blank) for path in paths]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)


def reward_models(folders: Sequence[str | Path]) -> pd.DataFrame:
    """The facts of every reward model, one row for each folder (a replicate of its training)."""
    return pd.DataFrame([_facts(read_facts(folder)) for folder in folders])


def _facts(card: Mapping[str, Any]) -> dict[str, object]:
    """One row of `reward_models`, from the card of a reward model."""
    before, data = card["pretraining"] or {}, card["training_set"] or {}
    unknown = float("nan")
    return {
        "reward_model": card["reward_model"],
        "replicate": card["replicate"],
        "base": card["base"],
        "base_parameters": card["base_parameters"],
        "base_tokens": before.get("tokens", unknown),
        "base_flops": before.get("flops", unknown),
        "train_on": card["train_on"],
        "labels": card["labels"],
        "training_set": data.get("name", ""),
        "solutions": data.get("solutions", unknown),
        "problems": data.get("problems", unknown),
        "wordings": len(data["wordings"]) if data else unknown,
        "policies": len(data["policies"]) if data else unknown,
        "role": card["role"],
        "seed": card["seed"],
        "steps": card["steps"],
        "head": card["head"],
        "ranking_weight": card["ranking_weight"],
        "supervise": card["supervise"],
        "target": card["target"],
        "shuffled": card["shuffled"],
        "untrained": card["untrained"],
        "released": "released" in card,
        "train_flops": card["train_flops"],
        **{f"validation_{key}": value for key, value in card["validation"].items()},
    }


def training_sets(folders: Sequence[str | Path]) -> pd.DataFrame:
    """What training sets hold, one row each in order of their names.

    `folders` has one reward model of each training set.
    """
    rows = []
    for folder in folders:
        card = read_facts(folder)
        data = dict(card["training_set"])
        shares = data.pop("right_by_source").items()
        rows.append(
            {
                "training_set": data.pop("name"),
                "train_on": card["train_on"],
                "labels": card["labels"],
                "shuffled": card["shuffled"],
                **data,
                "policies": len(data["policies"]),
                "wordings": len(data["wordings"]),
                **{f"right_{source}": share for source, share in shares},
            }
        )
    table = pd.DataFrame(rows, columns=None if rows else ["training_set"])  # nothing was trained
    return table.sort_values("training_set", ignore_index=True)
