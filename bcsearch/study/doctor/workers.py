"""What the claims of slots tell of workers: their machines, who worked at the same time. Imports storage."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bcsearch.records import TrialState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bcsearch.storage.study_health import Claim

SLACK = timedelta(seconds=5)  # clocks of machines differ


def host_of(worker: str) -> str:
    """Return the machine of a worker, whose name is host and process id."""
    host, _, process = worker.rpartition("-")
    return host if host and process.isdigit() else worker


def busy_workers(claims: Iterable[Claim]) -> set[str]:
    """Return the workers that run a trial."""
    return {claim.worker for claim in claims if claim.state is TrialState.RUNNING}


def hosts_at_once(claims: Iterable[Claim]) -> set[str]:
    """Return the machines that worked at the same time as another."""
    until: dict[str, datetime] = {}
    together: set[str] = set()
    for claim in sorted(claims, key=lambda claim: claim.claimed):
        host = host_of(claim.worker)
        others = {
            other for other, end in until.items() if other != host and end > claim.claimed + SLACK
        }
        if others:
            together |= {host, *others}
        until[host] = max(_end(claim), until.get(host, datetime.min))
    return together


def _end(claim: Claim) -> datetime:
    """Return until when a worker was there: not known of a trial that failed, which another may have ended."""
    if claim.state is TrialState.RUNNING:
        return datetime.max
    return claim.claimed if claim.ended is None or claim.state is TrialState.FAIL else claim.ended
