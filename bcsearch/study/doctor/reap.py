"""Fails the trials of lost workers and queues them again, as a worker would. Imports optuna and storage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import optuna

from bcsearch.records.finding import Finding, note, ok, warning
from bcsearch.storage import open_storage, read_overview
from bcsearch.study.doctor.words import trials

if TYPE_CHECKING:
    from bcsearch.study.doctor.facts import StudyFacts

SUBJECT = "lost trials"


def reap(url: str, facts: StudyFacts) -> list[Finding]:
    """Reap the study of ``facts`` if any of its trials is lost, and say what became of them."""
    if not facts.lost:
        return [ok(SUBJECT, f"none in study {facts.name}")]
    failed = _fail(url, facts)
    if not failed:
        what = (
            "none was failed: heartbeats of the living come first, right after a server has started"
        )
        return [
            note(SUBJECT, what, f"the same again in {2 * facts.limits.heartbeat_seconds} seconds")
        ]
    retried = read_overview(url, facts.name, n_best=0).retried
    queued = [number for number in failed if number in retried]
    given_up = [number for number in failed if number not in retried]
    found = []
    if queued:
        run = f"'bcsearch run' or 'bcsearch worker --study {facts.name}' runs what is queued, where no worker does"
        found.append(
            note(
                SUBJECT, f"{trials(queued)} of study {facts.name} failed now, and queued again", run
            )
        )
    if given_up:
        what = f"{trials(given_up)} of study {facts.name} failed now, and given up after {facts.limits.retries} retries"
        found.append(
            warning(SUBJECT, what, "look what kills the workers: often it is too little memory")
        )
    return found


def _fail(url: str, facts: StudyFacts) -> list[int]:
    storage = open_storage(url)
    storage.follow(facts.limits)
    try:
        return storage.fail_stale(optuna.load_study(study_name=facts.name, storage=storage))
    finally:
        storage.remove_session()
        storage.engine.dispose()
