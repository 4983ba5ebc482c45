"""Published data sets: their origin, their rows (of a local file or the Hugging Face hub), and
their splits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from prmscale import seeds
from prmscale.errors import UserError
from prmscale.tasks.base import bucket
from prmscale.tasks.benchmarks.rows import Rows, read_file


@dataclass(frozen=True)
class Published:
    """A data set on the hub: its commit and its licence.

    `splits` maps train, validation and test to the published split that holds them. `files` are the
    data files of a set for which the hub only has a loading script, which `datasets` does not run.
    `line_by_line` is set if the rows have different schemas, which `datasets` does not accept.
    `left_out` maps the ids of problems that nobody can solve as published to the reason.
    """

    hub: str
    revision: str
    licence: str
    splits: Mapping[str, str]
    config: str | None = None
    files: str | None = None
    line_by_line: bool = False
    left_out: Mapping[str, str] = field(default_factory=dict)

    def files_of(self, split: str) -> str | None:
        """The pattern of the files of a published split; None: all files of the data set."""
        return self.files and self.files.format(split=split)


OF_FILE = "that of the file"  # the licence of problems in a user's own file
_ONE_PIECE = dict.fromkeys(("train", "validation", "test"), "test")
_PUBLISHED = {"train": "train", "validation": "validation", "test": "test"}
_NO_VALIDATION = {"train": "train", "validation": "train", "test": "test"}
_TEST_ONLY = {"test": "test"}
_TRAIN_ONLY = {"train": "train", "validation": "train"}

PUBLISHED = {
    "gsm8k": Published(
        "openai/gsm8k", "740312add88f781978c0658806c59bc2815b9866", "MIT", _NO_VALIDATION, "main"
    ),
    "math": Published(
        "HuggingFaceH4/MATH-500", "6e4ed1a2a79af7d8630a6b768ec859cb5af4d3be", "MIT", _ONE_PIECE
    ),
    "math500": Published(
        "HuggingFaceH4/MATH-500", "6e4ed1a2a79af7d8630a6b768ec859cb5af4d3be", "MIT", _TEST_ONLY
    ),
    "hendrycks_math": Published(
        "EleutherAI/hendrycks_math",
        "21a5633873b6a120296cce3e2df9d5550074f4a3",
        "MIT",
        _TRAIN_ONLY,  # MATH-500 is drawn from its test problems
        files="*/{split}-*.parquet",
    ),
    "gsm8k_platinum": Published(
        "madrylab/gsm8k-platinum",
        "e762492455a1cf7967de89f05b6bef72fc713b66",
        "CC BY-SA 4.0 (the problems of GSM8K: MIT)",
        _TEST_ONLY,
        "main",
    ),
    "aime24": Published(
        "HuggingFaceH4/aime_2024",
        "2fe88a2f1091d5048c0f36abc874fb997b3dd99a",
        "not stated on its card (problems: Mathematical Association of America)",
        {"test": "train"},
    ),
    "aime25": Published(
        "math-ai/aime25",
        "563bb8404243c5f09de6ec262f2db674fe5bce9b",
        "Apache 2.0 (problems: Mathematical Association of America)",
        _TEST_ONLY,
    ),
    "amc": Published(
        "AI-MO/aimo-validation-amc",
        "69d78a4a2c840e82d69af6bc742bda09005f6316",
        "Apache 2.0 (problems: Mathematical Association of America)",
        {"test": "train"},
    ),
    "minerva_math": Published(
        "math-ai/minervamath",
        "ee46ddc498933b1977577953250ca5c66be64f96",
        "not checked (problems: MIT OpenCourseWare)",
        _TEST_ONLY,
    ),
    "olympiadbench": Published(
        "Hothan/OlympiadBench",
        "91184b52131e7fc9455fef848035173aea8cc01a",
        "Apache 2.0",
        {"test": "train"},
        "OE_TO_maths_en_COMP",  # open-ended, text only, in English: 674 problems
    ),
    "gpqa": Published(
        "Idavidrein/gpqa",
        "633f5ee89ab8ad4522a9f850766b73f62147ffdd",
        "CC BY 4.0",
        {"test": "train"},
        "gpqa_diamond",
    ),
    "mmlu_pro": Published(
        "TIGER-Lab/MMLU-Pro", "b189ec765aa7ed75c8acfea42df31fdae71f97be", "MIT", _TEST_ONLY
    ),
    "humaneval": Published(
        "openai/openai_humaneval", "7dce6050a7d6d172f3cc5c32aa97f52fa1a2e544", "MIT", _ONE_PIECE
    ),
    "mbpp": Published(
        "google-research-datasets/mbpp",
        "4bb6404fdc6cacfda99d4ac4205087b89d32030c",
        "CC BY 4.0",
        _PUBLISHED,
        "sanitized",
    ),
    "humanevalplus": Published(
        "evalplus/humanevalplus",
        "d32357cf319e50e9c8d8dab5ea876c72b0fd321b",
        "Apache 2.0 (the problems of HumanEval: MIT)",
        _TEST_ONLY,
        left_out={
            "HumanEval/32": "its published test unpacks a number, so that every solution fails"
        },
    ),
    "mbppplus": Published(
        "evalplus/mbppplus",
        "b2d74c91837c3f2a20c1299ae98133cbe7cfa077",
        "Apache 2.0 (the problems of MBPP: CC BY 4.0)",
        _TEST_ONLY,
        left_out={"255": "a value of its tests takes more than a gigabyte"},
    ),
    "livecodebench": Published(
        "livecodebench/code_generation_lite",
        "0fe84c3912ea0c4d4a78037083943e8f0c4dd505",
        "CC (the card names no variant; the terms of AtCoder, Codeforces and LeetCode apply)",
        _TEST_ONLY,
        files="test*.jsonl",  # all of them together are release_v6
    ),
    "bigcodebench": Published(
        "bigcode/bigcodebench",
        "b74c0d0bf70d2c0bc459be537895cca163007f1a",
        "Apache 2.0",
        _TEST_ONLY,
        files="data/v0.1.4-*.parquet",
    ),
    "taco": Published(
        "BAAI/TACO",
        "d593ed0a2becbbc952230bb89be09189bf1056dc",
        "Apache 2.0 (parts MIT or CC BY 4.0; some sites' terms are unknown)",
        _NO_VALIDATION,
        files="ALL/{split}-*.parquet",
    ),
    "apps": Published(
        "codeparrot/apps",
        "21e74ddf8de1a21436da12e3e653065c5213e9d1",
        "MIT",
        _NO_VALIDATION,
        files="{split}.jsonl",
    ),
    "codecontests": Published(
        "deepmind/code_contests",
        "802411c3010cb00d1b05bad57ca77365a3c699d6",
        "CC BY 4.0",
        {"train": "train", "validation": "valid", "test": "test"},
    ),
    # labelled solutions; of PRM800K the test part is left alone, as its problems are MATH-500
    "prm800k": Published(
        "tasksource/PRM800K",  # the files of github.com/openai/prm800k, both phases
        "547b19506677a59037ee888838834b65e9b1ddd4",
        "MIT",
        {"train": "train"},
        files="phase*_{split}.jsonl",
        line_by_line=True,
    ),
    "math_shepherd": Published(
        "peiyi9979/Math-Shepherd",
        "ae6b0c54fca9fa26096f7de175c747e4b262e01a",
        "not stated on its card (problems of GSM8K and MATH: MIT)",
        {"train": "train"},
        files="math-shepherd.jsonl",
    ),
    "trl_stepwise": Published(
        "trl-lib/math_shepherd",
        "004d0e7dc9249b4af58ce41e58b7d2fef184dade",
        "not stated on its card (problems of GSM8K and MATH: MIT)",
        {"train": "train"},
    ),
    "processbench": Published(
        "Qwen/ProcessBench",
        "3bdcd5371ed567559a78f559c01c13a6deee7604",
        "Apache 2.0",
        {name: name for name in ("gsm8k", "math", "olympiadbench", "omnimath")},
    ),
    "prmbench": Published(
        "hitsmy/PRMBench_Preview",
        "5cc7683d0ae5797f84d7aeac0607966f277c39e1",
        "Apache 2.0",
        {"test": "train"},
    ),
}


def rows(source: str, path: str | None, split: str, broken: list[str] | None = None) -> Rows:
    """All rows of a published split, from a local file or from the hub.

    A local file is JSON lines, a JSON list, CSV with a header (all columns are texts) or Parquet;
    in its path, {split} stands for the split.
    A line that is not valid JSON raises UserError; with a list `broken`, the line is left out and
    the message is appended to the list.
    """
    if path is None:
        return _read_hub(PUBLISHED[source], split, broken)
    return read_file(Path(path.replace("{split}", split)).expanduser(), broken)


def rows_of_split(source: str, path: str | None, split: str, key: str) -> tuple[Rows, list[int]]:
    """The rows of the file that holds a split, and the indices of the rows in the split.

    A published split stays as it is. If no validation split is published, every tenth row of train
    is validation. If one local file without {split} holds all of a set that is published in several
    splits, the hash of column `key` decides which split a row belongs to.
    """
    splits = PUBLISHED[source].splits
    if split not in splits and "{split}" not in (path or ""):
        raise UserError(f"{source} has no {split!r} problems; possible: {', '.join(splits)}")
    published = splits.get(split, split)
    found = rows(source, path, published)
    if path is not None and "{split}" not in path and len(splits) > 1:
        return found, part([str(found.field(i, key, object)) for i in range(len(found))], split)
    if splits.get("validation") == splits.get("train") == published:
        return found, hold_out_tenth(found, split)
    return found, list(range(len(found)))


def hold_out_tenth(rows: Rows, split: str) -> list[int]:
    """The indices of a split where every tenth published row is validation."""
    return [i for i in range(len(rows)) if (i % 10 == 9) == (split == "validation")]


def _read_hub(known: Published, split: str, broken: list[str] | None) -> Rows:
    from datasets import load_dataset
    from huggingface_hub import snapshot_download

    pattern = known.files_of(split)
    try:
        # the files at the pinned commit: without a network, `datasets` would take the newest
        # version in its own cache, whatever the commit
        folder = Path(
            snapshot_download(
                known.hub,
                repo_type="dataset",
                revision=known.revision,
                allow_patterns=pattern,
            )
        )
        if pattern is None:
            found = load_dataset(str(folder), known.config, split=split)
            return Rows(found, f"{known.hub}, {split}")
        files = sorted(folder.glob(pattern))
        if known.line_by_line:
            return _join(known.hub, [read_file(file, broken) for file in files])
        kind = "parquet" if pattern.endswith("parquet") else "json"
        found = load_dataset(kind, data_files=[*map(str, files)], split="train")
    except UserError:
        raise
    except Exception as error:  # the hub's clients raise many kinds
        raise UserError(
            f"{known.hub} could not be loaded from the Hugging Face hub: "
            f"{str(error).splitlines()[0]}. Check the network, fetch it where there is one (`make "
            "fetch`), or give a local file: path in the configuration"
        ) from error
    return Rows(found, f"{known.hub}, {split}")


def _join(name: str, parts: Sequence[Rows]) -> Rows:
    """The rows of several files, each with its place."""
    places = [part.locate(index) for part in parts for index in range(len(part))]
    return Rows([row for part in parts for row in part], name, places)


def part(names: Sequence[str], split: str) -> list[int]:
    """The indices of a split of a set published in one piece: train 50, validation 10, test 40 %.

    The hash of a problem's name decides which split it belongs to, whatever the other rows are.
    """
    shares = {"train": range(50), "validation": range(50, 60), "test": range(60, 100)}
    return [i for i, name in enumerate(names) if bucket(name) in shares[split]]


def choose(available: Sequence[int], count: int | None, seed: int, name: str) -> list[int]:
    """The first `count` of the available rows (None: all) in an order that `seed` fixes.

    Raises UserError if there are fewer.
    """
    if count is not None and count > len(available):
        raise UserError(f"{name}: {count} problems are asked for and there are {len(available)}")
    order = seeds.generator(seed, name).permutation(len(available))
    return [available[i] for i in order[:count]]
