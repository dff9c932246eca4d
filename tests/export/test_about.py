from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from bcsearch.export.about import read_about

if TYPE_CHECKING:
    from pathlib import Path


def test_description_is_read_from_the_bundles_folder(tmp_path: Path) -> None:
    (tmp_path / "best.toml").write_text("[best]\ntrial = 3\n")
    assert read_about(tmp_path) == {"best": {"trial": 3}}


@pytest.mark.parametrize("content", [b"[model", b"\xff"], ids=["not TOML", "not text"])
def test_damaged_description_counts_as_none(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "best.toml").write_bytes(content)
    assert read_about(tmp_path) is None
    assert read_about(tmp_path / "nowhere") is None


def test_description_is_read_without_a_framework() -> None:
    heavy = "{'keras', 'tensorflow', 'numpy'}"
    code = f"import sys, bcsearch.export.about; sys.exit(not {heavy}.isdisjoint(sys.modules))"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
