"""A model on vLLM, for the engines that sample and score by it, and what it refuses as errors for
people.

vLLM is installed in an environment of its own (`make vllm`), never beside the rest of the pipeline.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedConfig

from prmscale import seeds
from prmscale.engines import memory
from prmscale.errors import UserError

# the scheduler in this process: the same requests make the same batches, and so the same bytes
os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")


@contextmanager
def refusals(name: str) -> Iterator[None]:
    """Raise UserError where vLLM is missing, or does not take this model or text; the log tells
    where it failed.
    """
    try:
        yield
    except ImportError as error:
        raise UserError(
            f"{name} is to run on vllm, which this Python lacks ({error}); `make vllm` sets up "
            ".venv-vllm, which jobs then use"
        ) from error
    except (
        ValueError,
        RuntimeError,
        AssertionError,
    ) as error:  # what it raises at a model, a text and on the way
        traceback.print_exc()
        said = str(error).strip() or type(error).__name__
        raise UserError(
            f"{name}: vLLM fails: {said}\nThe engine transformers may take what vLLM does not."
        ) from error


def load(
    name: str,
    folder: str | Path,
    gpus: int,
    need: memory.Need,
    seed: int,
    revision: str | None = None,
    **options: Any,
) -> Any:
    """The model of a folder or hub name on vLLM, its weights split over `gpus` GPUs (tensor
    parallelism).

    It takes the memory that it is said to `need`, which jobs have asked for: another model finds
    room beside it.
    """
    gpus = max(1, gpus)
    cuda = torch.cuda.is_available()
    # the share of a GPU that vLLM wants free when it starts; by itself it asks for nearly all
    share = (
        need.total * memory.GB / gpus / torch.cuda.get_device_properties(0).total_memory
        if cuda
        else 1.0
    )
    with refusals(name):
        from vllm import LLM

        return LLM(
            str(folder),
            revision=revision,
            tokenizer_revision=revision,
            tensor_parallel_size=gpus,
            max_model_len=-1,  # as long as model and cache allow
            gpu_memory_utilization=min(memory.USABLE, share),
            kv_cache_memory_bytes=int((need.total - need.weights) * memory.GB / gpus),
            enforce_eager=not cuda,
            # on CPUs a seeded draw fails whose prompt is read in parts: its random numbers cannot
            # be turned back
            enable_chunked_prefill=None if cuda else False,
            seed=seeds.seed_of(seed, name) % 2**31,
            **options,
        )


def size(name: str, config: PreTrainedConfig) -> memory.Size:
    """The size that the model's cache is counted from; raises UserError where its configuration
    does not tell it.
    """
    found = memory.size(config.to_dict())
    if found is None:
        raise UserError(
            f"{name}: vLLM's cache is only known for models of the Llama kind; use the engine "
            "transformers"
        )
    return found
