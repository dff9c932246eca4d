"""The description in a bundle, read without its model."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

ABOUT_NAME = "best.toml"
MODEL_NAME = "model.keras"  # beside it


def read_about(folder: Path) -> dict[str, Any] | None:
    """Return the description of the bundle in ``folder``; None where none can be read."""
    try:
        return tomllib.loads((folder / ABOUT_NAME).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return None
