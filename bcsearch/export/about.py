"""The description in a bundle, read without its model. Imports the standard library only."""

from __future__ import annotations

import tomllib
from math import isclose
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bcsearch.records import TrialRecord

ABOUT_NAME = "best.toml"
MODEL_NAME = "model.keras"  # beside it


def is_of(about: Mapping[str, Any], trial: TrialRecord) -> bool:
    """Whether a description is of a trial: a copy of its study that went on by itself has others of these numbers."""
    best = about.get("best", {})
    score = best.get("score")
    return best.get("trial") == trial.number and isinstance(score, float) and isclose(score, trial.score or 0.0)


def read_about(folder: Path) -> dict[str, Any] | None:
    """Return the description of the bundle in ``folder``; None where there is none that can be read."""
    try:
        return tomllib.loads((folder / ABOUT_NAME).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return None
