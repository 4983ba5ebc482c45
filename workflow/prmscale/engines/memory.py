"""Memory and GPUs that a model needs, computed from its config.json: what jobs request.

A Llama-like decoder with L layers, width h, H heads and K key-value heads of size d, an MLP of
width m and V words holds (in numbers, not bytes):

- weights: L * (2 * h*H*d + 2 * h*K*d + 3 * h*m) + V*h, and another V*h if the output head is not
  tied to the embedding;
- KV cache: 2 * L*K*d for each token of each sequence in a batch;
- training in float32: the weights, their gradients, and the optimizer's state, which is twice
  (AdamW) or once (Muon) the size of the weights.

Biases, norms and activations are not counted: the share of a GPU that stays free holds them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from huggingface_hub import try_to_load_from_cache
from huggingface_hub.errors import HFValidationError

from prmscale.files import read_json

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
USABLE = 0.9  # fraction of a GPU that weights and cache may fill
PROMPT = 1024  # tokens of a prompt in the cache, beside the generated ones
READ_TOGETHER = 16384  # tokens in a batch of an engine that only reads, with a KV cache
GB = 1e9


class Size(NamedTuple):
    """How many numbers a model has: its weights, and its KV cache per token."""

    weights: int
    cached: int


class Need(NamedTuple):
    """Memory of a model in use, in GB: its weights, and the total.

    `gpus` is the number that the user set (None: computed from the memory). `saved` is what a
    process gathers from the GPUs in main memory to save it, beside what the weights take there.
    """

    weights: float = 0.0
    total: float = 0.0
    gpus: int | None = None
    saved: float = 0.0


def _keys(config: Mapping[str, Any]) -> int:
    """How many numbers one layer's keys of a token are; its values are as many."""
    head = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    return int((config.get("num_key_value_heads") or config["num_attention_heads"]) * head)


def kv_cache_size(config: Mapping[str, Any]) -> int:
    """How many numbers of the KV cache a token takes, for the decoder of a config.json."""
    return 2 * int(config["num_hidden_layers"]) * _keys(config)


def size(config: Mapping[str, Any]) -> Size | None:
    """The size of the model of a config.json; None if it is not Llama-like or has experts."""
    try:
        layers, width, words = (
            config[key] for key in ("num_hidden_layers", "hidden_size", "vocab_size")
        )
        heads, mlp = config["num_attention_heads"], config["intermediate_size"]
    except KeyError:
        return None
    if any("expert" in key for key in config):
        return None
    head = config.get("head_dim") or width // heads
    keys = _keys(config)
    embeddings = words * width * (1 if config.get("tie_word_embeddings") else 2)
    # matrices of the MLP; Pythia's has no gate
    matrices = 2 if config.get("model_type") == "gpt_neox" else 3
    return Size(
        layers * width * (2 * heads * head + 2 * keys + matrices * mlp) + embeddings,
        kv_cache_size(config),
    )


def read_size(folder: str, revision: str | None = None) -> Size | None:
    """The size of the model of a folder, or of a hub name that is in the local cache.

    None if its config.json is not on this machine.
    """
    config = Path(folder) / "config.json"
    if config.exists():
        return size(read_json(config))
    try:
        found = try_to_load_from_cache(folder, "config.json", revision=revision)
    except HFValidationError:  # not a hub name: a folder that does not exist yet, or package:NAME
        return None
    return size(read_json(found)) if isinstance(found, str) else None


def generating(
    model: Size | None, dtype: str, batch: int, tokens: int, gpus: int | None = None
) -> Need:
    """The need to sample `batch` sequences of up to `tokens` new tokens together."""
    model = model or Size(0, 0)
    weights = BYTES[dtype] * model.weights / GB
    return Need(
        weights, weights + BYTES[dtype] * model.cached * batch * (PROMPT + tokens) / GB, gpus
    )


def reading(
    model: Size | None,
    copies: int = 1,
    gpus: int | None = None,
    dtype: str = "float32",
    tokens: int = 0,
) -> Need:
    """The need to score texts with `copies` of a model, each with a KV cache of `tokens` tokens."""
    model = model or Size(0, 0)
    weights = copies * BYTES[dtype] * model.weights / GB
    return Need(weights, weights + copies * BYTES[dtype] * model.cached * tokens / GB, gpus)


def differentiating(model: Size | None) -> Need:
    """The need to compute a response's gradients in float32, block by block.

    It is the weights, and one byte for the sign of each of them.
    """
    weights = BYTES["float32"] * model.weights / GB if model else 0.0
    return Need(weights, 1.25 * weights)


def training(
    model: Size | None,
    optimizer: Literal["muon", "adamw"],
    gpus: int | None = None,
    adapters: bool = False,
) -> Need:
    """The need to train all weights of a model in float32, or LoRA adapters beside them.

    Adapters are assumed to need a quarter of the weights' memory. The first process saves the
    weights, and then AdamW's state, which is twice as large.
    """
    weights = BYTES["float32"] * model.weights / GB if model else 0.0
    copies = 1.25 if adapters else 4 if optimizer == "adamw" else 3
    return Need(weights, weights * copies, gpus, weights if copies == 4 else 0.0)


def gpus(needs: Iterable[Need], gpu_memory_gb: float, per_node: int) -> int:
    """The number of GPUs for models in use together: as the user set, or enough to hold them.

    At least 1, and a power of two, because a model's attention heads are split evenly. What does
    not fit into a node of `per_node` GPUs takes whole nodes.
    """
    found = _count(needs, gpu_memory_gb)
    return found if found <= per_node else per_node * nodes(found, per_node)


def nodes(gpus: int, per_node: int) -> int:
    """The number of nodes that have so many GPUs; one for a job without GPUs."""
    return max(1, math.ceil(gpus / per_node))


def _count(needs: Iterable[Need], gpu_memory_gb: float) -> int:
    needs = list(needs)
    set_by_user = [need.gpus for need in needs if need.gpus]
    if set_by_user:
        return max(set_by_user)
    least = sum(need.total for need in needs) / (USABLE * gpu_memory_gb)
    return 2 ** max(0, math.ceil(math.log2(least))) if least else 1
