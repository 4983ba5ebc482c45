"""Loads Hugging Face folders and hub names, with readable errors."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from accelerate import dispatch_model, infer_auto_device_map
from accelerate.utils import get_balanced_memory
from huggingface_hub import hf_hub_download
from safetensors import SafetensorError
from transformers import AutoConfig, AutoTokenizer, PreTrainedModel

from prmscale.engines import heads  # noqa: F401  (registers its models with the Auto classes)
from prmscale.errors import UserError
from prmscale.files import fingerprint, verify
from prmscale.study import Dtype, DtypeChoice

WEIGHTS = (".safetensors", ".gguf")
# else transformers asks a service of the hub to convert other weights, and loads what that made
os.environ["DISABLE_SAFETENSORS_CONVERSION"] = "1"


@dataclass(frozen=True)
class Weights:
    """The weights of a language model: a folder or hub name, their number format (auto: the
    device's, see `choose_dtype`), and the branch, tag or commit on the hub.
    """

    folder: str | Path
    dtype: DtypeChoice = "float32"
    revision: str | None = None

    def hash(self) -> str:
        """A short hash of the weights in a folder; for a hub name, the commit."""
        return weights_hash(self.folder, self.revision)


def choose_dtype(dtype: DtypeChoice, device: str) -> Dtype:
    """The number format that weights are loaded in.

    auto: bfloat16 on GPUs and on CPUs with AMX or AVX512-BF16, else float16 on GPUs and float32 on
    CPUs.
    """
    if dtype != "auto":
        return dtype
    if device == "cpu":
        return "bfloat16" if _computes_in_bfloat16() else "float32"
    able = torch.cuda.is_bf16_supported(including_emulation=False)
    return "bfloat16" if able else "float16"


def announce_dtype(name: str | Path, dtype: DtypeChoice, device: str) -> Dtype:
    """Choose the number format of a model's weights and print it; warns of one that the CPU must
    emulate, which takes several times as long.
    """
    chosen = choose_dtype(dtype, device)
    print(f"{name}: weights in {chosen} on {device}")
    if (device, chosen) == ("cpu", "bfloat16") and not _computes_in_bfloat16():
        print(
            f"Warning: {name}: this CPU has no instructions for bfloat16 and may take several "
            "times as long as in float32; `dtype: auto` chooses float32 here."
        )
    return chosen


def _computes_in_bfloat16() -> bool:
    """Whether this machine's CPU has instructions for bfloat16."""
    able = torch.cpu.get_capabilities()
    return any(able.get(name) for name in ("amx_bf16", "avx512_bf16"))


def load_pretrained(
    auto: Any, name: str | Path, revision: str | None = None, **options: Any
) -> Any:
    """`auto.from_pretrained(name)`; raises UserError that says what is missing and what to do.

    Code in the folder is never run; heads that bring code are registered here. Weights are read
    from safetensors alone, or from the GGUF file that `gguf_file` names. Files that this pipeline
    wrote must be as it wrote them, and weights must be finite.
    """
    if Path(name).is_dir():
        _verify_once(Path(name))
    if auto not in (AutoConfig, AutoTokenizer):
        options["use_safetensors"] = True
    try:
        loaded = auto.from_pretrained(
            str(name), revision=revision or "main", trust_remote_code=False, **options
        )
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        kind = "folder" if Path(name).exists() else "hub name (no such folder here)"
        raise UserError(
            f"{name}: the {kind} could not be loaded by {auto.__name__}: "
            f"{str(error).splitlines()[0]}. Give a folder saved with save_pretrained, or a hub "
            "name this machine can reach (HF_HOME holds the cache). Weights must be safetensors: "
            "pytorch_model.bin is not read (save_pretrained converts it)."
        ) from error
    if isinstance(loaded, torch.nn.Module):
        _require_finite_weights(loaded, name)
    return loaded


@cache
def _verify_once(folder: Path) -> None:
    """Compare a folder with its checksums, once in a process."""
    verify(folder)


def _require_finite_weights(model: torch.nn.Module, name: str | Path) -> None:
    """Raise UserError if a weight is NaN or infinite: every score would be."""
    for parameter, values in model.named_parameters():
        if values.is_floating_point() and not torch.isfinite(values).all():
            raise UserError(
                f"{name}: the weights {parameter} are not finite (NaN or infinite). The training "
                "that made them diverged, or the file is damaged: train or fetch the model again"
            )


def weights_hash(name: str | Path, revision: str | None = None) -> str:
    """A short hash of the weights in a folder; for a hub name, the commit."""
    folder = Path(name)
    if folder.is_dir():
        return fingerprint(*sorted(p for p in folder.iterdir() if p.suffix in WEIGHTS))
    load_pretrained(AutoConfig, name, revision)  # in the cache from here on, or a readable error
    return Path(hf_hub_download(str(name), "config.json", revision=revision)).parent.name


def released_hashes(
    models: Iterable[tuple[str | Path, str | None]], inputs: Iterable[str]
) -> list[str]:
    """A hash of each model (folder or hub name, revision) that is no input file of the job: of all
    files of a folder, tokenizer included; for a hub name, the commit.
    """
    hashes, made_here = [], set(map(str, inputs))
    for name, revision in models:
        if str(name) not in made_here:
            is_folder = Path(name).is_dir()
            hashes.append(fingerprint(Path(name)) if is_folder else weights_hash(name, revision))
    return hashes


def place(model: PreTrainedModel, device: str) -> PreTrainedModel:
    """Move a model to the device, in evaluation mode.

    If the first GPU cannot hold it, its layers are spread over the GPUs of the job.
    """
    if device == "cuda" and model.get_memory_footprint() > 0.8 * torch.cuda.mem_get_info(0)[0]:
        whole = {"no_split_module_classes": model._no_split_modules}
        memory = get_balanced_memory(model, **whole)
        devices = infer_auto_device_map(model, max_memory=memory, **whole)
        return dispatch_model(model, devices).eval()
    return model.eval().to(device)  # type: ignore[arg-type]
