"""The command `prmscale`: lay the workflow, which comes with the package, into a folder."""

from __future__ import annotations

import argparse
import shutil
import sys
from importlib.metadata import distribution
from pathlib import Path

from prmscale.errors import UserError
from prmscale.files import atomic_write

PACKAGE = Path(__file__).parent
SHARE = "share/prmscale/"  # where an installation keeps the files of the workflow
LINKS = {
    "config/config.yaml": "../config.yaml",
    "profiles": "workflow/profiles",
    "slurm": "workflow/profiles/slurm",
    "workflow/scripts/prmscale": "../prmscale",
}
_HELP = """prmscale {version}: process reward models in test-time scaling

  prmscale deploy FOLDER    lay the workflow into a new folder

In Python, `from prmscale import library` scores, searches and labels one problem.
"""
_NEXT = """{folder}: the workflow of prmscale {version}. What next:

  cd {folder}
  make study               # the default study, in the locked environment, set up in .venv first
  snakemake --cores all    # the same in an environment of yours: envs/core.txt and torch
"""


def deploy(folder: Path) -> None:
    """Copy the workflow and this package to `folder`: what a checkout has but for tests and docs.

    Raises UserError if the folder exists, or if this package is a checkout's.
    """
    if folder.exists():
        raise UserError(f"{folder} exists already. Name a folder that is to be made")
    files = _list_files()
    with atomic_write(folder) as aside:
        for name, source in files.items():
            (aside / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, aside / name)
        package = aside / "workflow/prmscale"
        shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
        for name, target in LINKS.items():
            (aside / name).symlink_to(target)


def _list_files() -> dict[str, Path]:
    """The installed files of the workflow by their names in its folder."""
    if (PACKAGE.parent / "Snakefile").is_file():
        raise UserError(
            f"{PACKAGE.parents[1]} is a checkout of prmscale. Clone or copy that folder"
        )
    found = {}
    for file in distribution("prmscale").files or []:
        _, shared, name = file.as_posix().partition(SHARE)
        if shared:
            found[name] = Path(file.locate())
    return found


def main() -> None:
    """Tell how to deploy the workflow, or deploy it."""
    version = distribution("prmscale").version
    parser = argparse.ArgumentParser(prog="prmscale", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    command = commands.add_parser("deploy", help="lay the workflow into a new folder")
    command.add_argument("folder", type=Path, help="the folder, which must not exist")
    given = parser.parse_args()
    if given.command is None:
        print(_HELP.format(version=version), end="")
        return
    try:
        deploy(given.folder)
    except UserError as error:
        sys.exit(str(error))
    print(_NEXT.format(folder=given.folder, version=version), end="")


if __name__ == "__main__":
    main()
