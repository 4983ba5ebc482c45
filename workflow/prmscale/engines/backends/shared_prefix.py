"""A KV cache whose samples share the keys and values of their prefix, and attention that reads it.

If each sample had a copy of the prefix, decoding would mostly read these copies from memory. Here
the samples of a prefix sit side by side and attend to it in one matrix product; only the tokens
that a sample has written are stored per sample.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import pad
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedConfig
from transformers.cache_utils import Cache, DynamicLayer
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import eager_mask

from prmscale.errors import UserError

ATTENTION = "shared_prefix"  # its name in transformers
# the cost of a seat besides attention, in positions read (measured for small models on a CPU)
_ROW = 64


@dataclass(frozen=True)
class Seating:
    """Rows in seats: each entry is one prefix with `slots` seats; an empty seat has no row."""

    slots: int
    entries: list[int]
    rows: list[int | None]


def seat(prefixes: Mapping[int, int], shared: int, written: int) -> Seating:
    """Seat each row beside others of its prefix ({row: prefix}).

    The number of slots is the one that makes a decoding step cheapest. `shared` and `written` are
    the positions of a prefix and those that each row has written.
    """
    rows: dict[int, list[int]] = {}
    for row, prefix in prefixes.items():
        rows.setdefault(prefix, []).append(row)
    counts = {len(group) for group in rows.values()}

    def cost(slots: int) -> int:
        entries = sum(-(-len(group) // slots) for group in rows.values())
        return entries * (shared + slots * (written + _ROW))

    slots = min(sorted(counts | {2**k for k in range(max(counts).bit_length())}), key=cost)
    entries: list[int] = []
    seats: list[int | None] = []
    for prefix, group in rows.items():
        for at in range(0, len(group), slots):
            part = group[at : at + slots]
            entries.append(prefix)
            seats += [*part, *[None] * (slots - len(part))]
    return Seating(slots, entries, seats)


@dataclass(frozen=True)
class _Parts:
    """Keys or values of prefixes and of what each seat has written.

    `shared` [entries, heads, positions, size] and `buffer` [seats, heads, room, size], which holds
    `written` positions and then zeros. On a CPU a product of the whole buffer is faster than one of
    a slice, which is not contiguous.
    """

    shared: torch.Tensor
    buffer: torch.Tensor
    written: int


class _Layer(DynamicLayer):
    """One layer's cache: a plain one while prefixes are read, then the prefixes and each seat."""

    room = 32
    prefix: tuple[torch.Tensor, torch.Tensor] | None = None
    grown: tuple[torch.Tensor, torch.Tensor]
    written = 0

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> Any:
        if self.prefix is None:
            return super().update(key_states, value_states)
        if self.written == self.grown[0].shape[-2]:  # full: most tokens are written without a copy
            keys, values = self.grown
            self.grown = self._enlarge(keys, key_states), self._enlarge(values, value_states)
        for buffer, new in zip(self.grown, (key_states, value_states), strict=True):
            buffer[..., self.written : self.written + 1, :] = new
        self.written += 1
        return tuple(
            _Parts(shared, buffer, self.written)
            for shared, buffer in zip(self.prefix, self.grown, strict=True)
        )

    def _enlarge(self, buffer: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        """A copy of the buffer with room for more tokens."""
        larger = like.new_zeros((*like.shape[:-2], self.written + self.room, like.shape[-1]))
        if self.written:
            larger[..., : self.written, :] = buffer
        return larger

    def get_seq_length(self) -> int:
        if self.prefix is None:
            return super().get_seq_length()
        return self.prefix[0].shape[-2] + self.written

    def share(self, entries: torch.Tensor) -> None:
        """Make what was read the prefixes: entry e gets the row `entries[e]`."""
        assert self.keys is not None and self.values is not None, (
            "prefixes are read before they are shared"
        )
        self.prefix = self.keys[entries], self.values[entries]
        self.grown = self.keys[..., :0, :], self.values[..., :0, :]

    def move(self, entries: torch.Tensor, seats: torch.Tensor) -> None:
        """Keep only these entries and seats, in this order."""
        assert self.prefix is not None, "prefixes are shared before rows move"
        self.prefix = self.prefix[0][entries], self.prefix[1][entries]
        self.grown = self.grown[0][seats], self.grown[1][seats]


class SharedPrefixCache(Cache):
    """The cache of a batch: read prefixes, `share` them, decode, `move` the remaining rows."""

    def __init__(self, config: PreTrainedConfig) -> None:
        super().__init__(layers=[_Layer() for _ in range(config.num_hidden_layers)])

    def share(self, entries: Sequence[int]) -> None:
        """Make the prefix read in row `entries[e]` entry e; seats are ordered by entry."""
        for layer in self.layers:
            layer.share(torch.tensor(entries))  # type: ignore[union-attr]

    def move(self, entries: Sequence[int], seats: Sequence[int]) -> None:
        """Keep only these entries and seats, in this order."""
        for layer in self.layers:
            layer.move(torch.tensor(entries), torch.tensor(seats))  # type: ignore[union-attr]


def attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: Any,
    value: Any,
    attention_mask: torch.Tensor | None,
    scaling: float,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """Attention to `_Parts` by one token per seat; to anything else by torch's attention.

    query [seats, query heads, 1, size]. Raises UserError for capped scores and attention sinks.
    """
    if kwargs.get("softcap") is not None or kwargs.get("s_aux") is not None:
        raise UserError(
            "this model's attention has capped scores or sinks, which the transformers engine lacks"
        )
    if not isinstance(key, _Parts):
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, **kwargs
        )
    entries, heads, past, size = key.shared.shape
    seats = query.shape[0]
    slots, group = seats // entries, query.shape[1] // heads  # query heads per key head

    def by_entry(rows: torch.Tensor) -> torch.Tensor:
        """[seats, heads, group, x] as [entries, heads, slots * group, x]."""
        x = rows.shape[-1]
        split = rows.reshape(entries, slots, heads, group, x).transpose(1, 2)
        return split.reshape(entries, heads, slots * group, x)

    def by_seat(rows: torch.Tensor) -> torch.Tensor:
        """The inverse of `by_entry`."""
        x = rows.shape[-1]
        split = rows.reshape(entries, heads, slots, group, x).transpose(1, 2)
        return split.reshape(seats, heads, group, x)

    query = query.reshape(seats, heads, group, size)
    shared = by_seat(torch.matmul(by_entry(query), key.shared.transpose(2, 3)))
    written = torch.matmul(query, key.buffer.transpose(2, 3))[..., : key.written]
    scores = torch.cat([shared, written], dim=-1) * scaling
    if attention_mask is not None:
        scores = scores + attention_mask
    weights = torch.softmax(scores, dim=-1, dtype=torch.float32).to(query.dtype)
    of_prefix = by_seat(torch.matmul(by_entry(weights[..., :past]), value.shared))
    unwritten = value.buffer.shape[2] - value.written
    out = of_prefix + torch.matmul(pad(weights[..., past:], (0, unwritten)), value.buffer)
    return out.reshape(seats, 1, heads * group, size), None


AttentionInterface.register(ATTENTION, attend)
AttentionMaskInterface.register(ATTENTION, eager_mask)
