"""What documents say is what the code says."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from bcsearch.recipe import PARTS
from bcsearch.report.params import param_text, params_text

ROOT = Path(__file__).parents[1]


def test_table_of_parameters_in_readme_is_the_one_of_the_code() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    with_table = runpy.run_path(str(ROOT / "docs" / "params.py"))["with_table"]
    assert with_table(readme) == readme, "run: python docs/params.py"


def test_params_lists_every_part_and_one_alone() -> None:
    text = params_text()
    assert all(f"\n{part.name}: " in f"\n{text}" for part in PARTS)
    assert param_text("views").startswith("views: a whole number from 2 to 64; default 4\n")


@pytest.mark.parametrize("document", ["architecture.md", "adding.md"])
def test_every_file_that_a_document_names_is_there(document: str) -> None:
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    current = text.partition("## Before")[0]
    names = set(re.findall(r"`((?:bcsearch|tests|docs)/[\w/.]+\.(?:py|md|toml))`", current))
    assert names
    assert [name for name in sorted(names) if not (ROOT / name).is_file()] == []
