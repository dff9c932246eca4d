"""Findings as lines of text, the worst first. Imports records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcsearch.records.finding import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterable

ALL_IS_WELL = "all is well"


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Sort by level; findings of one level keep their order."""
    return sorted(findings, key=lambda found: -found.level.rank)


def is_wrong(findings: Iterable[Finding]) -> bool:
    """Whether something must be mended."""
    return any(found.level is Level.WRONG for found in findings)


def findings_text(findings: Iterable[Finding]) -> str:
    """Return one line a finding, and a last one where no finding asks for anything."""
    ordered = worst_first(findings)
    lines = [_line(found) for found in ordered]
    if all(found.level in (Level.OK, Level.NOTE) for found in ordered):
        lines.append(ALL_IS_WELL)
    return "\n".join(lines)


def _line(found: Finding) -> str:
    remedy = f"; {found.remedy}" if found.remedy else ""
    return f"{found.level:<7}  {found.subject}: {found.what}{remedy}"
