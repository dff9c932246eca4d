"""Sizes in bytes as people write them. Imports errors only."""

from __future__ import annotations

import re

from bcsearch.errors import ConfigError

UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def size_in_bytes(text: str | None, option: str) -> int | None:
    """Return the bytes of a size such as 500MB or 1.5GB, given with ``option``; None for None.

    Raises:
        ConfigError: it is no size; the message names the option.
    """
    if text is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?B?)", text.strip().upper())
    unit = found[2] if found else "?"
    unit = unit + "B" if unit in ("K", "M", "G", "T") else unit
    if found is None:
        raise ConfigError(
            f"{option}: came {text!r}, allowed: a number with KB, MB, GB or TB, such as 20GB"
        )
    return int(float(found[1]) * UNITS[unit])
