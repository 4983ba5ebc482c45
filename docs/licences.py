"""Write licences.md: the licences of all locked packages and of the published data sets (`make
licences`), by the packages' own metadata and by the cards of the data.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from prmscale.tasks.benchmarks.sources import PUBLISHED

HERE = Path(__file__).resolve().parent
LOCKS = sorted((HERE.parent / "envs").glob("*.txt"))
PACKAGE = re.compile(r"^([\w.-]+)(?:\[.*\])?==", re.MULTILINE)
LONGEST = 60  # characters; a longer first line of `License` is not its name
NONE = "not stated in its metadata"

PAGE = """# Licences

prmscale is under the MIT licence (`LICENSE`). It contains none of the packages and data below, each
of which has its own; that of a model is on its card. `make licences` writes this page.

## Packages

By the metadata of the versions in `envs/*.txt`: *core* runs the pipeline, *docs* builds the site,
*smollm* is the model of `make smollm`, *vllm* and *vllm-cpu* are the environments of vLLM, *trl* is
the peer of `make bench`. torch, which all but *docs* and *smollm* need, is listed in *vllm*.

| package | licence | in |
|---|---|---|
{packages}

## Data

Read from the hub at pinned commits, or from a file of yours, whose licence is that of the file.
Generated problems are under the MIT licence.

| data set | `source` | licence |
|---|---|---|
{data}
"""


def list_locked() -> dict[str, list[str]]:
    """The names of all locked packages, each with the locks that it is in."""
    found: dict[str, list[str]] = {}
    for lock in LOCKS:
        for name in PACKAGE.findall(lock.read_text()):
            found.setdefault(name, []).append(lock.stem)
    return dict(sorted(found.items()))


def name_licence(metadata: Mapping[str, Any]) -> str:
    """A package's licence by its metadata: the expression, the classifiers, or the free text."""
    prefix = "License :: "
    classifiers = [c for c in metadata.get("classifier", []) if c.startswith(prefix)]
    named = [c.split(" :: ")[-1] for c in classifiers if not c.endswith(":: OSI Approved")]
    first, *_ = [*metadata.get("license", "").strip().splitlines(), ""]
    short = first.strip() if len(first) <= LONGEST else ""
    return metadata.get("license_expression") or ", ".join(named) or short or NONE


def ask_index(lock: Path) -> dict[str, str]:
    """The licences of a lock's packages, by the metadata that the package index has of them."""
    options = ["--dry-run", "--ignore-installed", "--no-deps", "--report", "-", "-r", str(lock)]
    command = [sys.executable, "-m", "pip", "install", "--quiet", *options]
    report = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    packages = [each["metadata"] for each in report["install"]]
    return {re.sub(r"[-_.]+", "-", each["name"]).lower(): name_licence(each) for each in packages}


def list_data() -> Iterator[str]:
    """A row for each data set on the hub, with the names that the configuration has for it."""
    hubs: dict[tuple[str, str], list[str]] = {}
    for source, each in PUBLISHED.items():
        hubs.setdefault((each.hub, each.licence), []).append(f"`{source}`")
    for (hub, licence), sources in sorted(hubs.items()):
        link = f"[{hub}](https://huggingface.co/datasets/{hub})"
        yield f"| {link} | {', '.join(sources)} | {licence} |"


def main() -> None:
    """Write the page."""
    licences: dict[str, str] = {}
    for lock in LOCKS:
        licences |= ask_index(lock)
    rows = [
        f"| {name} | {licences[name]} | {', '.join(locks)} |"
        for name, locks in list_locked().items()
    ]
    text = PAGE.format(packages="\n".join(rows), data="\n".join(list_data()))
    (HERE / "licences.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
