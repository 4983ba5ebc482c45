"""Packs texts into trees of tokens, so that a causal model reads shared prefixes only once.

The solutions of one problem share its prompt and often their first steps. In a tree a token attends
only to the tokens on its path from the root, and its position is that in its text, so the model's
outputs equal those for each text by itself. (Tree attention of speculative decoding, SpecInfer,
arXiv 2305.09781, used for reading.)
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Tree:
    """Tokens in depth-first order: a token's descendants follow it directly.

    `ids`, `positions` in their texts and `ends` (one past the last descendant) are [tokens].
    `places` maps the number of each text to the places of its tokens.
    """

    ids: Numbers
    positions: Numbers
    ends: Numbers
    places: dict[int, Numbers]


def accepts_trees(model: PreTrainedModel) -> bool:
    """Whether the model accepts explicit position_ids and a custom mask (rotary, full attention).

    Its attention must be torch's, which accepts a boolean mask in every precision.
    """
    config: Any = model.config.get_text_config()
    other_layers = set(getattr(config, "layer_types", None) or []) - {"full_attention"}
    limited = getattr(config, "sliding_window", None) or other_layers
    rotary = any("Rotary" in type(module).__name__ for module in model.modules())
    accepted = inspect.signature(model.forward).parameters.keys()
    explicit = {"position_ids", "attention_mask"} <= accepted
    return rotary and explicit and not limited and config._attn_implementation == "sdpa"


def cost(tokens: int, width: int) -> int:
    """What reading so many tokens together costs: n (n + 6 width).

    In a decoder layer, attention to n tokens takes 4 n width FLOPs a token, and all else about 24
    width².
    """
    return tokens * (tokens + 6 * width)


def pack(texts: Sequence[Sequence[int]], width: int) -> list[Tree]:
    """Trees that hold each text (token ids) once; a text joins a similar tree if that is cheaper.

    `width` is the model's hidden size.
    """
    # for each tree its texts, each with the length of the prefix that it shares with the one before
    groups: list[list[tuple[int, int]]] = []
    size, before = 0, np.empty(0, dtype=np.int64)
    arrays = [np.asarray(text, dtype=np.int64) for text in texts]
    for number in sorted(range(len(texts)), key=lambda i: tuple(texts[i])):
        text = arrays[number]
        # of all texts before it in this order, the last one shares the longest prefix
        shared = _count_shared(before, text)
        grown = size + len(text) - shared
        if groups and cost(grown, width) - cost(size, width) <= cost(len(text), width):
            groups[-1].append((number, shared))
            size = grown
        else:
            groups.append([(number, 0)])
            size = len(text)
        before = text
    return [_build_tree(arrays, group) for group in groups]


def _count_shared(a: Numbers, b: Numbers) -> int:
    """The length of the common prefix."""
    length = min(len(a), len(b))
    differ = np.flatnonzero(a[:length] != b[:length])
    return int(differ[0]) if len(differ) else length


def _build_tree(texts: Sequence[Numbers], group: Sequence[tuple[int, int]]) -> Tree:
    """The tree of some texts in lexicographic order.

    `group` holds each text's number and the length of the prefix it shares with the one before.
    """
    size = sum(len(texts[number]) - shared for number, shared in group)
    ids, positions, ends = (np.empty(size, dtype=np.int64) for _ in range(3))
    places: dict[int, Numbers] = {}
    path, end = np.empty(0, dtype=np.int64), 0
    for number, shared in group:
        start, end = end, end + len(texts[number]) - shared
        path = np.concatenate([path[:shared], np.arange(start, end)])
        ids[path], positions[path], ends[path] = texts[number], np.arange(len(path)), end
        places[number] = path
    return Tree(ids, positions, ends, places)


def inputs(trees: Sequence[Tree], model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """The model's arguments for trees: ids and positions [trees, longest], and a mask.

    The mask [trees, 1, longest, longest] is true where a token attends to another. It is left out
    if no tree branches, because the causal kernel is faster.
    """
    longest = max(len(tree.ids) for tree in trees)
    ids, positions, ends = np.zeros((3, len(trees), longest), dtype=np.int64)
    # padding attends to padding: a row of the mask that allows nothing would give NaN
    ends[:] = longest
    for row, tree in enumerate(trees):
        size = len(tree.ids)
        ids[row, :size], positions[row, :size] = tree.ids, tree.positions
        ends[row, :size] = tree.ends
    arguments: dict[str, NDArray[Any]] = {"input_ids": ids, "position_ids": positions}
    if any(len(tree.places) > 1 for tree in trees):
        place = np.arange(longest)
        query = place[:, None]
        allowed = (place <= query) & (query < ends[:, None])
        arguments["attention_mask"] = allowed[:, None]
    return {name: torch.from_numpy(array).to(model.device) for name, array in arguments.items()}
