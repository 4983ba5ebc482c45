"""Rows of a file: how they are read, and where each stands for messages."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from prmscale.errors import UserError

T = TypeVar("T")


class Rows(Sequence[Mapping[str, Any]]):
    """Rows, with the file and line of each for messages."""

    def __init__(
        self, items: Sequence[Mapping[str, Any]], name: str, places: Sequence[str] | None = None
    ) -> None:
        self._items, self._name, self._places = items, name, places

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: Any) -> Any:
        return self._items[index]

    def locate(self, index: int) -> str:
        """The file and line of a row, or the data set and the number of the row."""
        return self._places[index] if self._places else f"{self._name}, row {index + 1}"

    def refuse(self, index: int, what: str) -> NoReturn:
        """Raise UserError: which row is malformed, and how."""
        raise UserError(f"{self.locate(index)}: {what}")

    def field(self, index: int, key: str, kind: type[T]) -> T:
        """A column of a row; raises UserError if it is missing or has another type."""
        row = self[index]
        if key not in row:
            has = ", ".join(map(str, row)) or "no columns"
            self.refuse(index, f"no {key!r} in this row; it has {has}")
        if not isinstance(row[key], kind):
            self.refuse(
                index, f"{key!r} should be {kind.__name__} and is {type(row[key]).__name__}"
            )
        value: T = row[key]
        return value

    def optional(self, index: int, key: str, kind: type[T]) -> T | None:
        """A column of a row that may be missing or empty; raises UserError for another type."""
        return None if self[index].get(key) is None else self.field(index, key, kind)

    def texts(self, index: int, key: str) -> list[str]:
        """A column that holds a list of texts; raises UserError if it holds anything else."""
        found = self.field(index, key, list)
        if not all(isinstance(text, str) for text in found):
            self.refuse(index, f"{key!r} should be a list of texts")
        return found

    def parse(self, index: int, key: str, kind: type[T]) -> T:
        """A column that holds JSON text; raises UserError if it is not valid or of another type."""
        text = self.field(index, key, str)
        try:
            value: T = json.loads(text)
        except ValueError as error:
            self.refuse(index, f"{key!r} is not valid JSON ({error})")
        if not isinstance(value, kind):
            self.refuse(
                index,
                f"{key!r} should hold a JSON {kind.__name__} and holds {type(value).__name__}",
            )
        return value


def read_file(file: Path, broken: list[str] | None = None) -> Rows:
    """All rows of a file of JSON lines, a JSON list, CSV or Parquet; `broken` as in `rows`."""
    if not file.is_file():
        raise UserError(f"{file}: no such file (path in the configuration)")
    try:
        if file.suffix == ".parquet":
            import pyarrow.parquet

            return Rows(pyarrow.parquet.read_table(file).to_pylist(), str(file))
        text = file.read_text(encoding="utf-8-sig")
        if file.suffix == ".csv":
            return Rows(list(csv.DictReader(io.StringIO(text, newline=""))), str(file))
    except (ValueError, OSError, csv.Error) as error:  # also pyarrow's and wrong characters
        kind = file.suffix.removeprefix(".") or "text"
        raise UserError(
            f"{file}: not a readable {kind} file ({error}). Rows are JSON lines, a JSON list or "
            "CSV in UTF-8, or Parquet; write the file anew"
        ) from error
    if text.lstrip().startswith("["):
        found = []
        for number, value in enumerate(_parse(text, file, 1), 1):
            found.append(_require_columns(value, f"{file}, row {number}"))
        return Rows(found, str(file))
    return _read_lines(text, file, broken)


def _require_columns(value: Any, place: str) -> Mapping[str, Any]:
    """The value; raises UserError if it is no row."""
    if not isinstance(value, Mapping):
        raise UserError(f"{place}: no columns in this row, which is a {type(value).__name__}")
    return value


def _read_lines(text: str, file: Path, broken: list[str] | None) -> Rows:
    """The rows of JSON lines."""
    found, places = [], []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = _require_columns(_parse(line, file, number), f"{file}, line {number}")
        except UserError as error:
            if broken is None:
                raise
            broken.append(str(error))
        else:
            found.append(row)
            places.append(f"{file}, line {number}")
    return Rows(found, str(file), places)


def _parse(text: str, file: Path, line: int) -> Any:
    """The JSON value of a text that begins in this line of a file."""
    try:
        value = json.loads(text)
        if "\\u" in text:  # no file could take half of a character
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise UserError(
            f"{file}, line {line + error.lineno - 1}: not valid JSON ({error.msg})"
        ) from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{file}, line {line}: not usable JSON ({error})") from error
    return value
