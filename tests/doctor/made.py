"""Facts and studies for tests of the doctor: sound, except for what a test changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optuna.trial import TrialState as OptunaState
from sqlalchemy import update

from bcsearch.config import parse_plan
from bcsearch.doctor.facts import DatabaseFacts, StudyFacts
from bcsearch.records import StudyRecord, TrialRecord, TrialState
from bcsearch.storage import Slots, Storage, attrs, open_storage, read_study
from bcsearch.storage.engine import database_now, transaction
from bcsearch.storage.health import DatabaseHealth, RunningTrial, StudyHealth
from bcsearch.storage.optuna_private import BEATS
from bcsearch.study.create import open_study

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from optuna import Study

    from bcsearch.config import Plan
    from bcsearch.records.finding import Finding

RATE = {"learning_rate": {"float": [1e-5, 1e-1], "log": True}}


def make_plan(space: Mapping[str, Any] = RATE, **sweep: Any) -> Plan:
    """Return a plan called ``cells``."""
    content = {"sweep": {"space": "toy", **sweep}, "space": {"params": dict(space)}}
    return parse_plan("cells", content, "test")


PLAN = make_plan()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredStudy:
    """A study in a SQLite file, without a trainer."""

    url: str
    storage: Storage
    study: Study
    slots: Slots

    def start(self, worker: str) -> int:
        """Start a trial in a slot; return its number."""
        slot = self.slots.claim(worker)
        assert slot is not None
        trial_id = self.storage.create_new_trial(self.study._study_id)
        number = self.storage.get_trial(trial_id).number
        assert self.slots.bind(slot, number)
        return number

    def finish(self, worker: str) -> None:
        """Run a trial to its end."""
        trial_id = self._id_of(self.start(worker))
        self.storage.set_trial_state_values(trial_id, OptunaState.COMPLETE, [0.5])

    def lose(self, worker: str) -> int:
        """Start a trial whose last heartbeat is five minutes ago; return its number."""
        number = self.start(worker)
        with transaction(self.storage.engine) as session:
            long_ago = database_now(session) - timedelta(minutes=5)
            of_trial = update(BEATS).where(BEATS.c.trial_id == self._id_of(number))
            session.execute(of_trial.values(heartbeat=long_ago))
        return number

    def record(self) -> StudyRecord:
        """Read it back."""
        return read_study(self.storage, self.study.study_name)

    def close(self) -> None:
        """Let go of the file."""
        self.storage.remove_session()
        self.storage.engine.dispose()

    def _id_of(self, number: int) -> int:
        study_id = self.study._study_id
        return self.storage.get_trial_id_from_study_id_trial_number(study_id, number)


def store_study(
    file: Path,
    plan: Plan = PLAN,
    *,
    trials: int = 6,
    name: str = "cells",
    fingerprint: Mapping[str, str] | None = None,
) -> StoredStudy:
    """Create a study with a budget of ``trials`` in a SQLite file."""
    url = f"sqlite:///{file}"
    storage = open_storage(url, plan.sweep.limits)
    study = open_study(storage, plan, fingerprint or {"dataset": "aa"}, name=name, worker="me-1")
    study.set_user_attr(attrs.TRIALS, trials)
    slots = Slots(storage, study)
    slots.ensure_slots(trials)
    return StoredStudy(url=url, storage=storage, study=study, slots=slots)


def running(
    number: int, silent_seconds: float = 1.0, *, worker: str = "host-7", has_heartbeat: bool = True
) -> RunningTrial:
    """Return a trial that runs."""
    return RunningTrial(
        number=number, silent_seconds=silent_seconds, has_heartbeat=has_heartbeat, worker=worker
    )


def study(
    plan: Plan | None = PLAN,
    *,
    counts: dict[TrialState, int] | None = None,
    runs: Iterable[RunningTrial] = (),
    workers: Iterable[str] = (),
    trials: Iterable[TrialRecord] = (),
    wanted: int = 100,
    **record: Any,
) -> StudyFacts:
    """Return the facts of a study ``cells``."""
    health = StudyHealth(counts=counts or {}, running=tuple(runs), workers=frozenset(workers))
    known = StudyRecord(
        name="cells",
        sweep="cells",
        trials_wanted=wanted,
        trials=tuple(trials),
        **{"uuid": "u", **record},
    )
    return StudyFacts(record=known, health=health, plan=plan)


def database(
    *studies: StudyFacts, file_system: str | None = "ext4", **health: Any
) -> DatabaseFacts:
    """Return the facts of a SQLite file."""
    facts: dict[str, Any] = {
        "place": "sqlite:///a.db",
        "path": Path("a.db"),
        "journal": "wal",
        "schema": "v1",
        "schema_here": "v1",
        "missing": (),
        "clock_ahead": 0.1,
        **health,
    }
    return DatabaseFacts(
        health=DatabaseHealth(**facts), file_system=file_system, studies=tuple(studies)
    )


def server(*studies: StudyFacts, clock_ahead: float = 0.1) -> DatabaseFacts:
    """Return the facts of a PostgreSQL server."""
    return database(
        *studies,
        file_system=None,
        place="postgresql://host/a",
        path=None,
        journal=None,
        clock_ahead=clock_ahead,
    )


def levels(findings: list[Finding]) -> list[str]:
    """Return how bad each finding is."""
    return [finding.level.value for finding in findings]


def only(findings: list[Finding]) -> tuple[str, str]:
    """Return the level and the text of the one finding."""
    (finding,) = findings
    return finding.level.value, f"{finding.subject}: {finding.what}; {finding.remedy}"
