"""Fetch all that a study needs from the Hugging Face hub into HF_HOME: `python -m prmscale.fetch
config.yaml workflow/studies/paper.yaml`.

Each file is laid over the files before it, as Snakemake does. With `--check` nothing is fetched and
no network is used: the exit status is 1 if something is missing.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from huggingface_hub.constants import HF_HOME

from prmscale import configuration
from prmscale.configuration.faults import Fault, name_key
from prmscale.configuration.files import find_place, parse
from prmscale.errors import UserError
from prmscale.fetch import hub
from prmscale.fetch.needed import Data, Need, list_needs


def check(needs: Sequence[Need], files: Sequence[Path]) -> None:
    """Raise UserError that names everything missing on this machine and the command that fetches
    it.
    """
    if faults := _explain_all(needs, hub.find_missing, files):
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


def fetch(needs: Sequence[Need], files: Sequence[Path]) -> None:
    """Ask the hub for everything, then download what is absent, and print both.

    Raises UserError before any download if something does not exist.
    """
    listed: dict[Need, hub.Files] = {}

    def find(need: Need) -> str:
        try:
            listed[need] = hub.ask(need)
        except hub.NotOnHub as error:
            return str(error)
        return ""

    if faults := _explain_all(needs, find, files):
        raise UserError("\n".join(["Nothing was fetched, because of:", *faults]))
    for need, found in listed.items():
        state = f"{_gb(found.absent)} to fetch" if found.absent else "here"
        print(f"{name_key(need.where)}: {_name(need)}: {_gb(found.size)}, {state}")
    absent = sum(found.absent for found in listed.values())
    print(f"{_gb(absent)} to fetch into {HF_HOME}", flush=True)
    for need, found in listed.items():
        hub.download(need, found)


def _explain_all(
    needs: Sequence[Need], find: Callable[[Need], str], files: Sequence[Path]
) -> list[str]:
    """A line for each need with which something is wrong, with file, line and key."""
    documents = parse(files, {})
    lines = []
    for need in needs:
        if wrong := find(need):
            place = find_place(need.where, documents)
            lines.append(Fault(need.where, _name(need), wrong).explain(place))
    return lines


def _name(need: Need) -> str:
    """The name of a need, with the part of the repository that is meant."""
    part = need.files if isinstance(need, Data) else need.gguf_file
    revision = f"@{need.revision[:12]}" if need.revision else ""
    return f"{need.name}{revision}{f' {part}' if part else ''}"


def _gb(size: int) -> str:
    return f"{size / 1e9:.2f} GB"


def main() -> None:
    """Fetch or check, and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m prmscale.fetch", description=__doc__)
    configuration.add_files(parser)
    parser.add_argument(
        "--check", action="store_true", help="only say what is missing here, without a network"
    )
    given = parser.parse_args()
    try:
        study = configuration.load_files(given.files)
        needs = list_needs(study)
        if not needs:
            print(f"{study.study} needs nothing from the hub.")
            return
        (check if given.check else fetch)(needs, given.files)
    except UserError as error:
        sys.exit(str(error))
    print(
        f"All that {study.study} needs from the hub is in {HF_HOME}: its jobs can run with "
        "HF_HUB_OFFLINE=1."
    )


if __name__ == "__main__":
    main()
