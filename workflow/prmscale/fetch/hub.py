"""Files on the Hugging Face hub and in its cache: which of them a need is, and what is missing."""

from __future__ import annotations

import fnmatch
import glob
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from huggingface_hub import get_cached_repo_tree, snapshot_download
from huggingface_hub.errors import (
    CachedRepoTreeNotFoundError,
    GatedRepoError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from prmscale.configuration.checks import NO_NAME
from prmscale.errors import UserError
from prmscale.fetch.needed import Data, Need

# configuration, tokenizer, chat template, and the card, which tells the licence; all are small
_TEXTS = ("*.json", "*.txt", "*.model", "*.jinja", "*.tiktoken", "README.md")
# in the order in which transformers looks for them; no other format is loaded
_WEIGHTS = ("model.safetensors", "model-*-of-*.safetensors")
_INDEX = "model.safetensors.index.json"
_TOKENIZERS = ("tokenizer*", "vocab*", "merges.txt", "spiece.model", "*.tiktoken")


class Files(NamedTuple):
    """Names of files in a repository, their size together, and the size of those that are not in
    the cache, in bytes.
    """

    names: list[str]
    size: int
    absent: int


class NotOnHub(UserError):
    """The hub does not give what the configuration names."""


def ask(need: Need) -> Files:
    """The files of a need, by the hub.

    Raises NotOnHub if it has no such repository, revision or file, or does not show them to this
    user; UserError if it cannot be reached.
    """
    try:
        listed = snapshot_download(**_address(need), dry_run=True)
    except (OSError, ValueError) as error:
        raise _explain(need, error) from error
    chosen = set(choose(need, [file.filename for file in listed]))
    files = [file for file in listed if file.filename in chosen]
    if lacking := _lacking(need, chosen):
        raise NotOnHub(f"the hub has it, but not the {lacking}")
    size = sum(file.file_size or 0 for file in files)
    absent = sum(file.file_size or 0 for file in files if file.will_download)
    return Files([file.filename for file in files], size, absent)


def download(need: Need, files: Files) -> None:
    """Download these files into the hub's cache. Raises UserError if that fails."""
    names = [glob.escape(name) for name in files.names]
    try:
        snapshot_download(**_address(need), allow_patterns=names)
    except (OSError, ValueError) as error:
        raise _explain(need, error) from error


def find_missing(need: Need) -> str:
    """What of a need is not in the hub's cache, without a network; "" if all is there.

    The list of the repository's files is known if `download` or another `snapshot_download` has
    stored it; a cache that was filled file by file is believed as far as its files go.
    """
    try:
        folder = Path(snapshot_download(**_address(need), allow_patterns=[], local_files_only=True))
    except LocalEntryNotFoundError:
        return "not in the cache"
    except HFValidationError:
        return NO_NAME
    found = [str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()]
    try:
        known = [file.path for file in get_cached_repo_tree(**_address(need))]
    except CachedRepoTreeNotFoundError:
        known = found
    expected = set(choose(need, known))
    if lacking := _lacking(need, expected):
        return f"the cache has no {lacking}"
    missing = sorted((expected | _list_shards(folder, expected)) - set(found))
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    return f"the cache has no {', '.join(missing[:3])}{more}" if missing else ""


def choose(need: Need, names: Sequence[str]) -> list[str]:
    """The files of a repository that the jobs load.

    Of a model these are the texts beside config.json and, if it is asked for them, the weights: the
    GGUF file, or safetensors.
    """
    if isinstance(need, Data):
        return fnmatch.filter(names, need.files or "*")
    beside = [name for name in names if "/" not in name]
    texts = [name for name in beside if _is_any(name, _TEXTS)]
    if not need.weights:
        return texts
    if need.gguf_file:
        return [*texts, *(name for name in names if name == need.gguf_file)]
    for pattern in _WEIGHTS:
        if weights := fnmatch.filter(beside, pattern):
            return [*texts, *weights]
    return texts


def _lacking(need: Need, chosen: set[str]) -> str:
    """What these files lack of a need; "" if nothing."""
    if isinstance(need, Data):
        return "" if chosen else f"file {need.files or ''}".strip()
    if need.gguf_file:
        return "" if need.gguf_file in chosen else f"file {need.gguf_file}"
    if need.weights and "config.json" not in chosen:
        return "file config.json"
    if need.weights and not any(_is_any(name, _WEIGHTS) for name in chosen):
        return f"weights in a format that is loaded ({', '.join(_WEIGHTS)})"
    if need.tokenizer and not any(_is_any(name, _TOKENIZERS) for name in chosen):
        return "tokenizer"
    return ""


def _list_shards(folder: Path, names: set[str]) -> set[str]:
    """The files of weights that an index names, if these files are in parts."""
    if not (folder / _INDEX).is_file() or not any(name.endswith(".safetensors") for name in names):
        return set()
    return set(json.loads((folder / _INDEX).read_text())["weight_map"].values())


def _is_any(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _address(need: Need) -> dict[str, Any]:
    """Where a need is on the hub, as huggingface_hub's functions take it."""
    kind = "dataset" if isinstance(need, Data) else "model"
    return {"repo_id": need.name, "repo_type": kind, "revision": need.revision}


def _explain(need: Need, error: Exception) -> UserError:
    """What an error of huggingface_hub means and what to do."""
    causes: list[BaseException] = [error]
    while causes[-1].__cause__ is not None:
        causes.append(causes[-1].__cause__)
    told = (HFValidationError, RepositoryNotFoundError, RevisionNotFoundError)
    cause = next((each for each in causes if isinstance(each, told)), causes[-1])
    kind, page = ("data set", "datasets/") if isinstance(need, Data) else ("model", "")
    if isinstance(cause, HFValidationError):
        return NotOnHub(NO_NAME)
    if isinstance(cause, GatedRepoError):
        return NotOnHub(
            f"gated: accept its terms on https://huggingface.co/{page}{need.name} and log in with "
            "`hf auth login`"
        )
    if isinstance(cause, RepositoryNotFoundError):
        return NotOnHub(
            f"the hub has no such {kind}, and there is no such folder here. Check the spelling; "
            "for a private one log in with `hf auth login`"
        )
    if isinstance(cause, RevisionNotFoundError):
        return NotOnHub(f"the hub has no revision {need.revision!r} of it")
    reason = (str(cause).strip() or type(cause).__name__).splitlines()[0]
    return UserError(f"{need.name} could not be fetched: {reason}. Check the network")
