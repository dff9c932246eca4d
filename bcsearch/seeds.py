"""Derives independent seeds from one seed and a few words."""

from __future__ import annotations

from hashlib import blake2b


def derive_seed(seed: int, *words: str | int) -> int:
    """Return a seed in [0, 2**31) that depends on all arguments, the same on every machine."""
    text = "\x1f".join(str(part) for part in (seed, *words))
    return int.from_bytes(blake2b(text.encode(), digest_size=4).digest(), "big") >> 1
