"""Unfinished work of a job: finished parts that survive an interruption, and never outlive what
they were made from.

The folder of a job's unfinished work is named by a fingerprint of the rule's params and of the
content of all its input files; weights that are no files of the pipeline (a released model's) are
given beside them. A job that starts with other inputs therefore finds nothing, and removes what was
left.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prmscale.files import atomic_write, fingerprint

FOLDER = ".shards"


@contextmanager
def unfinished_work(snakemake: Any, output: str | Path, *also: object) -> Iterator[Path]:
    """Yield the folder of the unfinished work towards `output`; remove it once the block succeeds.

    `also` is what the work depends on beside params and input files: hashes of released models,
    the number of processes. Work towards the same output that was made from other inputs is removed
    at once.
    """
    output = Path(output)
    inputs = [(name, fingerprint(Path(name))) for name in map(str, snakemake.input)]
    key = fingerprint(sorted(dict(snakemake.params).items()), inputs, also)
    name = output.name.removesuffix(".parquet")  # a folder's name may have dots: pythia-1.4b
    folder = output.parent / FOLDER / f"{name}-{key}"
    for other in folder.parent.glob("*"):
        if other != folder and re.fullmatch(rf"{re.escape(name)}-[0-9a-f]{{16}}", other.name):
            shutil.rmtree(other)
    folder.mkdir(parents=True, exist_ok=True)
    print(f"Finished parts are kept in {folder} until the job is done.", flush=True)
    yield folder
    shutil.rmtree(folder)


def complete(
    folder: Path,
    items: Sequence[Any],
    parts: int,
    make: Callable[[Sequence[Any], Path, str], None],
    share: str = "1of1",
) -> list[Path]:
    """The folders of all parts, in order; `make(items of the part, its folder, words for progress)`
    fills those that are missing, each whole or not at all.

    Of several jobs that share the parts, each makes those of its `share`: "2of4" is the second
    quarter.
    """
    cuts, folders = cut(items, parts), []
    job, jobs = map(int, share.split("of"))
    for number in range((job - 1) * len(cuts) // jobs, job * len(cuts) // jobs):
        folders.append(folder / f"{number:04d}")
        if not folders[-1].exists():
            with atomic_write(folders[-1]) as aside:
                aside.mkdir()
                make(cuts[number], aside, f"shard {number + 1} of {len(cuts)}")
    return folders


def cut(items: Sequence[Any], parts: int) -> list[Sequence[Any]]:
    """At most `parts` parts of the items, in order; all are of equal size but the last."""
    size = max(1, -(-len(items) // parts))
    return [items[at : at + size] for at in range(0, len(items), size)]
