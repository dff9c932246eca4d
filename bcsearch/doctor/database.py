"""Checks on a database: its tables, its clock, and whether SQLite suits those who work on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcsearch.doctor.facts import DatabaseFacts, listed
from bcsearch.records.finding import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterable

SERVER = "move the study to a PostgreSQL server and give its URL with --storage"


def check_schema(facts: DatabaseFacts) -> list[Finding]:
    """Compare the revision of Optuna's tables with the one that the installed Optuna needs."""
    health = facts.health
    if health.is_usable:
        what = f"{health.place}, its tables suit the installed Optuna"
        return [Finding(Level.OK, "database", what)]
    what = (
        f"Optuna's tables have revision {health.schema}, "
        f"the installed Optuna needs {health.schema_here}"
    )
    remedy = (
        "if it is older, run 'bcsearch storage backup' and then 'bcsearch storage upgrade'; "
        "if it is newer, install a newer Optuna"
    )
    return [Finding(Level.WRONG, "database", what, remedy)]


def check_tables(facts: DatabaseFacts) -> list[Finding]:
    """Look for tables of bcsearch that are missing."""
    missing = listed(facts.health.missing)
    if not missing:
        return []
    if any(study.record.uuid for study in facts.studies):
        what = f"it holds studies of bcsearch, but these tables are missing: {missing}"
        return [Finding(Level.WRONG, "database", what, "restore it from a backup")]
    what = f"it has no tables {missing}: bcsearch has run nothing in it yet"
    return [Finding(Level.NOTE, "database", what)]


def check_journal(facts: DatabaseFacts) -> list[Finding]:
    """Look whether SQLite lets workers read while one of them writes."""
    mode = facts.health.journal
    if mode in (None, "wal"):
        return []
    what = f"SQLite's journal mode is {mode!r}, not 'wal', so readers wait for the writer"
    remedy = (
        "'bcsearch run' sets it; if it does not stay, "
        "the disk does not support it: move the file to a local disk"
    )
    return [Finding(Level.WARNING, "database", what, remedy)]


def check_sharing(facts: DatabaseFacts) -> list[Finding]:
    """Look for a SQLite file on a network disk, or one that several machines use at once."""
    if facts.health.path is None:
        return []
    if _is_network(facts.file_system):
        hosts = _hosts(name for study in facts.studies for name in study.health.workers)
        disk = f"on a network disk ({facts.file_system})"
        if len(hosts) > 1:
            what = f"machines {listed(hosts)} share a SQLite file {disk}: writes may be lost"
            return [Finding(Level.WRONG, "database", what, SERVER)]
        what = f"the SQLite file lies {disk}, where its locks do not hold"
        remedy = f"keep it on a local disk and use one machine, or {SERVER}"
        return [Finding(Level.WARNING, "database", what, remedy)]
    active = _hosts(name for study in facts.studies for name in study.active_workers)
    if len(active) < 2:
        return []
    what = f"machines {listed(active)} work on one SQLite file at the same time"
    remedy = f"{SERVER}; containers of one machine may share the file"
    return [Finding(Level.WARNING, "database", what, remedy)]


def check_clock(facts: DatabaseFacts) -> list[Finding]:
    """Compare this machine's clock with that of the database's server."""
    ahead = facts.health.clock_ahead
    if facts.health.path is not None or abs(ahead) <= 5:
        return []
    direction = "ahead of"
    if ahead < 0:
        direction = "behind"
    what = f"this machine's clock is {abs(ahead):.0f} seconds {direction} the database's"
    return [Finding(Level.WARNING, "clock", what, "synchronize both by NTP")]


DATABASE_CHECKS = (check_schema, check_tables, check_journal, check_sharing, check_clock)


def _is_network(file_system: str | None) -> bool:
    kinds = "nfs cifs smb afs ceph lustre gpfs beegfs glusterfs sshfs davfs rclone"
    return (file_system or "").removeprefix("fuse.").startswith(tuple(kinds.split()))


def _hosts(workers: Iterable[str]) -> list[str]:
    """Return the machines of workers, which are called by host and process id."""
    return sorted({worker.rpartition("-")[0] or worker for worker in workers})
