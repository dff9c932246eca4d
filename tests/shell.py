"""The ``bcsearch`` command as a user types it, in real processes with a cache of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from bcsearch.storage import read_study

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bcsearch.records import StudyRecord

COMMAND = Path(sys.executable).parent / "bcsearch"
SECONDS = 300  # after which a command hangs


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """A folder to work in, with results, and a cache that may be shared."""

    folder: Path
    cache: Path

    @classmethod
    def with_files(cls, files: Mapping[str, str], folder: Path, cache: Path | None = None) -> Self:
        """Write files into a folder; without another, the cache lies in it too."""
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        return cls(folder=folder, cache=cache or folder / "cache")

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder}/results/bcsearch.db"

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """Start ``bcsearch`` with arguments."""
        kept = {name: text for name, text in os.environ.items() if not name.startswith("BCSEARCH_")}
        return subprocess.Popen(
            [COMMAND, *map(str, arguments)],
            cwd=self.folder,
            env={**kept, "BCSEARCH_CACHE": str(self.cache)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str | Path) -> str:
        """Run ``bcsearch``, expect success and nothing on stderr, and return what it printed."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=SECONDS)
        assert (process.returncode, err) == (0, ""), out
        return out

    def ask(self, *arguments: str | Path) -> Any:
        """Run ``bcsearch`` with ``--json`` and return what it answers; stderr has notes alone."""
        out, err = self.start(*arguments, "--json").communicate(timeout=SECONDS)
        assert all(line.startswith(("note: ", "data: ")) for line in err.splitlines()), err
        return json.loads(out)

    def record(self, study: str) -> StudyRecord:
        """Read a study with every epoch."""
        return read_study(self.url, study, with_epochs=True)

    def model(self, study: str) -> Path:
        """Return the folder of a study's bundle."""
        return self.folder / "results" / study / "model"

    def kept(self, shelf: str) -> list[str]:
        """Return what lies on a shelf of the cache: ``entries`` or ``drafts``."""
        found = self.cache / shelf
        return sorted(path.name for path in found.iterdir()) if found.is_dir() else []
