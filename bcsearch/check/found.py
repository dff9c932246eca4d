"""What one check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bcsearch.records.checked import Baseline, DataFinding, MostAlike, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Findings on images, rows of images that belong together, what was seen of the whole set."""

    findings: tuple[DataFinding, ...] = ()
    groups: Sequence[Sequence[int]] = ()
    notes: tuple[str, ...] = ()
    left_out: str = ""  # why the check was not made
    baselines: tuple[Baseline, ...] = ()
    as_it_came: tuple[float, ...] = ()
    most_alike: MostAlike | None = None


def to_review(reason: str, evidence: Mapping[int, str]) -> tuple[DataFinding, ...]:
    """Return a finding for a person to look at for each row, given the evidence by row."""
    return tuple(
        DataFinding(row=row, reason=reason, evidence=text, verdict=Verdict.REVIEW)
        for row, text in evidence.items()
    )
