"""Sizes and times for reading, and sizes as people write them."""

from __future__ import annotations

from pydantic import ByteSize, TypeAdapter, ValidationError

from bcsearch.errors import ConfigError

MOST_BYTES = 10**18


def size_text(n_bytes: int) -> str:
    """Return a size for reading, such as 1.5GB."""
    return ByteSize(n_bytes).human_readable(decimal=True)


def time_text(seconds: float) -> str:
    """Return a time for reading: in seconds up to two minutes, in minutes up to two hours."""
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    if seconds >= 2 * 60 * 60:
        return f"{seconds / 3600:.1f} hours"
    return f"{seconds / 60:.1f} minutes"


def size_in_bytes(text: str | None, option: str) -> int | None:
    """Return the bytes of a size such as 500MB or 1.5GB, given with ``option``; None for None.

    Raises:
        ConfigError: it is no size; the message names the option.
    """
    if text is None:
        return None
    try:
        size: int = TypeAdapter(ByteSize).validate_python(text.strip())
    except (ValidationError, OverflowError) as error:
        allowed = "a number with KB, MB, GB or TB, such as 20GB"
        raise ConfigError(f"{option}: came {text!r}, allowed: {allowed}") from error
    if not 0 <= size <= MOST_BYTES:
        allowed = f"a size of 0 or more, at most {size_text(MOST_BYTES)}"
        raise ConfigError(f"{option}: came {text!r}, allowed: {allowed}")
    return size
