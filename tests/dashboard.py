"""The real ``bcsearch dashboard`` as a process on a free port of this machine."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.shell import COMMAND

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECONDS = 60  # after which it hangs


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A dashboard that answers; ``printed`` is its first line."""

    process: subprocess.Popen[str]
    printed: str

    @property
    def address(self) -> str:
        """Where it answers."""
        (address,) = re.findall(r"http://127\.0\.0\.1:\d+/", self.printed)
        return str(address)


@contextmanager
def serve(results: Path, *arguments: str) -> Iterator[Served]:
    """Serve the studies of ``study.db`` in a results folder; Ctrl-C ends it after the block."""
    places = ["--storage", str(results / "study.db"), "--results", str(results)]
    command = [str(COMMAND), "dashboard", *places, "--port", "0", *arguments]
    kept = {name: text for name, text in os.environ.items() if not name.startswith("BCSEARCH_")}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=results, env=kept, stdout=pipe, stderr=pipe, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield Served(process=process, printed=process.stdout.readline())
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
