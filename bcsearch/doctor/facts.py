"""What the checks are given: facts of a database and of a study."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bcsearch.config import Limits

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bcsearch.config import Plan
    from bcsearch.records import StudyRecord
    from bcsearch.storage.health import DatabaseHealth, RunningTrial, StudyHealth


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFacts:
    """A study: its record, with all trials but without params and epochs, and who works on it.

    ``plan`` is what it was created with; None where this version of bcsearch did not make it.
    """

    record: StudyRecord
    health: StudyHealth
    plan: Plan | None = None

    @property
    def subject(self) -> str:
        """The study, as findings name it."""
        return f"study {self.record.name}"

    @property
    def limits(self) -> Limits:
        """When a worker counts as lost."""
        if self.plan is None:
            return Limits()
        return self.plan.sweep.limits

    @property
    def lost(self) -> tuple[RunningTrial, ...]:
        """The trials whose workers send no heartbeat any more.

        None of another tool's study: its workers may not send any.
        """
        if self.plan is None:
            return ()
        grace = self.limits.grace_seconds
        return tuple(trial for trial in self.health.running if trial.silent_seconds > grace)

    @property
    def active_workers(self) -> set[str]:
        """The workers that run a trial and send heartbeats."""
        active = set(self.health.running) - set(self.lost)
        return {trial.worker for trial in active if trial.worker}

    @property
    def trials_wanted(self) -> int:
        """The budget in trials; 0 where it has none."""
        if self.record.trials_wanted or self.plan is None:
            return self.record.trials_wanted
        return self.plan.sweep.search.trials


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFacts:
    """A database and the studies in it that are looked at.

    ``file_system`` is the kind of disk that a SQLite file lies on; None for a server, or where it
    is not known.
    """

    health: DatabaseHealth
    file_system: str | None = None
    studies: tuple[StudyFacts, ...] = ()


def listed(things: Iterable[object]) -> str:
    """Return the first five of some things as text, and how many more there are."""
    texts = [str(thing) for thing in things]
    shown = ", ".join(texts[:5])
    if len(texts) > 5:
        shown += f" and {len(texts) - 5} more"
    return shown
