from __future__ import annotations

import pytest

from bcsearch.cli.sizes import size_in_bytes
from bcsearch.errors import ConfigError
from bcsearch.records.words import in_words

SIZES = {
    "0": 0,
    "17": 17,
    "17B": 17,
    "1.5KB": 1_500,
    "500MB": 500_000_000,
    "500 mb": 500_000_000,
    "20G": 20_000_000_000,
    " 2TB ": 2_000_000_000_000,
}


@pytest.mark.parametrize("text", SIZES)
def test_size_is_read_as_people_write_it(text: str) -> None:
    assert size_in_bytes(text, "--to") == SIZES[text]


def test_no_size_is_no_limit() -> None:
    assert size_in_bytes(None, "--to") is None


@pytest.mark.parametrize(
    "text", ["", "huge", "-1GB", "5XB", "GB", "1.2.3MB", "5GiB", "1e9", "nan", "5 5"]
)
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="such as 20GB") as caught:
        size_in_bytes(text, "--to")
    assert str(caught.value).startswith(f"--to: came {text!r}, ")


@pytest.mark.parametrize(
    ("n_bytes", "words"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 KB"), (2_000_000, "2.0 MB"), (3 * 10**12, "3.0 TB")],
)
def test_size_is_written_for_reading(n_bytes: int, words: str) -> None:
    assert in_words(n_bytes) == words


def test_written_size_reads_back() -> None:
    for n_bytes in (7, 1_500, 20_000_000_000):
        assert size_in_bytes(in_words(n_bytes), "--to") == n_bytes
