"""Loads models on vLLM, for the engines that sample and score, and explains its errors.

vLLM is installed in a separate environment (`make vllm`), never in that of the pipeline.
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

# run the scheduler in this process: equal requests form equal batches and give equal bytes
os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")


@contextmanager
def refusals(name: str) -> Iterator[None]:
    """Raise UserError if vLLM is missing or refuses a model or text; prints its traceback."""
    try:
        yield
    except ImportError as error:
        raise UserError(
            f"{name} is to run on vllm, which this Python lacks ({error}); `make vllm` sets up "
            ".venv-vllm, which jobs then use"
        ) from error
    # raised for a model, for a text and during a run
    except (ValueError, RuntimeError, AssertionError) as error:
        traceback.print_exc()
        reason = str(error).strip() or type(error).__name__
        raise UserError(
            f"{name}: vLLM fails: {reason}\nThe engine transformers may support what vLLM does not."
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
    """The model of a folder or hub name on vLLM, split over `gpus` GPUs (tensor parallelism).

    It reserves the memory that it `need`s, which the job has requested, and leaves the rest to
    other models.
    """
    gpus = max(1, gpus)
    cuda = torch.cuda.is_available()
    # the fraction of a GPU that must be free when vLLM starts; its default is nearly all
    fraction = 1.0
    if cuda:
        available = torch.cuda.get_device_properties(0).total_memory
        fraction = need.total * memory.GB / gpus / available
    with refusals(name):
        from vllm import LLM

        return LLM(
            str(folder),
            revision=revision,
            tokenizer_revision=revision,
            load_format="safetensors",
            tensor_parallel_size=gpus,
            max_model_len=-1,  # as much as model and cache allow
            gpu_memory_utilization=min(memory.USABLE, fraction),
            kv_cache_memory_bytes=int((need.total - need.weights) * memory.GB / gpus),
            enforce_eager=not cuda,
            # on CPUs a seeded draw fails if its prompt is read in chunks: its random generator
            # cannot be rewound
            enable_chunked_prefill=None if cuda else False,
            seed=seeds.seed_of(seed, name) % 2**31,
            **options,
        )


def size(name: str, config: PreTrainedConfig) -> memory.Size:
    """The size of the model; raises UserError if its configuration is not Llama-like."""
    found = memory.size(config.to_dict())
    if found is None:
        raise UserError(
            f"{name}: the size of vLLM's cache is known for Llama-like models only; use the engine "
            "transformers"
        )
    return found
