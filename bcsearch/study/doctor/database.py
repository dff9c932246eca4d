"""Checks on a database: its tables, its clock, and whether its kind suits who works on it. Imports records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcsearch.records.finding import Finding, note, ok, warning, wrong
from bcsearch.study.doctor.words import listed, many
from bcsearch.study.doctor.workers import busy_workers, host_of, hosts_at_once

if TYPE_CHECKING:
    from bcsearch.study.doctor.facts import DatabaseFacts

SUBJECT = "database"
SERVER = "move the study to a PostgreSQL server and give its URL with --storage"
NETWORK = (
    "nfs",
    "cifs",
    "smb",
    "afs",
    "ceph",
    "lustre",
    "gpfs",
    "beegfs",
    "glusterfs",
    "sshfs",
    "davfs",
    "fuse.rclone",
)
MOST_SKEW = 5.0  # seconds between two clocks that are of no account
MANY_WORKERS = 16  # on SQLite, which takes one write at a time; a guess, not measured


def check_schema(facts: DatabaseFacts) -> list[Finding]:
    """Compare Optuna's tables with what the installed Optuna works with."""
    health = facts.health
    if health.fits:
        return [ok(SUBJECT, f"{health.place}, tables as the installed Optuna has them")]
    what = f"Optuna's tables are of revision {health.schema}, the installed Optuna works with {health.schema_here}"
    remedy = "'bcsearch storage backup' and then 'upgrade' mend an older one; a newer one needs the newer Optuna"
    return [wrong(SUBJECT, what, remedy)]


def check_tables(facts: DatabaseFacts) -> list[Finding]:
    """Look whether bcsearch's own tables are there."""
    missing = listed(facts.health.missing)
    if not missing:
        return []
    if facts.made_here:
        return [
            wrong(
                SUBJECT,
                f"it holds studies of bcsearch, but not {missing}",
                "restore it from a copy",
            )
        ]
    return [note(SUBJECT, f"it has no {missing}: bcsearch has run nothing in it yet")]


def check_journal(facts: DatabaseFacts) -> list[Finding]:
    """Look whether SQLite lets workers read while one of them writes."""
    if facts.health.journal in (None, "wal"):
        return []
    what = f"SQLite's journal is in mode {facts.health.journal!r}, not 'wal': who reads waits for who writes"
    remedy = "'bcsearch run' turns it on; where it stays off, the disk cannot do it: move the file to a local one"
    return [warning(SUBJECT, what, remedy)]


def check_sharing(facts: DatabaseFacts) -> list[Finding]:
    """Compare the kind of database with the machines and workers that use it."""
    if facts.health.path is None:
        return []
    hosts = sorted({host_of(claim.worker) for claim in facts.claims})
    if facts.file_system is not None and facts.file_system.removeprefix("fuse.").startswith(
        NETWORK
    ):
        return [_on_network(facts.file_system, hosts)]
    together = hosts_at_once(facts.claims)
    if together:
        what = f"machines {listed(sorted(together))} worked on one SQLite file at the same time"
        remedy = f"{SERVER}; containers of one machine may share the file"
        return [warning(SUBJECT, what, remedy)]
    busy = busy_workers(facts.claims)
    if len(busy) > MANY_WORKERS:
        return [
            note(
                SUBJECT,
                f"{many(len(busy), 'worker')} share one SQLite file, which takes one write at a time",
                SERVER,
            )
        ]
    return []


def check_clock(facts: DatabaseFacts) -> list[Finding]:
    """Compare this machine's clock with the database's."""
    ahead = facts.health.clock_ahead
    if facts.health.path is not None or abs(ahead) <= MOST_SKEW:
        return []
    which = "ahead of" if ahead > 0 else "behind"
    what = f"this machine's clock is {abs(ahead):.0f} seconds {which} the database's"
    return [warning("clock", what, "let both keep time by NTP")]


def _on_network(file_system: str, hosts: list[str]) -> Finding:
    if len(hosts) > 1:
        what = f"machines {listed(hosts)} share a SQLite file on a network disk ({file_system}): writes may be lost"
        return wrong(SUBJECT, what, SERVER)
    what = f"the SQLite file lies on a network disk ({file_system}), where its locks do not hold"
    return warning(SUBJECT, what, f"keep it on a local disk and use one machine, or {SERVER}")
