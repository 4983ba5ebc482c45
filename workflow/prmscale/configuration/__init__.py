"""From a merged configuration to a `Study`, or to one error that lists every fault.

A fault states file, line, key, value, what is wrong and what is possible. `study` declares types;
`references` checks that names refer to something; `checks` holds what is impossible together. If
keys or types are faulty, names and combinations are still checked in the part that is known.
Plugins are loaded before all else, because they register names that the study may use; if one
cannot be loaded, only that is reported.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from prmscale import plugins
from prmscale.configuration.checks import check_names, check_values
from prmscale.configuration.faults import Fault, Location, find_values
from prmscale.configuration.files import (
    Document,
    find_place,
    find_repeated_keys,
    lay_over,
    parse,
    read_texts,
    read_yaml,
)
from prmscale.configuration.partial import build_partial
from prmscale.configuration.references import check_references
from prmscale.configuration.translation import translate
from prmscale.errors import UserError
from prmscale.study import Study

__all__ = ["add_files", "load", "load_files", "read_yaml"]


def load(
    config: Mapping[str, Any],
    files: Sequence[str | Path] = (),
    command_line: Mapping[str, Any] | None = None,
) -> Study:
    """The study that a merged configuration describes.

    `files` are its YAML files; each overrides the files before it, and the keys of the
    `command_line` (Snakemake's `--config`) override all files. Raises UserError with every fault:
    file, line, key, value, what is wrong and what is possible.
    """
    typed, merged = read_texts(command_line or {}), deepcopy(dict(config))
    lay_over(merged, typed)
    config, documents = merged, parse(files, typed)
    _report(list(_load_plugins(config)), documents)
    faults = list(find_repeated_keys(documents))
    try:
        study = Study.model_validate(dict(config))
    except ValidationError as error:
        faults += translate(error.errors(), config)
    is_partial = bool(faults)
    if is_partial:
        study = build_partial(config, _find_unknown(faults))
    faults += [
        *check_names(config),
        *check_references(config, study),
        *check_values(study, is_partial),
    ]
    _report(faults, documents)
    return study


def add_files(parser: ArgumentParser) -> None:
    """Let a command take the files of a study, for `load_files`."""
    parser.add_argument(
        "files",
        nargs="+",
        type=Path,
        help="configuration files, each laid over the files before it",
    )


def load_files(files: Sequence[Path]) -> Study:
    """The study of these files, each laid over the files before it. Raises UserError if a file is
    missing or faulty.
    """
    config: dict[str, Any] = {}
    for file in files:
        lay_over(config, read_yaml(file))
    return load(config, files)


def _report(faults: Sequence[Fault], documents: Sequence[Document]) -> None:
    """Raise UserError if there are faults."""
    if faults:
        lines = [fault.explain(find_place(fault.where, documents)) for fault in faults]
        raise UserError("\n".join(["The configuration cannot be used:", *lines]))


def _load_plugins(config: Mapping[str, Any]) -> Iterator[Fault]:
    """Load the plugins that the configuration names: a fault for each that cannot be loaded."""
    for where, path in find_values(config, "plugins[]"):
        try:
            if isinstance(path, str):
                plugins.load(path)
        except UserError as error:
            yield Fault(where, path, str(error))


def _find_unknown(faults: Sequence[Fault]) -> set[Location]:
    """The locations whose values are not known because of these faults."""
    meant = {place for fault in faults for place in fault.meant}
    return meant | {fault.where for fault in faults if not fault.combination}
