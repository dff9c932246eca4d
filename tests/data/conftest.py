"""The drawn demo, made once for all tests of data."""

from __future__ import annotations

import pytest

from bcsearch.data import Dataset, load_dataset


@pytest.fixture(scope="session")
def demo() -> Dataset:
    return load_dataset("demo")
