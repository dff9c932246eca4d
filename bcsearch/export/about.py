"""The description in a bundle, read without its model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bcsearch.config import read_toml
from bcsearch.errors import ConfigError
from bcsearch.paths import read_text

if TYPE_CHECKING:
    from pathlib import Path

ABOUT_NAME = "best.toml"
MODEL_NAME = "model.keras"  # beside it
TRAINED_ON = "trained_on.txt"
MOST_DIGESTS = 2**28  # bytes; 33 an image
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


def read_trained_on(folder: Path) -> frozenset[str]:
    """Return digests of the images that the model in ``folder`` was trained on.

    Empty where they are not kept, or cannot be read.
    """
    try:
        return frozenset(read_text(folder / TRAINED_ON, MOST_DIGESTS).split())
    except (OSError, ValueError):
        return frozenset()
