"""Gathers the facts of a database and its studies and runs the checks on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from bcsearch.doctor.database import DATABASE_CHECKS
from bcsearch.doctor.facts import DatabaseFacts, StudyFacts
from bcsearch.doctor.study import OVERVIEW_CHECKS, STUDY_CHECKS, given_up_finding, trials
from bcsearch.errors import ConfigError
from bcsearch.records.finding import Finding, Level
from bcsearch.storage import find_study, list_studies, read_overview
from bcsearch.storage.health import fail_lost, read_database, read_health
from bcsearch.study.create import stored_plan

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What was found in a database; ``study`` is the one that was named, None where none was."""

    findings: list[Finding]
    study: StudyFacts | None = None


def look(url: str, name: str | None, *, reaps: bool = False) -> Examined:
    """Check a database and the study ``name``, or every study briefly where that is None.

    With ``reaps`` lost trials are failed and queued again first; else nothing is changed.

    Raises:
        StudyError: the study is unknown, or nothing was ever run on this storage.
        StorageError: the database cannot be used.
    """
    health = read_database(url)
    facts = DatabaseFacts(health=health)
    if not health.is_usable:
        return Examined(findings=_database_findings(facts))
    studies = _read_studies(url, name)
    reaped = []
    if reaps:
        for study in studies:
            reaped += _reap(url, study)
        studies = _read_studies(url, name)
    facts = DatabaseFacts(
        health=health, file_system=file_system(health.path), studies=tuple(studies)
    )
    findings = _database_findings(facts) + reaped
    for study in studies:
        for check in OVERVIEW_CHECKS:
            findings += check(study)
    if name is None:
        return Examined(findings=findings)
    for check in STUDY_CHECKS:
        findings += check(studies[0])
    return Examined(findings=findings, study=studies[0])


def file_system(path: Path | None) -> str | None:
    """Return the kind of disk that a file lies on, such as nfs4; None where it is not known."""
    if path is None:
        return None
    place = path.resolve()
    disks = psutil.disk_partitions(all=True)
    mounted = [disk for disk in disks if place.is_relative_to(disk.mountpoint)]
    if not mounted:
        return None
    nearest = max(mounted, key=lambda disk: len(disk.mountpoint))
    return str(nearest.fstype)


def _database_findings(facts: DatabaseFacts) -> list[Finding]:
    return [finding for check in DATABASE_CHECKS for finding in check(facts)]


def _read_studies(url: str, name: str | None) -> list[StudyFacts]:
    """Read the study ``name`` with its trials, or all studies without."""
    if name is None:
        records = list_studies(url)
    else:
        records = [read_overview(url, find_study(url, name), n_best=0)]
    studies = []
    for record in records:
        health = read_health(url, record.name, record.uuid)
        try:
            plan = stored_plan(record.sweep, record.settings)
        except (ConfigError, ValueError):  # made by another tool or another version
            plan = None
        studies.append(StudyFacts(record=record, health=health, plan=plan))
    return studies


def _reap(url: str, facts: StudyFacts) -> list[Finding]:
    """Fail the lost trials of a study, queue them again, and say what became of them."""
    subject = "lost trials"
    name = facts.record.name
    if not facts.lost:
        return [Finding(Level.OK, subject, f"none in study {name}")]
    failed = fail_lost(url, name, facts.limits)
    if not failed:
        what = "none was failed: a server that has just started awaits the heartbeats of workers"
        remedy = f"repeat this in {2 * facts.limits.heartbeat_seconds} seconds"
        return [Finding(Level.NOTE, subject, what, remedy)]
    retried = read_overview(url, name, n_best=0).retried
    queued = [number for number in failed if number in retried]
    given_up = [number for number in failed if number not in retried]
    found = []
    if queued:
        what = f"{trials(queued)} of study {name} failed now, and queued again"
        remedy = f"if no worker runs, start one with 'bcsearch worker {facts.record.option}'"
        found.append(Finding(Level.NOTE, subject, what, remedy))
    if given_up:
        found.append(given_up_finding(given_up, facts))
    return found
