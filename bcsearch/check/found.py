"""What one check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bcsearch.records.checked import DataFinding


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Findings on images, rows of images that belong together, lines on the whole set."""

    findings: tuple[DataFinding, ...] = ()
    groups: Sequence[Sequence[int]] = ()
    notes: tuple[str, ...] = ()
    left_out: str = ""  # why the check was not made
