"""What the checks are given: facts of a database, a study, this machine. Imports config and storage."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bcsearch.config.sweep import Limits

if TYPE_CHECKING:
    from pathlib import Path

    from bcsearch.config import Plan
    from bcsearch.records import StudyRecord
    from bcsearch.storage.health import DatabaseHealth
    from bcsearch.storage.study_health import Claim, RunningTrial, StudyHealth


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFacts:
    """A database with the studies in it: ``claims`` are those of all, ``made_here`` tells whether bcsearch made any.

    ``file_system`` is the kind of disk that a SQLite file lies on; None for a server, and where it is not known.
    """

    health: DatabaseHealth
    file_system: str | None = None
    claims: tuple[Claim, ...] = ()
    made_here: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFacts:
    """A study: its record with all trials, without their params; ``plan`` is None where bcsearch did not make it.

    ``independent`` counts the draws, by parameter, that earlier trials had taught nothing about.
    """

    record: StudyRecord
    health: StudyHealth
    plan: Plan | None = None
    independent: dict[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The study's name."""
        return self.record.name

    @property
    def limits(self) -> Limits:
        """When a worker counts as lost."""
        return Limits() if self.plan is None else self.plan.sweep.limits

    @property
    def lost(self) -> tuple[RunningTrial, ...]:
        """The trials whose workers fell silent; of others' studies, whose workers need not have heartbeats, none."""
        return () if self.plan is None else self.health.stale(self.limits.grace_seconds)

    @property
    def wanted(self) -> int:
        """The budget in trials; 0 where it has none."""
        return self.record.trials_wanted or (self.plan.sweep.search.trials if self.plan else 0)

    @property
    def cache_bytes(self) -> int:
        """The cache that was forecast, as long as the study is not done."""
        return 0 if self.health.finished >= self.wanted else self.health.cache_bytes or 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderFacts:
    """A folder that is written to, which need not exist yet. ``free_bytes`` is None where it may not be looked at."""

    what: str
    path: Path
    option: str
    free_bytes: int | None
    writable: bool
    needed_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineFacts:
    """This machine as a worker on it would find it.

    Attributes:
        cores: processor cores that this process may use.
        threads: settings of the environment that bound the threads of a worker, by name.
        gpus: names of the GPUs that TensorFlow sees.
        has_nvidia: whether the system itself has an NVIDIA GPU.
        visible: what ``CUDA_VISIBLE_DEVICES`` says; None where it is not set.
        memory_bytes: memory that is free.
    """

    folders: tuple[FolderFacts, ...]
    cores: int
    threads: dict[str, str]
    gpus: tuple[str, ...]
    has_nvidia: bool
    visible: str | None
    memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsFacts:
    """A backbone of a study: the kind of weights ``used`` in it, '' where that is not kept, and what is ``at_hand``.

    ``file`` is the user's own file of weights, where one is used.
    """

    backbone: str
    used: str
    at_hand: str
    file: str = ""
