"""The description in a bundle, read without its model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bcsearch.config import read_toml
from bcsearch.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

ABOUT_NAME = "best.toml"
MODEL_NAME = "model.keras"  # beside it
SECTIONS = ("study", "best", "ending", "model", "data", "test")  # that are read again


def read_about(folder: Path) -> dict[str, Any] | None:
    """Return the description of the bundle in ``folder``; None where none can be read."""
    try:
        about = read_toml(folder / ABOUT_NAME)
    except ConfigError:
        return None
    if not all(isinstance(about.get(name, {}), dict) for name in SECTIONS):
        return None
    if not isinstance(about.get("study", {}).get("uuid", ""), str):
        return None
    return about
