from __future__ import annotations

from bcsearch.records.finding import Level, note, ok, warning, wrong


def test_levels_are_ranked_from_well_to_wrong() -> None:
    found = [ok("disk", "a"), note("disk", "a"), warning("disk", "a", "b"), wrong("disk", "a", "b")]
    assert [finding.level for finding in found] == list(Level)
    assert [finding.level.rank for finding in found] == [0, 1, 2, 3]
