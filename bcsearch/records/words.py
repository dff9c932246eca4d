"""Sizes and times in words. Imports nothing."""

from __future__ import annotations

UNITS = {"TB": 10**12, "GB": 10**9, "MB": 10**6, "KB": 10**3}


def in_words(n_bytes: int) -> str:
    """Return a size for reading, such as 1.5 GB."""
    unit = next((name for name, size in UNITS.items() if n_bytes >= size), None)
    return f"{n_bytes} B" if unit is None else f"{n_bytes / UNITS[unit]:.1f} {unit}"


def time_in_words(seconds: float) -> str:
    """Return a time for reading: in seconds up to two minutes."""
    return f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:.1f} minutes"
