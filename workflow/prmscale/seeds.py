"""Random numbers that depend on what is drawn, never on how it was batched.

Every draw has its own counter-based stream, keyed by the study's seed and whatever names the draw
(rule, problem, prefix, number of the draw).
"""

from __future__ import annotations

import hashlib

import numpy as np


def seed_of(*names: object) -> int:
    """A 64-bit seed from anything printable."""
    digest = hashlib.blake2b("\x1f".join(map(str, names)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def generator(*names: object) -> np.random.Generator:
    """An independent stream for these names."""
    return np.random.Generator(np.random.Philox(seed_of(*names)))
