"""A KV cache in which all samples of a prefix share the prefix's keys and values, and the attention
that reads it.

Copied to every sample, the prefix would be most of the memory that a decoding step reads. Here the
samples of a prefix sit side by side and attend to it in one matrix product; what each has written
itself is its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedConfig
from transformers.cache_utils import Cache, DynamicLayer
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import eager_mask

from prmscale.errors import UserError

ATTENTION = "shared_prefix"  # the name under which transformers knows it
_ROW = (
    64  # what a seat costs beside attention, in positions read (measured for small models on a CPU)
)


@dataclass(frozen=True)
class Seating:
    """Rows in seats: `slots` seats for each entry, and an entry is one prefix; in an empty seat
    there is no row.
    """

    slots: int
    entries: list[int]
    rows: list[int | None]


def seat(prefixes: Mapping[int, int], shared: int, own: int) -> Seating:
    """Seat each row beside others of its prefix ({row: prefix}), in as many slots as make a step
    cheapest.

    `shared` and `own` are the positions of a prefix and those a row has written itself.
    """
    rows: dict[int, list[int]] = {}
    for row, prefix in prefixes.items():
        rows.setdefault(prefix, []).append(row)
    counts = {len(group) for group in rows.values()}

    def cost(slots: int) -> int:
        entries = sum(-(-len(group) // slots) for group in rows.values())
        return entries * (shared + slots * (own + _ROW))

    slots = min(sorted(counts | {2**k for k in range(max(counts).bit_length())}), key=cost)
    parts = [
        (prefix, group[at : at + slots])
        for prefix, group in rows.items()
        for at in range(0, len(group), slots)
    ]
    seats: list[int | None] = []
    for _, part in parts:
        seats += [*part, *[None] * (slots - len(part))]
    return Seating(slots, [prefix for prefix, _ in parts], seats)


@dataclass(frozen=True)
class _Parts:
    """Keys or values: `shared` [entries, heads, positions, size] and `own` [seats, heads,
    positions, size].
    """

    shared: torch.Tensor
    own: torch.Tensor


class _Layer(DynamicLayer):
    """One layer's cache: a plain one while the prefixes are read, then the prefixes and what every
    seat adds.
    """

    room = 32
    prefix: tuple[torch.Tensor, torch.Tensor] | None = None
    grown: tuple[torch.Tensor, torch.Tensor]
    written = 0

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> Any:
        if self.prefix is None:
            return super().update(key_states, value_states)
        if (
            self.written == self.grown[0].shape[-2]
        ):  # room to grow: a token is written in place, nothing is copied
            self.grown = (
                self._roomier(self.grown[0], key_states),
                self._roomier(self.grown[1], value_states),
            )
        for buffer, new in zip(self.grown, (key_states, value_states), strict=True):
            buffer[..., self.written : self.written + 1, :] = new
        self.written += 1
        return tuple(
            _Parts(shared, own[..., : self.written, :])
            for shared, own in zip(self.prefix, self.grown, strict=True)
        )

    def _roomier(self, buffer: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        roomy = like.new_empty((*like.shape[:-2], self.written + self.room, like.shape[-1]))
        if self.written:
            roomy[..., : self.written, :] = buffer
        return roomy

    def get_seq_length(self) -> int:
        return (
            super().get_seq_length()
            if self.prefix is None
            else self.prefix[0].shape[-2] + self.written
        )

    def share(self, entries: torch.Tensor) -> None:
        """What was read is the prefix of these entries from now on."""
        assert self.keys is not None and self.values is not None, (
            "prefixes are read before they are shared"
        )
        self.prefix = self.keys[entries], self.values[entries]
        self.grown = self.keys[..., :0, :], self.values[..., :0, :]

    def move(self, entries: torch.Tensor, seats: torch.Tensor) -> None:
        """Keep these entries and seats of the present ones, in this order."""
        assert self.prefix is not None, "prefixes are shared before rows move"
        self.prefix = self.prefix[0][entries], self.prefix[1][entries]
        self.grown = self.grown[0][seats], self.grown[1][seats]


class SharedPrefixCache(Cache):
    """The cache of a batch: read the prefixes, `share` them among seats, decode, and `move` when
    rows have ended.
    """

    def __init__(self, config: PreTrainedConfig) -> None:
        super().__init__(layers=[_Layer() for _ in range(config.num_hidden_layers)])

    def share(self, entries: Sequence[int]) -> None:
        """Entry e is the prefix that was read in row `entries[e]`; its seats follow one another,
        entry by entry.
        """
        for layer in self.layers:
            layer.share(torch.tensor(entries))  # type: ignore[union-attr]

    def move(self, entries: Sequence[int], seats: Sequence[int]) -> None:
        """Keep these entries and seats of the present ones, in this order."""
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
    """Attention of a token a seat, query [seats, query heads, 1, size], to `_Parts`; of whole
    prefixes as usual.
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
    slots, alike = seats // entries, query.shape[1] // heads  # query heads that read one key head

    def by_entry(rows: torch.Tensor) -> torch.Tensor:
        """[seats, heads, alike, x] as [entries, heads, slots * alike, x]."""
        x = rows.shape[-1]
        grouped = rows.reshape(entries, slots, heads, alike, x).transpose(1, 2)
        return grouped.reshape(entries, heads, slots * alike, x)

    def by_seat(grouped: torch.Tensor) -> torch.Tensor:
        """The inverse of `by_entry`."""
        x = grouped.shape[-1]
        return (
            grouped.reshape(entries, heads, slots, alike, x)
            .transpose(1, 2)
            .reshape(seats, heads, alike, x)
        )

    query = query.reshape(seats, heads, alike, size)
    shared = by_seat(torch.matmul(by_entry(query), key.shared.transpose(2, 3)))
    own = torch.matmul(query, key.own.transpose(2, 3))
    scores = torch.cat([shared, own], dim=-1) * scaling
    if attention_mask is not None:
        scores = scores + attention_mask
    weights = torch.softmax(scores, dim=-1, dtype=torch.float32).to(query.dtype)
    out = by_seat(torch.matmul(by_entry(weights[..., :past]), value.shared)) + torch.matmul(
        weights[..., past:], value.own
    )
    return out.reshape(seats, 1, heads * alike, size), None


AttentionInterface.register(ATTENTION, attend)
AttentionMaskInterface.register(ATTENTION, eager_mask)
