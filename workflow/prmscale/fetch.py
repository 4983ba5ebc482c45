"""Bring what a study needs from the Hugging Face hub into the cache (`HF_HOME`), for nodes without
a network: `python -m prmscale.fetch [--check] config.yaml workflow/studies/paper.yaml`.

Each file is laid over the files before it, as Snakemake does. Models that are in the cache are left
as they are. With `--check` nothing is fetched, the network is not used, and what is missing is
named; jobs then run with HF_HUB_OFFLINE=1.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

if __name__ == "__main__" and "--check" in sys.argv:
    os.environ["HF_HUB_OFFLINE"] = "1"  # the hub's clients read it when they are imported

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from prmscale import configuration
from prmscale.errors import UserError
from prmscale.policies.released import PACKAGE, locate
from prmscale.study import Dataset, Study
from prmscale.tasks.benchmarks import sources
from prmscale.tasks.benchmarks.base import PublishedBenchmark
from prmscale.tasks.registry import build

# as transformers looks for them: the first pattern that matches is loaded
WEIGHTS = ("model.safetensors", "model-*.safetensors", "pytorch_model.bin", "pytorch_model-*.bin")
SMALL = ("*.json", "*.txt", "*.model", "*.jinja")
_FACTS = "config.json"
TOKENIZERS = ("tokenizer*", "vocab*", "spiece*", "sentencepiece*")


@dataclass(frozen=True)
class Need:
    """What a study needs: where its configuration asks for it, its name, and how it is brought
    here. `bring(offline)` says in words what there is; it raises UserError if it is missing.
    """

    key: str
    name: str
    bring: Callable[[bool], str]


@dataclass(frozen=True)
class Model:
    """A model of the hub, or a local folder, and what of it is loaded."""

    name: str
    revision: str | None = None
    gguf_file: str | None = None
    weights: bool = True
    tokenizer: bool = True

    def bring(self, offline: bool) -> str:
        """Fetch what is missing. Raises UserError if it is missing offline, or not on the hub."""
        if self.name.startswith(PACKAGE) or Path(self.name).exists():
            return self._check(Path(locate(self.name)), "is a local folder")
        try:
            # of the whole repository, it would also miss files that are never loaded
            here = snapshot_download(
                self.name, revision=self.revision, local_files_only=True, allow_patterns=_FACTS
            )
            return self._check(Path(here), "was here")
        except HFValidationError as error:
            raise UserError(
                "no such folder here, and no name of the hub (OWNER/NAME). Correct the path"
            ) from error
        except (LocalEntryNotFoundError, UserError) as error:
            if offline:
                why = f" ({error})" if isinstance(error, UserError) else ""
                raise UserError(f"no such folder here, nor whole in the hub's cache{why}") from None
        return self._fetch()

    def _fetch(self) -> str:
        try:
            found = HfApi().model_info(self.name, revision=self.revision, files_metadata=True)
            sizes = {file.rfilename: file.size or 0 for file in found.siblings or []}
            chosen = self.choose_files([*sizes])
            total = sum(sizes[name] for name in chosen)
            print(f"    fetching {len(chosen)} files, {total / 1e9:.3g} GB", flush=True)
            here = snapshot_download(self.name, revision=self.revision, allow_patterns=chosen)
        except GatedRepoError as error:
            raise UserError(
                f"the model is gated: accept its terms on https://huggingface.co/{self.name}, and "
                "log in with `hf auth login`"
            ) from error
        except RepositoryNotFoundError as error:
            raise UserError(
                "no such folder here, and the hub has no model of this name, or a private one. "
                "Correct the name, or log in with `hf auth login`"
            ) from error
        except RevisionNotFoundError as error:
            raise UserError(
                f"the hub's model has no branch, tag or commit {self.revision!r}. Correct "
                "`revision`, or leave it out for the main branch"
            ) from error
        except (OSError, ValueError) as error:  # the hub's clients raise many kinds
            raise UserError(
                f"could not be fetched: {str(error).splitlines()[0]}. Check the network and the "
                "room in HF_HOME"
            ) from error
        return self._check(Path(here), "is fetched")

    def choose_files(self, names: Sequence[str]) -> list[str]:
        """The files, of all in a repository, that are loaded. Raises UserError if it has no
        weights that transformers loads.
        """
        top = [name for name in names if "/" not in name]
        chosen = [name for name in top if _matches(name, SMALL)]
        chosen += [name for name in names if name.startswith("additional_chat_templates/")]
        if self.gguf_file:
            if self.gguf_file not in names:
                others = ", ".join(n for n in names if n.endswith(".gguf")) or "none"
                raise UserError(
                    f"the model has no file {self.gguf_file!r} (gguf_file); its GGUF files: "
                    f"{others}"
                )
            return [*chosen, self.gguf_file]
        if not self.weights:
            return chosen
        for pattern in WEIGHTS:
            found = [name for name in top if fnmatch(name, pattern)]
            if found:
                return chosen + found
        kinds = ", ".join(sorted({Path(name).suffix or name for name in names}))
        raise UserError(
            f"the model has no weights that transformers loads ({', '.join(WEIGHTS)}); its files "
            f"end in {kinds}. GGUF files need `gguf_file`"
        )

    def _check(self, folder: Path, how: str) -> str:
        """How the model is here; raises UserError if files are missing."""
        if missing := self._list_missing(folder):
            raise UserError(f"{folder} lacks {', '.join(missing)}")
        return how

    def _list_missing(self, folder: Path) -> list[str]:
        if self.gguf_file:
            return [] if (folder / self.gguf_file).exists() else [self.gguf_file]
        here = [path.name for path in folder.iterdir() if path.exists()]
        missing = []
        if self.tokenizer and not any(_matches(name, TOKENIZERS) for name in here):
            missing.append("a tokenizer")
        if self.weights:
            missing += [] if _FACTS in here else [_FACTS]
            missing += [name for name in _list_weights(folder) if name not in here]
            if not any(_matches(name, WEIGHTS) for name in here):
                missing.append("weights")
        return missing


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def _list_weights(folder: Path) -> list[str]:
    """The parts of weights in several files, as the index that is loaded names them."""
    for index in ("model.safetensors.index.json", "pytorch_model.bin.index.json"):
        if (folder / index).exists() and not (folder / "model.safetensors").exists():
            return sorted(set(json.loads((folder / index).read_text())["weight_map"].values()))
    return []


def list_needs(study: Study) -> list[Need]:
    """Everything that a study loads: models in folders or on the hub, then rows of data sets."""
    needs = [Need(key, _describe(model), model.bring) for key, model in _list_models(study)]
    return [*needs, *_list_rows(study)]


def _describe(model: Model) -> str:
    return model.name + (f"@{model.revision}" if model.revision else "")


def _list_models(study: Study) -> Iterator[tuple[str, Model]]:
    for policy in study.policies.released:
        key = f"policies.released, {policy.name}: model"
        yield key, Model(policy.model, policy.revision, policy.gguf_file)
    for recorded in study.policies.recorded:
        if recorded.tokenizer:
            key = f"policies.recorded, {recorded.name}: tokenizer"
            yield key, Model(recorded.tokenizer, weights=False)
    for released in study.rewards.released:
        key, other = f"rewards.released, {released.name}", released.tokenizer
        yield f"{key}: model", Model(released.model, released.revision, tokenizer=other is None)
        if other:
            yield f"{key}: tokenizer", Model(other, weights=False)
        if released.reference:
            yield f"{key}: reference", Model(released.reference, tokenizer=False)


def _list_rows(study: Study) -> Iterator[Need]:
    """Rows are read here as the jobs read them, so that offline nothing else is asked for."""

    def read(source: str, path: str | None, split: str) -> Callable[[bool], str]:
        # a malformed row is the job's concern
        return _bring_rows(path, lambda: f"{len(sources.rows(source, path, split, [])):,} rows")

    for dataset in study.datasets:
        task = build(dataset, study.world, study.code_execution)
        if isinstance(task, PublishedBenchmark) and dataset.solutions_of is None:
            name = _name_source(dataset.source, dataset.path)
            yield Need(f"datasets, {dataset.name}", name, _count(task, dataset))
    for corpus in study.corpora:
        name = _name_source(corpus.source, corpus.path)
        yield Need(f"corpora, {corpus.name}", name, read(corpus.source, corpus.path, "train"))
    for subset in study.search.first_errors.process_bench:
        key = f"search.first_errors.process_bench, {subset.subset}"
        path = subset.path and subset.path.replace("{split}", subset.subset)
        on_hub = {
            "ProcessBench": ("processbench", subset.subset),
            "PRMBench": ("prmbench", "train"),
        }
        source, split = on_hub[subset.bench]
        yield Need(key, _name_source(source, path), read(source, path, split))


def _count(task: PublishedBenchmark, dataset: Dataset) -> Callable[[bool], str]:
    """How the splits of a data set are read that the study uses."""
    splits = [split for split in ("train", "validation", "test") if getattr(dataset, split)]
    return _bring_rows(
        dataset.path,
        lambda: ", ".join(f"{split} {task.count_rows(split):,} rows" for split in splits),
    )


def _bring_rows(path: str | None, read: Callable[[], str]) -> Callable[[bool], str]:
    """Read rows; offline the hub's clients have many words for rows that are missing."""

    def bring(offline: bool) -> str:
        try:
            return read()
        except UserError as error:
            if offline and path is None:
                raise UserError("not whole in the hub's cache") from error
            raise

    return bring


def _name_source(source: str, path: str | None) -> str:
    """A file, or a data set of the hub with its configuration and commit."""
    if path:
        return path
    known = sources.PUBLISHED[source]
    part = known.config or known.files
    return f"{known.hub}@{known.revision[:8]}" + (f", {part}" if part else "")


def bring_all(needs: Sequence[Need], offline: bool) -> list[str]:
    """Bring everything here, or offline only look for it; print a line for each need, and return a
    line for each that is missing.
    """
    missing = []
    for need in needs:
        print(f"{need.key}: {need.name}", flush=True)
        try:
            print(f"    {need.bring(offline)}", flush=True)
        except UserError as error:
            print("    missing", flush=True)
            missing.append(f"- {need.key}: {need.name}: {error}.")
    return missing


def main() -> None:
    """Fetch, then check offline in a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m prmscale.fetch", description=__doc__)
    parser.add_argument(
        "files",
        nargs="+",
        type=Path,
        help="configuration files, each laid over the files before it",
    )
    parser.add_argument(
        "--check", action="store_true", help="only look, without network; exit status 1 if missing"
    )
    given = parser.parse_args()
    try:
        study = configuration.load_files(given.files)
    except UserError as error:
        sys.exit(str(error))
    missing = bring_all(list_needs(study), given.check)
    if missing:
        remedy = "`make fetch` on a machine with a network brings the rest" if given.check else (
            "Correct what is named and run it again: what is fetched stays"
        )  # fmt: skip
        sys.exit("\n".join([f"\n{study.study} lacks:", *missing, f"{remedy}."]))
    if given.check:
        print(f"{study.study}: everything is here; jobs can run with HF_HUB_OFFLINE=1.")
        return
    command = [sys.executable, "-m", "prmscale.fetch", "--check", *map(str, given.files)]
    sys.exit(subprocess.run(command, check=False).returncode)


if __name__ == "__main__":
    main()
