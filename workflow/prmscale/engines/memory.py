"""Memory that a model takes in use, and the GPUs it wants: what jobs ask a cluster for, told from
config.json alone.

In numbers (not bytes), of a decoder of the Llama kind with L layers, width h, H heads and K
key-value heads of size d, an MLP of width m and V words:

- weights: L * (2 * h*H*d + 2 * h*K*d + 3 * h*m) + V*h, once more V*h where the output head is its
  own;
- KV cache: 2 * L*K*d for each token of each sequence that is generated together;
- training in float32: the weights, as many gradients, and an optimiser's state of twice (AdamW) or
  once (Muon) as many.

Biases, norms and activations are not counted: they find room in the share of a GPU that is left
free.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

from huggingface_hub import try_to_load_from_cache
from huggingface_hub.errors import HFValidationError

from prmscale.files import read_json

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
USABLE = 0.9  # share of a GPU that weights and cache may fill
PROMPT = 1024  # tokens of a prompt, which are in the cache beside those that are generated
READ_TOGETHER = 16384  # tokens that an engine with a KV cache reads together, where it only reads
GB = 1e9


class Size(NamedTuple):
    """Numbers in a model: its weights, and what a token leaves in its KV cache."""

    weights: int
    cached: int


class Need(NamedTuple):
    """Memory of a model in use, in GB: its weights, all of it; and the GPUs the user wants it on
    (None: count them).
    """

    weights: float = 0.0
    total: float = 0.0
    gpus: int | None = None


def _keys(config: Mapping[str, Any]) -> int:
    """Numbers in one layer's keys of a token; its values are as many."""
    head = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    return int((config.get("num_key_value_heads") or config["num_attention_heads"]) * head)


def cached(config: Mapping[str, Any]) -> int:
    """Numbers that a token leaves in the KV cache of the decoder that a config.json describes."""
    return 2 * int(config["num_hidden_layers"]) * _keys(config)


def size(config: Mapping[str, Any]) -> Size | None:
    """The size of the model that a config.json describes; None if it is not of the Llama kind or
    has experts.
    """
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
    matrices = (
        2 if config.get("model_type") == "gpt_neox" else 3
    )  # of the MLP: Pythia's has no gate
    return Size(
        layers * width * (2 * heads * head + 2 * keys + matrices * mlp) + embeddings, cached(config)
    )


def read_size(folder: str, revision: str | None = None) -> Size | None:
    """The size of the model in a folder, or of a hub name in the cache; None if no config.json of
    it lies here.
    """
    try:
        return size(read_json(f"{folder}/config.json"))
    except OSError:
        pass
    try:
        found = try_to_load_from_cache(folder, "config.json", revision=revision)
    except HFValidationError:  # no hub name: a folder that is still to be made, or package:NAME
        return None
    return size(read_json(found)) if isinstance(found, str) else None


def generating(
    model: Size | None, dtype: str, batch: int, tokens: int, gpus: int | None = None
) -> Need:
    """To sample `batch` sequences of up to `tokens` new tokens together."""
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
    """To score texts with `copies` of a model at once, each with a KV cache of `tokens` tokens."""
    model = model or Size(0, 0)
    weights = copies * BYTES[dtype] * model.weights / GB
    return Need(weights, weights + copies * BYTES[dtype] * model.cached * tokens / GB, gpus)


def differentiating(model: Size | None) -> Need:
    """To take a response's gradients in float32 block by block: the weights, and for each the byte
    of its sign.
    """
    weights = BYTES["float32"] * model.weights / GB if model else 0.0
    return Need(weights, 1.25 * weights)


def training(
    model: Size | None,
    optimizer: Literal["muon", "adamw"],
    gpus: int | None = None,
    adapters: bool = False,
) -> Need:
    """To train all weights of a model in float32, or low-rank adapters beside them (a quarter is
    left for those).
    """
    weights = BYTES["float32"] * model.weights / GB if model else 0.0
    copies = 1.25 if adapters else 4 if optimizer == "adamw" else 3
    return Need(weights, weights * copies, gpus)


def gpus(needs: Iterable[Need], gpu_memory_gb: float) -> int:
    """GPUs for models that are in use together: what the user wants, or else as many as hold them,
    1 at least.

    A power of two, because a model is split evenly over its attention heads.
    """
    needs = list(needs)
    wanted = [need.gpus for need in needs if need.gpus]
    if wanted:
        return max(wanted)
    least = sum(need.total for need in needs) / (USABLE * gpu_memory_gb)
    return 2 ** max(0, math.ceil(math.log2(least))) if least else 1
