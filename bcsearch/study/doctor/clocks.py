"""The check on workers' clocks, by what the database's clock says of the same moments. Imports records.

A trial starts after its slot was claimed, and a worker claims its next slot after its last trial ended. Starts and ends
are told by the worker's clock, claims by the database's. So a clock is ahead by no more than the shortest time from a
claim to its start, and by no less than the longest time that an end lies after the worker's next claim.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from bcsearch.records import TrialState
from bcsearch.records.finding import Finding, note, warning
from bcsearch.study.doctor.database import MOST_SKEW
from bcsearch.study.doctor.workers import host_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from bcsearch.storage.study_health import Claim
    from bcsearch.study.doctor.facts import StudyFacts

REMEDY = "let it keep time by NTP: start, end and length of its trials are told by its clock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skew:
    """Seconds that a machine's clock is ahead of the database's: between ``least`` and ``most``."""

    least: float
    most: float


def check_clocks(facts: StudyFacts) -> list[Finding]:
    """Compare the clock of every machine that worked on a study with the database's."""
    found = []
    for host, skew in sorted(skews(facts.health.claims, facts.health.now).items()):
        if skew.least > MOST_SKEW:
            what = (
                f"the clock of {host} is {skew.least:.0f} seconds or more ahead of the database's"
            )
            found.append(warning("clock", what, REMEDY))
        elif skew.most < -MOST_SKEW:
            what = f"the clock of {host} is {-skew.most:.0f} seconds or more behind the database's"
            found.append(warning("clock", what, REMEDY))
        elif skew.most > MOST_SKEW:
            what = f"trials on {host} start {skew.most:.0f} seconds after their claim: its clock is ahead, or it is slow"
            found.append(note("clock", what))
    return found


def skews(claims: Iterable[Claim], now: datetime) -> dict[str, Skew]:
    """Return how far each machine's clock can be ahead, by machine; ``now`` is by the clock of the database."""
    least: dict[str, float] = defaultdict(lambda: -inf)
    most: dict[str, float] = defaultdict(lambda: inf)
    ends: dict[str, datetime] = {}
    for claim in sorted(claims, key=lambda claim: claim.claimed):
        if claim.started is None:
            continue
        host, last = host_of(claim.worker), ends.get(claim.worker)
        most[host] = min(most[host], (claim.started - claim.claimed).total_seconds())
        least[host] = max(least[host], (claim.started - now).total_seconds())
        if last is not None:
            least[host] = max(least[host], (last - claim.claimed).total_seconds())
        if (
            claim.ended is not None and claim.state is not TrialState.FAIL
        ):  # a lost trial is ended by another worker
            ends[claim.worker] = claim.ended
    return {host: Skew(least=least[host], most=most[host]) for host in most}
