"""The finished studies that are compared, and what their configurations have apart."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from prmscale import configuration, tables
from prmscale.analysis.rows import keep_final
from prmscale.errors import UserError
from prmscale.files import fingerprint
from prmscale.plan.plan import Plan
from prmscale.results import Results, searches
from prmscale.study import Study

TEXTS = ["prompt", "answer", "tests"]
NAMES = ("name", "policy")  # what tells the items of a list of the configuration apart
MANY = 5  # missing files that an error lists
ABSENT = "–"


@dataclass(frozen=True)
class Finished:
    """A finished study: its configuration as stored, and as read under the name of its folder."""

    name: str
    config: Mapping[str, Any]
    study: Study

    @cached_property
    def plan(self) -> Plan:
        """Where its files are."""
        return Plan(self.study)

    @property
    def reward_folders(self) -> list[str]:
        """The folder of each training of each reward model."""
        folders = map(self.plan.paths.reward_folders, self.study.reward_model_names())
        return list(chain.from_iterable(folders))

    @cached_property
    def results(self) -> Results:
        """Its tables."""
        files = {
            "rewards": self.reward_folders,
            "first_errors": self.plan.first_error_tables(),
            "reliability": self.plan.reliability_tables(),
        }
        study = self.study
        return Results(
            files, study.analysis.aggregation, study.search.aggregations, self.plan.first_policy
        )

    @cached_property
    def search(self) -> pd.DataFrame:
        """The choices by fully trained reward models, and without one; PRMs among samples by the
        study's own aggregation of step scores.
        """
        return keep_final(searches(self.plan.search_tables(), self.results.aggregation))

    def read_table(self, name: str) -> pd.DataFrame:
        """A table of `tables/`; empty texts are not missing."""
        read = pd.read_csv(self.plan.paths.result(f"tables/{name}.csv"))
        texts = read.select_dtypes(exclude="number").columns
        return read.fillna(dict.fromkeys(texts, ""))

    def tests(self) -> dict[tuple[str, str], Path]:
        """The solutions of each policy (by the name of its samples) and data set searched."""
        found = {}
        for evaluation, dataset in self.study.tests():
            policy = self.study.name_samples(evaluation)
            found[policy, dataset] = Path(self.plan.paths.solutions(policy, dataset, "search"))
        return found

    def problems(self, dataset: str) -> pd.DataFrame:
        """The TEXTS of the problems of a data set, of all splits, by problem_id; none if the study
        has no such data set.
        """
        path = Path(self.plan.paths.problems(dataset))
        if not path.exists():
            return pd.DataFrame(columns=TEXTS)
        return tables.read(path, "problems").set_index("problem_id")[TEXTS].fillna("")

    def needed(self) -> list[str]:
        """The files that a comparison reads."""
        plan, result = self.plan, self.plan.paths.result
        problems = [plan.paths.problems(dataset) for _, dataset in self.tests()]
        return [
            result("claims.md"),
            *(result(f"tables/{name}.csv") for name in ("claims", "calibration")),
            *dict.fromkeys(problems),
            *map(str, self.tests().values()),
            *self.reward_folders,
            *plan.search_tables(),
            *plan.first_error_tables(),
            *plan.reliability_tables(),
        ]


def read_studies(names: Sequence[str]) -> list[Finished]:
    """The studies of these names in `results/`.

    Raises UserError if there are fewer than two, one is named twice, unknown or unfinished, or if
    one searched no data set that the first searched.
    """
    if len(names) < 2:
        raise UserError(
            'a comparison needs two studies or more: make compare STUDIES="laptop desk"'
        )
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise UserError(f"{twice[0]}: named twice; name each study once")
    found = [_read(name) for name in names]
    reference = {dataset for _, dataset in found[0].tests()}
    for other in found[1:]:
        searched = {dataset for _, dataset in other.tests()}
        if not reference & searched:
            raise UserError(
                f"{found[0].name} and {other.name} have no data set in common: the first searched "
                f"{', '.join(sorted(reference))}, the other {', '.join(sorted(searched))}. Name "
                "studies that search one data set at least of the same name"
            )
    return found


def _read(name: str) -> Finished:
    folder = Path("results", name)
    if not name or Path(name).name != name or not folder.is_dir():
        finished = sorted(path.parent.name for path in Path("results").glob("*/claims.md"))
        known = f"there are {', '.join(finished)}" if finished else "there is none"
        raise UserError(f"results/{name}: no such study; of finished studies {known}")
    file = folder / "config.yaml"
    if not file.exists():
        raise UserError(_explain_missing(name, [str(file)]))
    config = configuration.read_yaml(file)
    study = configuration.load_files([file]).model_copy(update={"study": name})
    found = Finished(name, config, study)
    missing = [path for path in found.needed() if not Path(path).exists()]
    if missing:
        raise UserError(_explain_missing(name, missing))
    return found


def _explain_missing(name: str, missing: Sequence[str]) -> str:
    more = f" and {len(missing) - MANY} more" if len(missing) > MANY else ""
    command = f"make study STUDY={name}"
    if name != "laptop" and not Path(f"workflow/studies/{name}.yaml").exists():
        command = "snakemake --cores 2 --configfile OVERLAY, with the overlay that names it"
    return (
        f"results/{name}: not a finished study; missing: {', '.join(missing[:MANY])}{more}. "
        f"Finish it: {command}"
    )


def find_common(a: Finished, b: Finished, dataset: str) -> set[str]:
    """The problems of a data set that have the same id and texts in both studies; none if they are
    less than half of the problems of either, so that most would be lost.
    """
    first, second = a.problems(dataset), b.problems(dataset)
    both = first.index.intersection(second.index)
    same = (first.loc[both] == second.loc[both]).all(axis=1)
    common = set(both[same.to_numpy(dtype=bool)])
    return common if 2 * len(common) >= min(len(first), len(second)) else set()


def has_same_samples(a: Finished, b: Finished, policy: str, dataset: str) -> bool:
    """Whether both studies searched the same solutions, byte by byte."""
    paths = [study.tests().get((policy, dataset)) for study in (a, b)]
    return None not in paths and fingerprint(paths[0]) == fingerprint(paths[1])


def compare_configurations(studies: Sequence[Finished]) -> pd.DataFrame:
    """The keys whose values differ: columns key, and each study's value as JSON."""
    flat = [dict(flatten(study.config)) for study in studies]
    keys = dict.fromkeys(key for each in flat for key in each if key != "study")
    rows = []
    for key in keys:
        values = [each.get(key, ABSENT) for each in flat]
        if len(set(values)) > 1:
            rows.append((key, *values))
    return pd.DataFrame(rows, columns=["key", *(study.name for study in studies)])


def flatten(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """The keys of a configuration as `rewards.models[both-m].base`, each with its value as JSON.

    A list of blocks that have names is told by them; any other list is one value.
    """
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from flatten(inner, f"{key}.{name}" if key else str(name))
        return
    names = _name_items(value)
    if not names:
        yield key, json.dumps(value, ensure_ascii=False, default=str)
    for name, item in zip(names, value if names else [], strict=True):
        yield from flatten(item, f"{key}[{name}]")


def _name_items(value: Any) -> list[str]:
    """The names of the blocks of a list; none if it is no list of blocks with own names."""
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        return []
    for field in NAMES:
        names = [str(item[field]) for item in value if field in item]
        if len(set(names)) == len(value):
            return names
    return []
