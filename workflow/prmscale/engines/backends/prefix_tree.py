"""Texts that begin alike, packed into trees of tokens, so that a causal model reads what they share
only once.

The solutions of one problem share its prompt and often their first steps. In a tree a token attends
to those on its way from the root alone, and its position is that in its text: so the model says of
it what it says of it in the text by itself. (The tree attention of speculative decoding, SpecInfer,
arXiv 2305.09781, put to reading.)
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
    """Tokens, parents before children and a token's descendants right behind it.

    `ids`, `positions` in their texts and `ends`, one past the last descendant, are [tokens];
    `places` gives for each text, by its number, where its tokens stand.
    """

    ids: Numbers
    positions: Numbers
    ends: Numbers
    places: dict[int, Numbers]


def readable(model: PreTrainedModel) -> bool:
    """Whether a model can be told positions and what each token attends to, and knows nothing else
    of their order.

    Its attention must be torch's, which takes a mask of truth values whatever the precision.
    """
    config: Any = model.config.get_text_config()
    limited = getattr(config, "sliding_window", None) or {
        *(getattr(config, "layer_types", None) or [])
    } - {"full_attention"}
    rotary = any("Rotary" in type(module).__name__ for module in model.modules())
    told = {"position_ids", "attention_mask"} <= inspect.signature(model.forward).parameters.keys()
    return rotary and told and not limited and config._attn_implementation == "sdpa"


def pack(texts: Sequence[Sequence[int]], width: int) -> list[Tree]:
    """Trees that hold each text (token ids) once; a text joins the tree of those alike where that
    is cheaper.

    `width` is the model's hidden size. Reading n tokens together costs n (n + 6 width): in a
    decoder layer attention to each of n takes 4 n width FLOPs a token, and all else about 24
    width².
    """

    def cost(tokens: int) -> int:
        return tokens * (tokens + 6 * width)

    groups: list[
        list[tuple[int, int]]
    ] = []  # of each tree its texts, each with the length that it shares
    size, before = 0, np.empty(0, dtype=np.int64)
    arrays = [np.asarray(text, dtype=np.int64) for text in texts]
    for number in sorted(range(len(texts)), key=lambda i: tuple(texts[i])):
        text = arrays[number]
        shared = _shared(
            before, text
        )  # of all texts before it in this order, the last one shares most
        grown = size + len(text) - shared
        if groups and cost(grown) - cost(size) <= cost(len(text)):
            groups[-1].append((number, shared))
            size = grown
        else:
            groups.append([(number, 0)])
            size = len(text)
        before = text
    return [_tree(arrays, group) for group in groups]


def _shared(a: Numbers, b: Numbers) -> int:
    """With how many tokens both begin."""
    length = min(len(a), len(b))
    differ = np.flatnonzero(a[:length] != b[:length])
    return int(differ[0]) if len(differ) else length


def _tree(texts: Sequence[Numbers], group: Sequence[tuple[int, int]]) -> Tree:
    """The tree of some texts in lexicographic order, each with the length that it shares with the
    one before.
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
    """What a model reads of trees: ids and positions [trees, longest], and what each token attends
    to [trees, 1, longest, longest]; nothing of the last where no tree branches, as a causal model's
    own kernel is faster.
    """
    longest = max(len(tree.ids) for tree in trees)
    ids, positions, ends = np.zeros((3, len(trees), longest), dtype=np.int64)
    ends[:] = (
        longest  # padding sees padding alone: rows of a mask that allow nothing would be no numbers
    )
    for row, tree in enumerate(trees):
        own = slice(len(tree.ids))
        ids[row, own], positions[row, own], ends[row, own] = tree.ids, tree.positions, tree.ends
    read: dict[str, NDArray[Any]] = {"input_ids": ids, "position_ids": positions}
    if any(len(tree.places) > 1 for tree in trees):
        place = np.arange(longest)
        read["attention_mask"] = ((place <= place[:, None]) & (place[:, None] < ends[:, None]))[
            :, None
        ]
    return {name: torch.from_numpy(array).to(model.device) for name, array in read.items()}
