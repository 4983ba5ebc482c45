"""The YAML files of a configuration: how they are read, and where they set a key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from prmscale.configuration.faults import Fault, Location
from prmscale.errors import UserError


def read_yaml(path: str | Path) -> dict[str, Any]:
    """The mapping in a YAML file; empty for an empty file.

    Raises UserError with file, line and column if the file cannot be read or is not valid.
    """
    try:
        found = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise UserError(
            f"{place}: not valid YAML: {error.problem or error.context}. Check indentation "
            "(spaces, no tabs), the space after each colon, and closing brackets and quotes, there "
            "and on the line before"
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"{path}: not valid YAML: {reason}. A configuration is a text file in UTF-8; text that "
            "looks like a date or number must be in quotes"
        ) from error
    if not isinstance(found, dict | None):
        raise UserError(
            f"{path}: not a configuration: it holds a {type(found).__name__} instead of keys and "
            "values"
        )
    return found or {}


def lay_over(config: dict[str, Any], other: Mapping[str, Any]) -> None:
    """Merge keys as Snakemake does: blocks key by key, lists and values replaced."""
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(config.get(key), dict):
            lay_over(config[key], value)
        else:
            config[key] = value


def read_texts(value: Any) -> Any:
    """A value of Snakemake's `--config` as a file would give it: in a block or list, Snakemake
    leaves numbers, truth values and null as texts.
    """
    if isinstance(value, Mapping):
        return {key: read_texts(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [read_texts(inner) for inner in value]
    if not isinstance(value, str) or not value:
        return value
    try:
        found = yaml.safe_load(value)
    except yaml.YAMLError:
        return value
    return found if isinstance(found, bool | int | float | None) else value


@dataclass(frozen=True)
class Document:
    """The parsed YAML of a file or of the command line, in which keys have lines."""

    name: str
    root: yaml.Node | None
    has_lines: bool = True

    def place(self, line: int) -> str:
        """FILE:LINE."""
        return f"{self.name}:{line}" if self.has_lines and line else self.name


def parse(files: Sequence[str | Path], command_line: Mapping[str, Any]) -> list[Document]:
    """The documents of a configuration; each overrides the documents before it."""
    documents = [Document(str(file), _compose(file)) for file in files]
    if command_line:
        text = yaml.safe_dump(dict(command_line))
        documents.append(Document("--config", yaml.compose(text), has_lines=False))
    return documents


def _compose(file: str | Path) -> yaml.Node | None:
    """The YAML node of a file; None if it is not plain YAML, such as JSON with tabs."""
    try:
        return yaml.compose(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return None


def find_place(where: Location, documents: Sequence[Document]) -> str:
    """FILE:LINE of the key in the topmost document that sets it, or of the nearest block around it.

    A list or value replaces what the documents below have there.
    """
    deepest, place = 0, ""
    for document in reversed(documents):
        depth, line, replaces = _descend(document.root, where)
        if depth > deepest:
            deepest, place = depth, document.place(line)
        if replaces:
            break
    return place or (documents[-1].name if documents else "")


def _descend(node: Any, where: Location) -> tuple[int, int, bool]:
    """How many parts of a location a document has, the line of the last, and whether the document
    has a list or value there.
    """
    line, replaces = 0, False
    for depth, part in enumerate(where):
        replaces = replaces or (depth > 0 and not isinstance(node, yaml.MappingNode))
        child = _find_child(node, part)
        if child is None:
            return depth, line, replaces
        line, node = child
    return len(where), line, replaces


def _find_child(node: Any, part: str | int) -> tuple[int, yaml.Node] | None:
    """Line and YAML node of a key or list item; None if there is none. A later key wins."""
    if isinstance(node, yaml.SequenceNode):
        if isinstance(part, int) and part < len(node.value):
            return node.value[part].start_mark.line + 1, node.value[part]
    elif isinstance(node, yaml.MappingNode):
        for key, value in reversed(node.value):
            if key.value == str(part):
                return key.start_mark.line + 1, value
    return None


def find_repeated_keys(documents: Sequence[Document]) -> Iterator[Fault]:
    """A fault for each key that a document has twice in one block."""
    for document in documents:
        visited: set[int] = set()  # anchors refer to the same node from several places
        nodes: list[tuple[Location, Any]] = [((), document.root)]
        while nodes:
            where, node = nodes.pop()
            if id(node) in visited:
                continue
            visited.add(id(node))
            if isinstance(node, yaml.SequenceNode):
                nodes += [((*where, i), item) for i, item in enumerate(node.value)]
            elif isinstance(node, yaml.MappingNode):
                nodes += [((*where, str(key.value)), value) for key, value in node.value]
                yield from _find_repeated(document, where, node)


def _find_repeated(document: Document, where: Location, node: yaml.Node) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for key, _ in node.value:
        name, line = str(key.value), key.start_mark.line + 1
        if name in first and name != "<<":
            yield Fault(
                (*where, name),
                None,
                f"this key is already in line {first[name]}",
                "Only the last of them counts: remove the others.",
                place=document.place(line),
            )
        first.setdefault(name, line)
