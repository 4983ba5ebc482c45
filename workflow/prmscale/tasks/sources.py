"""Rows of published data sets, from a local file or the Hugging Face hub, and their split."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prmscale.engines import seeds
from prmscale.errors import UserError


def rows(path: str | None, split: str, hub: tuple[str, str | None], hub_split: str) -> list[dict[str, Any]]:
    """All rows: of the local file `path` ({split} is replaced; JSON list or JSON lines), else of the hub's data set."""
    if path is None:
        return _from_hub(*hub, hub_split)
    file = Path(path.replace("{split}", split)).expanduser()
    if not file.exists():
        raise UserError(f"{file}: no such file (datasets: path in the configuration)")
    text = file.read_text()
    if text.lstrip().startswith("["):
        return _parsed(text, file, 1)
    return [_parsed(line, file, i) for i, line in enumerate(text.splitlines(), 1) if line.strip()]


def _parsed(text: str, file: Path, line: int) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"{file}, line {line + error.lineno - 1}: not valid JSON ({error.msg})") from error


def _from_hub(name: str, config: str | None, split: str) -> list[dict[str, Any]]:
    from datasets import load_dataset

    try:
        return list(load_dataset(name, config, split=split))
    except Exception as error:  # the hub's clients raise many kinds
        raise UserError(
            f"{name} could not be loaded from the Hugging Face hub: {str(error).splitlines()[0]}. "
            "Check the network, or give a local file: datasets: path"
        ) from error


def field(row: Mapping[str, Any], key: str, where: str) -> Any:
    """A column of a row; raises UserError naming the row where it is missing."""
    if key not in row:
        raise UserError(f"{where}: no {key!r} in this row; it has {', '.join(map(str, row))}")
    return row[key]


def part(names: Sequence[str], split: str) -> list[int]:
    """Indices of a split of a data set that is published in one piece: 50 % train, 10 % validation, 40 % test.

    The hash of its name decides a problem's split, so that no other row can move it.
    """
    shares = {"train": range(50), "validation": range(50, 60), "test": range(60, 100)}
    return [
        i
        for i, name in enumerate(names)
        if int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest(), "little") % 100 in shares[split]
    ]


def chosen(available: Sequence[int], count: int | None, seed: int, name: str) -> list[int]:
    """The first `count` of the available rows in an order that `seed` fixes; UserError where there are too few."""
    if count is not None and count > len(available):
        raise UserError(f"{name}: {count} problems are asked for and there are {len(available)}")
    order = seeds.generator(seed, name).permutation(len(available))
    return [available[i] for i in order[:count]]
