"""A fault of a configuration, and its message: FILE:LINE: KEY = VALUE: what is wrong."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Location = tuple[str | int, ...]


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: where, the value there, why it is wrong, and a hint.

    `meant` are locations that the user may have meant by an unknown key. `place` is FILE:LINE if
    it cannot be found from the location. A `combination` is at the location of a block whose values
    are valid alone.
    """

    where: Location
    value: Any
    message: str
    hint: str = ""
    meant: tuple[Location, ...] = ()
    place: str = ""
    combination: bool = False

    def explain(self, place: str) -> str:
        """The line that explains the fault at a place, such as config.yaml:3."""
        key = name_key(self.where)
        value = "" if self.value is None or not key else f" = {show(self.value)}"
        parts = [self.place or place, f"{key}{value}", f"{self.message}. {self.hint}".strip()]
        return "  " + ": ".join(filter(None, parts))


def show(value: Any) -> str:
    """A value as JSON in at most 80 characters."""
    try:
        text = json.dumps(value, default=str, ensure_ascii=False)
    except (TypeError, ValueError):  # keys that are not text, and values that hold themselves
        text = str(value)
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= 80 else f"{text[:77]}..."


def find_near(wrong: Any, candidates: Sequence[str], cutoff: float = 0.5) -> str:
    """The candidate closest to a misspelt name; empty if none is close."""
    return next(iter(difflib.get_close_matches(str(wrong), candidates, 1, cutoff)), "")


def suggest(wrong: Any, candidates: Sequence[str]) -> str:
    """A question whether the closest candidate was meant; empty if none is close."""
    near = find_near(wrong, candidates)
    return f"Did you mean {near!r}?" if near else ""


def name_key(where: Location) -> str:
    """The key at a location as people write it: rewards.models[0].base."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in where]
    return "".join(parts).lstrip(".")


def find_values(root: Any, key: str) -> Iterator[tuple[Location, Any]]:
    """Every value of a key such as rewards.data[].datasets[], with its location.

    `root` is a study or a configuration. Parts that are missing, null or of a wrong type have no
    values.
    """
    found: list[tuple[Location, Any]] = [((), root)]
    for part in key.split("."):
        name = part.removesuffix("[]")
        found = [((*where, name), _read(block, name)) for where, block in found]
        if part.endswith("[]"):
            lists, found = found, []
            for where, values in lists:
                items = values if isinstance(values, list) else []
                found += [((*where, i), item) for i, item in enumerate(items)]
    return ((where, value) for where, value in found if value is not None)


def _read(block: Any, name: str) -> Any:
    return block.get(name) if isinstance(block, Mapping) else getattr(block, name, None)


def find_repeated(values: Iterable[tuple[Location, Any]], message: str) -> Iterator[Fault]:
    """A fault for each value that is there twice, with the location of the first."""
    first: dict[str, Location] = {}
    for where, value in values:
        if isinstance(value, str) and first.setdefault(value, where) != where:
            yield Fault(where, value, message, f"The first is {name_key(first[value])}.")
