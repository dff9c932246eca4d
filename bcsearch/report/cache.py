"""The entries of the cache as text."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bcsearch.records.sizes import size_text
from bcsearch.report.columns import aligned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bcsearch.features.entry import EntryRecord

MOST_OWNERS = 3  # shown, the last ones


def cache_text(entries: Sequence[EntryRecord], place: str) -> str:
    """Return a line for every entry, what it is and who used it, and their sum.

    Entries of earlier versions, which have no title, are told by what they were made from.
    """
    rows = []
    for entry in entries:
        used = datetime.fromtimestamp(entry.used, UTC).strftime("%Y-%m-%d %H:%M UTC")
        made_from = " ".join(f"{name}={value}" for name, value in entry.fields.items())
        owners = list(entry.owners[-MOST_OWNERS:])
        if len(owners) < len(entry.owners):
            owners.append(f"{len(entry.owners) - len(owners)} earlier")
        what = entry.title or f"{entry.kind} {made_from}"
        rows.append((size_text(entry.n_bytes), used, what, "; ".join(owners) or "not known"))
    total = size_text(sum(entry.n_bytes for entry in entries))
    lines = [f"{len(entries)} entries, {total} in {place}"]
    if rows:
        lines.insert(0, aligned(rows, ("size", "last used", "what", "used by"), right=(0,)))
    return "\n".join(lines)
