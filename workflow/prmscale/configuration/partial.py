"""The part of a faulty configuration that is known, so that the rest can be checked too."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, get_args, get_origin

from prmscale.configuration.faults import Location
from prmscale.study import Block, Study


def build_partial(config: Mapping[str, Any], unknown: Collection[Location]) -> Any:
    """The study without the values at the `unknown` locations.

    Keys that are not set have their defaults. Reading an unknown value raises AttributeError.
    """
    return _build_block(Study, config, unknown, ())


def _build_block(
    kind: type[Block], values: Any, unknown: Collection[Location], where: Location
) -> Block:
    given = values if isinstance(values, Mapping) else {}
    known = {
        name: _build_value(field.annotation, given[name], unknown, (*where, name))
        for name, field in kind.model_fields.items()
        if name in given
    }
    block = kind.model_construct(**known)
    for name, field in kind.model_fields.items():
        place = (*where, name)
        inside = find_block(field.annotation) is None and _is_inside(place, unknown)
        if not isinstance(values, Mapping) or place in unknown or inside:
            block.__dict__.pop(name, None)
    return block


def _build_value(
    annotation: Any, value: Any, unknown: Collection[Location], where: Location
) -> Any:
    kind = find_block(annotation)
    if kind is None or value is None:
        return value
    if isinstance(value, list):
        return [_build_block(kind, item, unknown, (*where, i)) for i, item in enumerate(value)]
    return _build_block(kind, value, unknown, where)


def _is_inside(place: Location, unknown: Collection[Location]) -> bool:
    return any(each[: len(place)] == place for each in unknown)


def find_block(annotation: Any) -> type[Block] | None:
    """The class of the block, or of the blocks of a list, that a key holds; None for others."""
    if isinstance(annotation, type) and issubclass(annotation, Block):
        return annotation
    if get_origin(annotation) is dict:
        return None
    found = (find_block(each) for each in get_args(annotation))
    return next((kind for kind in found if kind), None)


def list_keys(kind: type[Block] = Study, prefix: str = "") -> Iterator[str]:
    """Every key below a block, such as rewards.data[].name."""
    for name, field in kind.model_fields.items():
        yield f"{prefix}{name}"
        inner = find_block(field.annotation)
        if inner:
            brackets = "[]" if get_origin(field.annotation) is list else ""
            yield from list_keys(inner, f"{prefix}{name}{brackets}.")
