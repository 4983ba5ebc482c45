"""What of the models and data that a study names is not there: not in the hub's cache, not on the
hub, or in no installed package.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from huggingface_hub.constants import HF_HOME, HF_HUB_OFFLINE

from prmscale.configuration.faults import Fault
from prmscale.configuration.files import find_place, parse
from prmscale.errors import UserError
from prmscale.fetch import hub
from prmscale.fetch.needed import Data, Model, Need, list_needs, list_packaged
from prmscale.files import locate_package
from prmscale.study import PACKAGE, Study


def check(needs: Sequence[Need], files: Sequence[Path]) -> None:
    """Raise UserError that names everything missing on this machine and the command that fetches
    it.
    """
    missing = {need: hub.find_missing(need) for need in needs}
    if faults := explain_all(missing, files):
        command = shlex.join(["python", "-m", "prmscale.fetch", *map(str, files)])
        raise UserError(
            "\n".join(
                [
                    f"Missing on this machine (HF_HOME is {HF_HOME}):",
                    *faults,
                    "Fetch what the hub has where there is a network, into a folder that all nodes "
                    f"see: HF_HOME={shlex.quote(HF_HOME)} {command}",
                ]
            )
        )


def check_before_run(study: Study, files: Sequence[Path], kind: type[Need]) -> None:
    """Raise UserError that names the models (`kind` Model) or the data (Data) that jobs would not
    find.

    The hub is asked for what is not in its cache, unless HF_HUB_OFFLINE is set. Where it is out of
    reach nothing is said of it: the jobs may reach it.
    """
    wrong: dict[Need, str] = {}
    if kind is Model:
        wrong = {need: _find_in_package(need) for need in list_packaged(study)}
    here = {need: hub.find_missing(need) for need in list_needs(study) if isinstance(need, kind)}
    missing = {need: what for need, what in here.items() if what}
    if HF_HUB_OFFLINE:
        wrong |= missing
    else:
        with suppress(UserError):
            wrong |= {need: _ask(need) for need in missing}
    if faults := explain_all(wrong, files):
        raise UserError("\n".join(["No job was started, because of:", *faults]))


def _ask(need: Need) -> str:
    """Why the hub does not give a need; "" if it does. Raises UserError if it is out of reach."""
    try:
        hub.ask(need)
    except hub.NotOnHub as error:
        return str(error)
    return ""


def _find_in_package(need: Model) -> str:
    """What an installed package lacks of a model in it; "" if nothing."""
    try:
        folder = locate_package(need.name.removeprefix(PACKAGE))
    except UserError as error:
        return str(error)
    file = folder / str(need.gguf_file)
    return "" if file.is_file() else f"there is no {file}"


def explain_all(wrong: Mapping[Need, str], files: Sequence[Path]) -> list[str]:
    """A line for each need with which something is wrong, with file, line and key; "" says that
    nothing is.
    """
    documents = parse(files, {})
    lines = []
    for need, what in wrong.items():
        if what:
            place = find_place(need.where, documents)
            lines.append(Fault(need.where, describe(need), what).explain(place))
    return lines


def describe(need: Need) -> str:
    """The name of a need, with the part of the repository that is meant."""
    part = need.files if isinstance(need, Data) else need.gguf_file
    revision = f"@{need.revision[:12]}" if need.revision else ""
    return f"{need.name}{revision}{f' {part}' if part else ''}"
