"""Gathers the facts of a database and its studies, and judges them; with no framework. Imports optuna and storage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from bcsearch.errors import ConfigError
from bcsearch.storage import find_study, list_studies, read_overview
from bcsearch.storage.draws import independent_draws
from bcsearch.storage.health import read_database
from bcsearch.storage.study_health import read_health
from bcsearch.study.create import stored_plan
from bcsearch.study.doctor.checks import DATABASE_CHECKS, OVERVIEW_CHECKS, STUDY_CHECKS
from bcsearch.study.doctor.facts import DatabaseFacts, StudyFacts
from bcsearch.study.doctor.reap import reap

if TYPE_CHECKING:
    from pathlib import Path

    from bcsearch.config import Plan
    from bcsearch.records import StudyRecord
    from bcsearch.records.finding import Finding
    from bcsearch.storage.health import DatabaseHealth
    from bcsearch.storage.study_health import Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was found in a database; ``study`` is the one that was looked at closely."""

    findings: tuple[Finding, ...]
    study: StudyFacts | None = None


def look(url: str, name: str | None, *, reaps: bool = False) -> Seen:
    """Judge a database and the study ``name``, or where that is None every study in a line.

    With ``reaps`` lost trials are failed and queued again before that; else nothing is changed.

    Raises:
        StudyError: the study is unknown, or nothing was ever run on this storage.
        StorageError: the database cannot be used.
    """
    health = read_database(url)
    if not health.fits:
        facts = DatabaseFacts(health=health)
        return Seen(
            findings=tuple(finding for check in DATABASE_CHECKS for finding in check(facts))
        )
    wanted = None if name is None else find_study(url, name)
    reaped = (
        [finding for study in _studies(url, wanted) for finding in reap(url, study)]
        if reaps
        else []
    )
    studies = _studies(url, wanted)
    checks = OVERVIEW_CHECKS if wanted is None else STUDY_CHECKS
    database = _database(health, studies)
    findings = [
        *(finding for check in DATABASE_CHECKS for finding in check(database)),
        *reaped,
        *(finding for study in studies for check in checks for finding in check(study)),
    ]
    return Seen(findings=tuple(findings), study=None if wanted is None else studies[0])


def file_system(path: Path | None) -> str | None:
    """Return the kind of disk that a file lies on, such as ext4 or nfs4; None where it is not known."""
    if path is None:
        return None
    place = path.resolve()
    mounts = [
        disk for disk in psutil.disk_partitions(all=True) if place.is_relative_to(disk.mountpoint)
    ]
    nearest = max(mounts, key=lambda disk: len(disk.mountpoint), default=None)
    return None if nearest is None else str(nearest.fstype)


def _studies(url: str, wanted: str | None) -> list[StudyFacts]:
    if wanted is not None:
        return [_close(url, read_overview(url, wanted, n_best=0))]
    return [_study(url, record) for record in list_studies(url)]


def _study(url: str, record: StudyRecord) -> StudyFacts:
    return StudyFacts(
        record=record, health=read_health(url, record.name, record.uuid), plan=_plan(record)
    )


def _plan(record: StudyRecord) -> Plan | None:
    """Return what a study was created with; None where it is not of bcsearch, or of one that wrote other settings."""
    try:
        return stored_plan(record.sweep, record.settings)
    except (ConfigError, ValueError):
        return None


def _close(url: str, record: StudyRecord) -> StudyFacts:
    facts = _study(url, record)
    if facts.plan is None or facts.plan.sweep.search.sampler != "tpe":
        return facts
    draws = independent_draws(url, record.name, facts.plan.sweep.search.startup_trials)
    return StudyFacts(record=record, health=facts.health, plan=facts.plan, independent=draws)


def _database(health: DatabaseHealth, studies: list[StudyFacts]) -> DatabaseFacts:
    return DatabaseFacts(
        health=health,
        file_system=file_system(health.path),
        claims=tuple(claim for study in studies for claim in _alive(study)),
        made_here=any(study.record.uuid for study in studies),
    )


def _alive(study: StudyFacts) -> list[Claim]:
    """Return the claims of a study without those whose workers are lost."""
    lost = {trial.number for trial in study.lost}
    return [claim for claim in study.health.claims if claim.trial not in lost]
