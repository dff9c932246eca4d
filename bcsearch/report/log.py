"""A file that lines are appended to, each with the time."""

from __future__ import annotations

from datetime import datetime
from typing import IO, TYPE_CHECKING, cast

from rich.console import Console

from bcsearch.errors import DiskError
from bcsearch.paths import is_stream

if TYPE_CHECKING:
    from pathlib import Path


OTHERS = (".toml", ".csv", ".json", ".yaml", ".yml", ".svg", ".html", ".py")  # spoilt by lines


class Log:
    """A plain file to which lines are appended; what stands in it stays.

    It is opened for every line, so that it may be moved meanwhile. ``failure`` says why lines are
    missing, where the disk was full.

    Raises:
        DiskError: it cannot be written, or is no plain file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.failure = ""
        if is_stream(path):
            raise DiskError(f"--log {path} is a pipe or a device; give the path of a plain file")
        if path.suffix.lower() in OTHERS:
            raise DiskError(f"--log {path}: a log is no {path.suffix} file; give another name")
        try:
            self._append("")
            with path.open("rb") as file:
                is_text = b"\0" not in file.read(1024)
        except OSError as error:
            reason = error.strerror or error
            raise DiskError(f"cannot write --log {path}: {reason}; give another file") from error
        if not is_text:
            raise DiskError(f"--log {path} is there and is no text; give another file")

    def write(self, text: str) -> int:
        """Append each line of a text behind the present time."""
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        try:
            self._append("".join(f"{now} {line}\n" for line in text.splitlines()))
        except OSError as error:
            self.failure = error.strerror or str(error)
        return len(text)

    def flush(self) -> None:
        """Do nothing: every line is written at once."""

    def console(self) -> Console:
        """Return a console, no terminal, that prints to it."""
        stream = cast("IO[str]", self)  # of which a console uses these two methods alone
        return Console(file=stream, force_terminal=False, color_system=None)

    def _append(self, text: str) -> None:
        with self._path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
