"""Findings as lines of text, the worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcsearch.records.finding import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterable


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Sort by level; findings of one level keep their order."""
    order = list(Level)
    return sorted(findings, key=lambda found: order.index(found.level))


def findings_text(findings: Iterable[Finding]) -> str:
    """Return one line a finding, and ``all is well`` where none asks the user to do anything."""
    lines = []
    all_is_well = True
    for found in worst_first(findings):
        line = f"{found.level:<7}  {found.subject}: {found.what}"
        if found.remedy:
            line += f"; {found.remedy}"
        lines.append(line)
        if found.level in (Level.WRONG, Level.WARNING):
            all_is_well = False
    if all_is_well:
        lines.append("all is well")
    return "\n".join(lines)
