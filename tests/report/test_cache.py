from __future__ import annotations

from dataclasses import replace

from bcsearch.features.entry import EntryRecord
from bcsearch.report.cache import cache_text

ENTRY = EntryRecord(
    digest="0" * 32,
    kind="activations",
    fields={"cut": "pooled", "view": "54d6"},
    shape=(2, 3),
    dtype="float16",
    checksum="1" * 32,
    n_bytes=12,
    created=0.0,
    seconds=1.0,
    title="lite0 at 96 pixels, pooled, view original",
    used=0.0,
    owners=tuple(f"sweep{number} on cells.npz" for number in range(5)),
)


def test_entries_say_what_they_are_and_who_used_them_last() -> None:
    line = cache_text([ENTRY], "cache").splitlines()[1]
    for words in (ENTRY.title, "1970-01-01 00:00 UTC", "sweep2 on cells.npz; ", "; 2 earlier"):
        assert words in line
    assert "sweep1" not in line


def test_entries_of_earlier_versions_are_told_by_what_they_were_made_from() -> None:
    old = replace(ENTRY, title="", owners=())
    text = cache_text([old], "cache")
    assert "activations cut=pooled view=54d6  not known" in text
    assert text.endswith("1 entries, 12B in cache")
