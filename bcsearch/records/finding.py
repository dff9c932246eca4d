"""What an examination found: how bad, about what, what is and what to do. Imports nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad a finding is; from here on down, worse."""

    OK = "ok"
    NOTE = "note"  # as it was asked for, or of no harm
    WARNING = "warning"  # something does not act, or will fail soon
    WRONG = "wrong"  # results or trials are lost until it is mended

    @property
    def rank(self) -> int:
        """A number that is higher for what is worse."""
        return list(Level).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line for the reader; ``remedy`` is empty where there is nothing to do."""

    level: Level
    subject: str
    what: str
    remedy: str = ""


def ok(subject: str, what: str) -> Finding:
    """Return what is as it should be."""
    return Finding(level=Level.OK, subject=subject, what=what)


def note(subject: str, what: str, remedy: str = "") -> Finding:
    """Return what the reader should know of."""
    return Finding(level=Level.NOTE, subject=subject, what=what, remedy=remedy)


def warning(subject: str, what: str, remedy: str) -> Finding:
    """Return what does not act, or will fail soon."""
    return Finding(level=Level.WARNING, subject=subject, what=what, remedy=remedy)


def wrong(subject: str, what: str, remedy: str) -> Finding:
    """Return what must be mended."""
    return Finding(level=Level.WRONG, subject=subject, what=what, remedy=remedy)
