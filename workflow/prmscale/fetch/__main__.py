"""Fetch all that a study needs from the Hugging Face hub into HF_HOME: `python -m prmscale.fetch
config.yaml workflow/studies/paper.yaml`.

Each file is laid over the files before it, as Snakemake does. With `--check` nothing is fetched and
no network is used: the exit status is 1 if something is missing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from huggingface_hub.constants import HF_HOME

from prmscale import configuration
from prmscale.configuration.faults import name_key
from prmscale.errors import UserError
from prmscale.fetch import hub
from prmscale.fetch.check import check, describe, explain_all
from prmscale.fetch.needed import Need, list_needs


def fetch(needs: Sequence[Need], files: Sequence[Path]) -> None:
    """Ask the hub for everything, then download what is absent, and print both.

    Raises UserError before any download if something does not exist.
    """
    listed: dict[Need, hub.Files] = {}
    wrong: dict[Need, str] = {}
    for need in needs:
        try:
            listed[need] = hub.ask(need)
        except hub.NotOnHub as error:
            wrong[need] = str(error)
    if faults := explain_all(wrong, files):
        raise UserError("\n".join(["Nothing was fetched, because of:", *faults]))
    for need, found in listed.items():
        state = f"{_gb(found.absent)} to fetch" if found.absent else "here"
        print(f"{name_key(need.where)}: {describe(need)}: {_gb(found.size)}, {state}")
    absent = sum(found.absent for found in listed.values())
    print(f"{_gb(absent)} to fetch into {HF_HOME}", flush=True)
    for need, found in listed.items():
        hub.download(need, found)


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
