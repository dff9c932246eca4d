"""One thing that was noticed: how bad it is, what it is about, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad a finding is, the worst first."""

    WRONG = "wrong"  # results or trials are lost until it is fixed
    WARNING = "warning"  # something has no effect, or will fail soon
    NOTE = "note"  # chosen by the user, or harmless
    OK = "ok"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line for the reader; ``remedy`` is empty where there is nothing to do."""

    level: Level
    subject: str
    what: str
    remedy: str = ""
