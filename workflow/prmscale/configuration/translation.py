"""Faults of keys and types: pydantic's errors in the words of the configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from prmscale.configuration.faults import Fault, Location, find_near, name_key, suggest
from prmscale.configuration.old_keys import OLD_KEYS
from prmscale.configuration.partial import list_keys
from prmscale.study import LICENCE, NAME

_BLOCK = "must be a block of keys and values"
_MESSAGES = {
    "string_type": "must be text",
    "string_unicode": "must be text in Unicode",
    "string_too_short": "must not be empty",
    "int_type": "must be an integer",
    "int_from_float": "must be an integer",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": _BLOCK,
    "model_type": _BLOCK,
    "model_attributes_type": _BLOCK,
}
_PATTERNS = {
    NAME: "must begin with an ASCII letter or digit and contain only ASCII letters, digits, '_', "
    "'-' and '.'",
    LICENCE: "must be the name of a licence on the hub, in lower case, as mit or apache-2.0",
}
_NUMBERS = ("int_type", "int_from_float", "float_type")


def translate(errors: Sequence[Any], config: Mapping[str, Any]) -> list[Fault]:
    """The faults that pydantic's errors stand for: one per place.

    Of the alternatives of a type, those are kept that are faulty deepest inside the place. A key
    that is missing because it is misspelt is not a fault of its own.
    """
    faults = [_translate(error, _locate(error, config)) for error in errors]
    places = [fault.where for fault in faults]
    misspelt = {place for fault in faults for place in fault.meant}
    kept: dict[Location, Fault] = {}
    for fault in faults:
        depth = len(fault.where)
        inside = any(len(p) > depth and p[:depth] == fault.where for p in places)
        if not inside and fault.where not in misspelt:
            first = kept.setdefault(fault.where, fault)
            kept[fault.where] = _join(first, fault)
    return list(kept.values())


def _join(first: Fault, other: Fault) -> Fault:
    """The fault of a value that has neither of two types."""
    start = "must be "
    addition = other.message.removeprefix(start)
    if addition in first.message or (first.message + other.message).count(start) != 2:
        return first
    return replace(first, message=f"{first.message} or {addition}")


def _locate(error: Any, config: Mapping[str, Any]) -> Location:
    """The location of an error without the names of types that pydantic adds to it."""
    node: Any = config
    where: Location = ()
    for part in error["loc"]:
        is_key = isinstance(node, Mapping) and part in node
        is_item = isinstance(node, list | tuple) and isinstance(part, int) and part < len(node)
        if is_key or is_item:
            where, node = (*where, part), node[part]
    if error["type"] == "missing":
        return (*where, error["loc"][-1])
    if error["type"] == "value_error":
        # the message of a combination begins with its key
        key = error["msg"].removeprefix("Value error, ").split()[0].rstrip(":")
        return (*where, key) if isinstance(node, Mapping) and key in node else where
    return where


def _translate(error: Any, where: Location) -> Fault:
    kind, value = error["type"], error["input"]
    if kind == "extra_forbidden":
        return _translate_unknown_key(where, value)
    if kind == "missing":
        return Fault(where, None, "this key is required and missing")
    if kind == "invalid_key" or (error["loc"][-1] == "[key]" and not isinstance(value, str)):
        block = where[:-1] if where[-1:] == (value,) else where
        return Fault((*block, str(value)), None, "keys must be text", "Put the key in quotes.")
    if kind == "value_error":
        message = error["msg"].removeprefix("Value error, ")
        if isinstance(value, Mapping) and where[-1:] and where[-1] in value:
            return Fault(where, value[where[-1]], message)
        return Fault(where, None, message, combination=True)
    if kind == "too_short":
        return Fault(where, value, f"must have at least {error['ctx']['min_length']} entry")
    message = error["msg"].removeprefix("Input ").replace("should be", "must be", 1)
    message = _MESSAGES.get(kind, message)
    if kind == "string_pattern_mismatch":
        message = _PATTERNS[error["ctx"]["pattern"]]
    if value is None:
        return Fault(where, None, f"{message}, and is empty", "Give a value, or remove it.")
    return Fault(where, value, message, _advise(error))


def _advise(error: Any) -> str:
    """What to write instead of a value of the wrong type."""
    kind, value = error["type"], error["input"]
    if kind == "literal_error":
        return suggest(value, re.findall("'([^']*)'", error["ctx"]["expected"]))
    if kind in _NUMBERS and not isinstance(value, bool):
        return _advise_number(value)
    if kind == "string_type" and not isinstance(value, list | dict):
        return "Put it in quotes."
    if kind == "list_type" and not isinstance(value, list | dict):
        return f"Write [{value}]."
    return ""


def _advise_number(value: Any) -> str:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return ""
    if number.is_integer():
        return f"Write {int(number)}, without quotes, point or exponent."
    return f"Write {number}." if isinstance(value, str) else ""


def _translate_unknown_key(where: Location, value: Any) -> Fault:
    block, key = where[:-1], where[-1]
    old = _name_all_items(where)
    if old in OLD_KEYS:
        new = OLD_KEYS[old]
        for part in where:
            if isinstance(part, int):
                new = new.replace("[]", f"[{part}]", 1)
        return Fault(where, value, f"this key is now {new}")
    prefix = _name_all_items(block)
    every = list(list_keys())
    keys = [each.rpartition(".")[2] for each in every if each.rpartition(".")[0] == prefix]
    elsewhere = [each for each in every if each.rpartition(".")[2] == key]
    near = find_near(key, keys, 0.75 if elsewhere else 0.5)
    if near:
        hint = f"Did you mean {near!r}?"
    elif elsewhere:
        hint = f"Check the indentation: this is a key of {' or '.join(map(_parent, elsewhere))}."
    else:
        hint = f"Possible: {', '.join(keys)}." if keys else ""
    meant = [_locate_list(each) for each in elsewhere] + ([(*block, near)] if near else [])
    return Fault(where, value, "no such key", hint, tuple(meant))


def _name_all_items(where: Location) -> str:
    """The key at a location, of every item of its lists: rewards.models[].base."""
    return re.sub(r"\[\d+\]", "[]", name_key(where))


def _parent(key: str) -> str:
    return key.rpartition(".")[0] or "the whole study"


def _locate_list(key: str) -> Location:
    """The location of a key, or of the first list around it."""
    return tuple(key.partition("[]")[0].split("."))
