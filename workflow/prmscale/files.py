"""Files and folders: written whole or not at all (made aside, then renamed), and told apart by
content.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from prmscale.errors import UserError

CHECKSUMS = "SHA256SUMS"
SEALED = {".safetensors", ".json", ".jinja", ".model"}  # what a model is loaded from


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Yield a path aside to write a file or a folder to; rename it to `path` when the block
    succeeds.

    Raises UserError when the disk is full or not writable; nothing is left at `path` then.
    """
    path = Path(path)
    aside = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(path)
    except OSError as error:
        raise explain_unwritable(path, error) from error
    try:
        yield aside
        if path.is_dir():
            shutil.rmtree(path)
        os.replace(aside, path)
    except OSError as error:
        if error.filename is None or str(aside.name) in str(error.filename):
            raise explain_unwritable(path, error) from error
        raise
    finally:
        with suppress(OSError):  # a disk that takes nothing does not remove anything either
            _remove(aside)


def explain_unwritable(path: str | Path, error: OSError) -> UserError:
    """What to say of a path that cannot be written."""
    return UserError(
        f"{path}: could not be written ({error.strerror or error}). "
        "Free disk space or check the permissions, then run again: finished work is kept."
    )


def _remove_abandoned(path: Path) -> None:
    """Remove what killed processes left aside of a path; only one process at a time writes it."""
    name = re.compile(rf"\.{re.escape(path.stem)}\.\d+\.partial{re.escape(path.suffix)}")
    for other in path.parent.iterdir():
        if name.fullmatch(other.name):
            _remove(other)


def _remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def write_json(value: Any, path: str | Path) -> None:
    """Write `value` as indented JSON, whole or not at all."""
    with atomic_write(path) as aside:
        aside.write_text(json.dumps(value, indent=2) + "\n")


def read_json(path: str | Path) -> Any:
    """Read a JSON file; raises UserError if it is missing, or with the line of a fault."""
    try:
        return json.loads(Path(path).read_text())
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except json.JSONDecodeError as error:
        raise UserError(f"{path}, line {error.lineno}: not valid JSON ({error.msg})") from error


def fingerprint(*parts: Any) -> str:
    """A short hash of settings (by their repr) and of files and folders (`Path`s, by content)."""
    digest = hashlib.sha256()
    for part in parts:
        if not isinstance(part, Path):
            digest.update(repr(part).encode())
            continue
        files = sorted(p for p in part.rglob("*") if p.is_file()) if part.is_dir() else [part]
        for path in files:
            if part.is_dir():  # the same bytes may be parted otherwise
                digest.update(repr((str(path.relative_to(part)), path.stat().st_size)).encode())
            with path.open("rb") as file:
                while block := file.read(1 << 24):
                    digest.update(block)
    return digest.hexdigest()[:16]


def locate_package(package: str) -> Path:
    """The folder of an installed Python package. Raises UserError if it is not installed."""
    try:
        spec = find_spec(package)
    except ModuleNotFoundError:  # the package that should hold it
        spec = None
    if spec is None or spec.origin is None:
        raise UserError(
            f"no Python package {package} is installed here; install it (README, 'A real model')"
        )
    return Path(spec.origin).parent


def locate_checksums(path: Path) -> Path:
    """Where the checksum of a file stands, or those of the model in a folder."""
    return path / CHECKSUMS if path.is_dir() else path.parent / ".sha256" / f"{path.name}.sha256"


def seal(path: Path) -> None:
    """Write the checksum of a file, or those of the model in a folder, as `sha256sum` does."""
    files = [path]
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix in SEALED)
    lines = [f"{_hash(file)}  {file.name}\n" for file in files]
    with atomic_write(locate_checksums(path)) as aside:
        aside.write_text("".join(lines))


def verify(path: Path) -> None:
    """Raise UserError unless a sealed file, or the files of a sealed folder, are as they were
    written. What has no checksums is not ours, and is taken as it is.
    """
    sums = locate_checksums(path)
    if not sums.is_file():
        return
    folder = path if path.is_dir() else path.parent
    for line in sums.read_text().splitlines():
        expected, _, name = line.partition("  ")
        file = folder / name
        if not file.is_file() or _hash(file) != expected:
            raise UserError(
                f"{file}: the file is missing or is not as it was written (its SHA-256 differs "
                f"from that in {sums}): a disk or a copy has damaged it, or somebody has changed "
                f"it. Delete {path} and run again; after a change on purpose, delete {sums} alone"
            )


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
