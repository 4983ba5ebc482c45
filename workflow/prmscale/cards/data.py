"""The card of a study's data: its folder of results is a data set that `datasets.load_dataset`
reads as it is, with a configuration for each kind of table and a split for each file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import DatasetInfo, Features
from datasets.info import DatasetInfosDict
from datasets.utils.metadata import MetadataConfigs
from huggingface_hub import DatasetCardData

from prmscale.cards.head import Origin, describe_licences, name_licences, render
from prmscale.files import fingerprint
from prmscale.tables import SAMPLED, SCHEMAS

# the hub's names of sizes: fewer rows than the number
_SIZES = {
    1_000: "n<1K",
    10_000: "1K<n<10K",
    100_000: "10K<n<100K",
    1_000_000: "100K<n<1M",
    10_000_000: "1M<n<10M",
    100_000_000: "10M<n<100M",
    1_000_000_000: "100M<n<1B",
}
_LARGEST = "n>1B"

_CARD = """# {study}

The tables of the prmscale study `{study}` of process reward models in test-time scaling (seed
{seed}, configuration {configuration}): problems, the solutions that policies wrote, labels of their
steps, the scores that reward models give, and what search chose. `config.yaml` beside this card
repeats the study; `claims.md`, `tables/` and `figures/` hold what follows from the tables.

```python
from datasets import load_dataset

labels = load_dataset(FOLDER, "labels")
```

Each kind of table is a configuration, and each of its files a split, whose name is the file's path.
The column `split` of problems, and the middle of every `problem_id`, says what the study used a
problem for: train, validation or test.

{licences}
"""

_KIND = """
## {kind}

{rows:,} rows in {files}.

| column | type | meaning |
|---|---|---|
"""


def describe_data(
    folder: Path, files: Mapping[str, Sequence[str]], study: str, seed: int, config: Path
) -> str:
    """The card of the tables below `folder`: `files` maps each kind of table to its files, `config`
    is the file of the configuration. Files without rows are left out: `datasets` cannot read them.
    """
    filled = {kind: [*filter(_count_rows, paths)] for kind, paths in files.items()}
    files = {kind: paths for kind, paths in filled.items() if paths}
    schemas = {kind: _read_schema(paths) for kind, paths in files.items()}
    rows = {kind: sum(map(_count_rows, files[kind])) for kind in files}
    origin = _find_origin(files.get("problems", []))
    head = DatasetCardData(
        license=name_licences(origin.licences),
        language=origin.language,
        pretty_name=f"prmscale study {study}",
        size_categories=[_name_size(sum(rows.values()))],
        task_categories=["text-generation", "token-classification"],
        tags=["prmscale", "process-reward-model"],
    )
    configs = {kind: {"data_files": _list_splits(folder, files[kind])} for kind in files}
    MetadataConfigs(configs).to_dataset_card_data(head)
    infos = {
        kind: DatasetInfo(config_name=kind, features=Features.from_arrow_schema(schema))
        for kind, schema in schemas.items()
    }
    DatasetInfosDict(infos).to_dataset_card_data(head)
    text = _CARD.format(
        study=study,
        seed=seed,
        configuration=fingerprint(config),
        licences=describe_licences(origin.licences),
    )
    parts = [_describe_kind(kind, schemas[kind], rows[kind], len(files[kind])) for kind in files]
    return render(head, "".join([text, *parts]))


def _read_schema(paths: Sequence[str]) -> pa.Schema:
    """The columns of tables of one kind: a file may lack some, or know no type of an empty one."""
    schemas = [pq.read_schema(path).remove_metadata() for path in paths]
    return pa.unify_schemas(schemas, promote_options="permissive")


def _count_rows(path: str) -> int:
    rows: int = pq.read_metadata(path).num_rows
    return rows


def _find_origin(problems: Sequence[str]) -> Origin:
    """The origin of all problems of the study."""
    tables = [pq.read_table(path, columns=["source", "licence"]) for path in problems]
    pairs = [zip(*table.to_pydict().values(), strict=True) for table in tables]
    return Origin.collect(pair for of_file in pairs for pair in of_file)


def _list_splits(folder: Path, paths: Sequence[str]) -> list[dict[str, Any]]:
    """The splits of a configuration, each with its files; paths that differ only in characters that
    no name of a split may have share a split.
    """
    splits: dict[str, list[str]] = {}
    for path in paths:
        relative = Path(path).relative_to(folder)
        splits.setdefault(_name_split(relative), []).append(str(relative))
    return [{"split": name, "path": found} for name, found in splits.items()]


def _name_split(path: Path) -> str:
    """The path without its first folder and ending, in the characters of a split's name: problems/
    a-b.parquet gives a_b.
    """
    inner = ".".join(path.parts[1:]).removesuffix(".parquet")
    return re.sub(r"\.{2,}", ".", re.sub(r"[^\w.]", "_", inner)).strip(".")


def _name_size(rows: int) -> str:
    return next((name for limit, name in _SIZES.items() if rows < limit), _LARGEST)


def _describe_kind(kind: str, schema: pa.Schema, rows: int, files: int) -> str:
    """The section of a kind of table: what its columns mean."""
    known = {**SCHEMAS[kind], **(SAMPLED if kind == "solutions" else {})}
    lines = [
        f"| `{name}` | {known[name].type} | {known[name].meaning} |\n"
        for name in schema.names
        if name in known
    ]
    counted = f"{files} file{'s' if files > 1 else ''}"
    return _KIND.format(kind=kind, rows=rows, files=counted) + "".join(lines)
