"""A fault of a configuration, and its message: FILE:LINE: KEY = VALUE: what is wrong."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Location = tuple[str | int, ...]


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: where, the value there, why it is wrong, and a hint."""

    where: Location
    value: Any
    message: str
    hint: str = ""


def suggest(wrong: Any, candidates: Sequence[str]) -> str:
    """A question whether the closest candidate was meant; empty if none is close."""
    near = difflib.get_close_matches(str(wrong), candidates, 1, 0.5)
    return f"Did you mean {near[0]!r}?" if near else ""


def name_key(where: Location) -> str:
    """The key at a location as people write it: rewards.models[0].base."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in where]
    return "".join(parts).lstrip(".")


def explain(fault: Fault, files: Sequence[str | Path]) -> str:
    """The line that explains a fault."""
    value = "" if fault.value is None else f" = {json.dumps(fault.value, default=str)[:80]}"
    hint = f" {fault.hint}" if fault.hint else ""
    place = _find_place(fault.where, files)
    return f"  {place}{name_key(fault.where)}{value}: {fault.message}.{hint}"


def _find_place(where: Location, files: Sequence[str | Path]) -> str:
    """FILE:LINE of the key in the topmost file that sets it, or of the nearest enclosing block.

    A list replaces the lists of the files below: its items are in the topmost file that has it.
    """
    in_list = next((at for at, part in enumerate(where) if isinstance(part, int)), len(where))
    found: list[tuple[int, str]] = []
    for file in reversed(files):
        depth, line = _descend(yaml.compose(Path(file).read_text()), where)
        found.append((min(depth, in_list), f"{file}:{line}: "))
    depth, place = max(found, key=lambda each: each[0], default=(0, ""))
    if depth:
        return place
    return f"{files[-1]}: " if files else ""


def _descend(node: Any, where: Location) -> tuple[int, int]:
    """How many parts of a location a YAML document has, and the line of the last."""
    line = 0
    for depth, part in enumerate(where):
        child = _find_child(node, part)
        if child is None:
            return depth, line
        node, line = child, child.start_mark.line + 1
    return len(where), line


def _find_child(node: Any, part: str | int) -> Any:
    """The YAML node of a key or list index; None if there is none."""
    if isinstance(node, yaml.SequenceNode):
        return node.value[part] if isinstance(part, int) and part < len(node.value) else None
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == str(part)), None)
    return None
