"""From a merged configuration to a `Study`, or to one error that lists every fault.

A fault states file, line, key, value, what is wrong and what is possible. `study` declares types;
`references` checks that names refer to something; `checks` holds what is impossible together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from prmscale.configuration.checks import CHECKS
from prmscale.configuration.faults import Fault, Location, explain, name_key, suggest
from prmscale.configuration.old_keys import OLD_KEYS
from prmscale.configuration.references import check_references
from prmscale.errors import UserError
from prmscale.study import Study


def load(config: Mapping[str, Any], files: Sequence[str | Path] = ()) -> Study:
    """The study that a merged configuration describes.

    `files` are its YAML files; each overrides the files before it. Raises UserError with every
    fault: file, line, key, value, what is wrong and what is possible.
    """
    try:
        study = Study.model_validate(dict(config))
    except ValidationError as error:
        raise _refuse(_deepest([_translate(each) for each in error.errors()]), files) from None
    faults = check_references(study)
    for check in CHECKS:
        faults += check(study)
    if faults:
        raise _refuse(faults, files)
    return study


def read_yaml(path: str | Path) -> dict[str, Any]:
    """The mapping in a YAML file; raises UserError with file, line and column if it is not valid
    YAML.
    """
    try:
        found = yaml.safe_load(Path(path).read_text())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise UserError(
            f"{place}: not valid YAML: {error.problem or error.context}. Check indentation "
            "(spaces, no tabs), the space after each colon, and closing brackets and quotes, there "
            "and on the line before"
        ) from error
    if not isinstance(found, dict | None):
        raise UserError(
            f"{path}: not a configuration: it holds a {type(found).__name__} instead of keys and "
            "values"
        )
    return found or {}


def _refuse(faults: Sequence[Fault], files: Sequence[str | Path]) -> UserError:
    lines = [explain(fault, files) for fault in faults]
    return UserError("\n".join(["The configuration cannot be used:", *lines]))


# what pydantic adds to a location to name a type
_TYPE_TAGS = ("function-", "tagged-", "constrained-float", "dict[")


def _translate(error: Any) -> Fault:
    """A pydantic error as a fault."""
    where = tuple(part for part in error["loc"] if not str(part).startswith(_TYPE_TAGS))
    value = error["input"]
    if error["type"] == "extra_forbidden":
        return _unknown_key(where, value)
    if error["type"] == "missing":
        return Fault(where, None, "this key is required and missing")
    message = re.sub("^(Value error, |Input )", "", error["msg"])
    hint = ""
    if error["type"] == "literal_error":
        hint = suggest(value, re.findall("'([^']*)'", error["ctx"]["expected"]))
    return Fault(where, value, message, hint)


def _unknown_key(where: Location, value: Any) -> Fault:
    old = re.sub(r"\[\d+\]", "[]", name_key(where))
    if old in OLD_KEYS:
        places = [f"[{part}]" for part in where if isinstance(part, int)]
        new = OLD_KEYS[old]
        for place in places:
            new = new.replace("[]", place, 1)
        return Fault(where, value, f"this key is now {new}")
    keys = _possible_keys(where[:-1])
    hint = f"{suggest(where[-1], keys)} Possible: {', '.join(keys)}.".lstrip()
    return Fault(where, value, "no such key", hint)


def _deepest(faults: Sequence[Fault]) -> list[Fault]:
    """One fault per place: the first, unless others are inside the place (alternatives of a union
    that came closer).
    """
    places = [fault.where for fault in faults]
    kept = []
    for number, fault in enumerate(faults):
        depth = len(fault.where)
        inside = any(len(p) > depth and p[:depth] == fault.where for p in places)
        if not inside and fault.where not in places[:number]:
            kept.append(fault)
    return kept


def _possible_keys(where: Location) -> list[str]:
    """The keys of the block at `where`."""
    schema = Study.model_json_schema()
    node = schema
    for part in where:
        children = node if isinstance(part, int) else node.get("properties", {})
        node = children.get("items" if isinstance(part, int) else part, {})
        options = [each for each in node.get("anyOf", []) if each.get("type") != "null"]
        node = options[0] if options else node
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rsplit("/", 1)[-1]]
    return list(node.get("properties", {}))
