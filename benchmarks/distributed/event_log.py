"""What worker processes did: a line an event, in a file for each process, which outlives a kill."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from bcsearch.records.events import Event


class EventLog:
    """A listener that writes every event with its time to ``events-PID.jsonl``."""

    def __init__(self, folder: Path) -> None:
        path = folder / f"events-{os.getpid()}.jsonl"
        self._handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def __call__(self, event: Event) -> None:
        """Write an event down."""
        self.write(type(event).__name__, **asdict(event))

    def write(self, event: str, **facts: object) -> None:
        """Write a line in one call, so that none is half-written."""
        line = json.dumps({"event": event, "at": time.time(), **facts}, default=dict)
        os.write(self._handle, f"{line}\n".encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """What all processes wrote, in the order of time."""

    lines: list[dict[str, Any]] = field(default_factory=list)

    def of(self, event: str) -> list[dict[str, Any]]:
        """Return the lines of one event."""
        return [line for line in self.lines if line["event"] == event]

    @property
    def started_twice(self) -> int:
        """How many trainings there were beyond the first, of one number or of one configuration."""
        started = self.of("TrialStarted")
        numbers = {line["number"] for line in started}
        configurations = {json.dumps(line["params"], sort_keys=True) for line in started}
        return len(started) - min(len(numbers), len(configurations))

    def seconds_until(self, n_trials: int, since: float) -> float:
        """Return how long it took until so many trials had ended, or the last where fewer did."""
        ends = [line["at"] for line in self.of("TrialEnded")][:n_trials]
        return max(ends, default=since) - since


def read_events(folder: Path) -> Events:
    """Read the events of all processes; a killed one may lack its last, but has no half lines."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("events-*.jsonl"))]
    lines = [json.loads(line) for text in texts for line in text.splitlines()]
    return Events(lines=sorted(lines, key=lambda line: line["at"]))
