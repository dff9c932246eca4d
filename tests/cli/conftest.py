"""The command line run in this process, in an empty folder with its own cache and environment."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from bcsearch.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def workdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty current folder; the cache lies beside it."""
    for name in ("BCSEARCH_DATA", "BCSEARCH_STORAGE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BCSEARCH_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def bcsearch(
    workdir: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Answer]:
    """Return a function that runs ``bcsearch`` with arguments."""
    del workdir

    def run(*arguments: str | Path) -> Answer:
        monkeypatch.setattr(sys, "argv", ["bcsearch", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capfd.readouterr()
        code = ended.value.code
        return Answer(code=code if isinstance(code, int) else 0, out=said.out, err=said.err)

    return run
