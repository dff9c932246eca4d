"""Made-up facts for checks: a study, a database and a machine with which all is well, but for what a test says."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bcsearch.records import StudyRecord, TrialRecord, TrialState
from bcsearch.storage.health import DatabaseHealth
from bcsearch.storage.study_health import Claim, RunningTrial, StudyHealth
from bcsearch.study.doctor.facts import DatabaseFacts, FolderFacts, MachineFacts, StudyFacts
from tests.fakes import make_plan

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bcsearch.config import Plan
    from bcsearch.records.finding import Finding

NOW = datetime(2030, 1, 2, 12, 0, 0)
PLAN = make_plan(search={"sampler": "tpe", "pruner": "median"})


def at(seconds: float) -> datetime:
    """Return a time so many seconds after noon."""
    return NOW + timedelta(seconds=seconds)


def claim(
    worker: str,
    start: float,
    end: float | None = None,
    *,
    trial: int | None = 0,
    ahead: float = 0.0,
) -> Claim:
    """Return a claim whose trial runs from ``start`` to ``end`` by true time; the worker's clock is ``ahead``."""
    if trial is None:
        return Claim(worker=worker, claimed=at(start))
    return Claim(
        worker=worker,
        claimed=at(start),
        trial=trial,
        state=TrialState.RUNNING if end is None else TrialState.COMPLETE,
        started=at(start + ahead),
        ended=None if end is None else at(end + ahead),
    )


def running(
    number: int, silent_seconds: float = 1.0, *, has_heartbeat: bool = True
) -> RunningTrial:
    """Return a trial that runs, of worker host-7."""
    return RunningTrial(
        number=number, silent_seconds=silent_seconds, has_heartbeat=has_heartbeat, worker="host-7"
    )


def study(
    plan: Plan | None = PLAN,
    *,
    counts: dict[TrialState, int] | None = None,
    trials: Iterable[TrialRecord] = (),
    wanted: int = 100,
    settings: str = "",
    independent: dict[str, int] | None = None,
    **health: Any,
) -> StudyFacts:
    """Return the facts of a study ``cells``."""
    facts = {"now": NOW, "claims": (), "running": (), "cache_bytes": None, **health}
    return StudyFacts(
        record=StudyRecord(
            name="cells",
            sweep="cells",
            uuid="u",
            trials_wanted=wanted,
            trials=tuple(trials),
            settings=settings,
        ),
        health=StudyHealth(name="cells", counts=counts or {}, **facts),
        plan=plan,
        independent=independent or {},
    )


def database(
    *,
    file_system: str | None = "ext4",
    claims: Iterable[Claim] = (),
    made_here: bool = True,
    **health: Any,
) -> DatabaseFacts:
    """Return the facts of a SQLite file."""
    facts: dict[str, Any] = {
        "kind": "sqlite",
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
        health=DatabaseHealth(**facts),
        file_system=file_system,
        claims=tuple(claims),
        made_here=made_here,
    )


def server(**more: Any) -> DatabaseFacts:
    """Return the facts of a PostgreSQL server."""
    return database(
        **{
            "file_system": None,
            "kind": "postgresql",
            "place": "postgresql://host/a",
            "path": None,
            "journal": None,
            **more,
        }
    )


def folder(**more: Any) -> FolderFacts:
    """Return the facts of the results folder."""
    facts = {
        "what": "results",
        "path": Path("results"),
        "option": "--results",
        "free_bytes": 10**11,
        "writable": True,
    }
    return FolderFacts(**{**facts, **more})


def machine(**more: Any) -> MachineFacts:
    """Return the facts of a laptop."""
    facts: dict[str, Any] = {
        "folders": (folder(),),
        "cores": 4,
        "threads": {},
        "gpus": (),
        "has_nvidia": False,
        "visible": None,
        "memory_bytes": 8 * 10**9,
    }
    return MachineFacts(**{**facts, **more})


def levels(findings: list[Finding]) -> list[str]:
    """Return how bad each finding is."""
    return [finding.level.value for finding in findings]


def only(findings: list[Finding]) -> tuple[str, str]:
    """Return the level and the text of the one finding."""
    (finding,) = findings
    return finding.level.value, f"{finding.subject}: {finding.what}; {finding.remedy}"
