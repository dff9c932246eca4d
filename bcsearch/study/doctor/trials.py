"""Checks on the trials of a study: lost, silent, unheard, failed. Imports records."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from bcsearch.records import TrialState
from bcsearch.records.finding import Finding, note, ok, warning, wrong
from bcsearch.records.words import time_in_words
from bcsearch.study.doctor.words import listed, many, trials

if TYPE_CHECKING:
    from bcsearch.records import StudyRecord
    from bcsearch.study.doctor.facts import StudyFacts

SLOW_TIMES = 10  # the longest trial that ended, from which on one that runs is told
SLOW_SECONDS = 600.0  # at least
REAP = "this command with --reap queues what is lost again, as any worker does"


def check_overview(facts: StudyFacts) -> list[Finding]:
    """Say in one line how far a study is, and what of it is lost."""
    stale = facts.lost
    if not stale:
        return check_progress(facts)
    return [
        wrong(
            f"study {facts.name}", f"{_progress(facts)}, {len(stale)} lost with their workers", REAP
        )
    ]


def check_progress(facts: StudyFacts) -> list[Finding]:
    """Say how far a study is."""
    return [ok(f"study {facts.name}", _progress(facts))]


def check_origin(facts: StudyFacts) -> list[Finding]:
    """Say where not all can be known of a study."""
    if facts.plan is not None:
        return []
    made = (
        "its settings are of another bcsearch"
        if facts.record.settings
        else "it was not made by bcsearch"
    )
    return [note(f"study {facts.name}", f"{made}, so lost trials and its search are not judged")]


def check_stale(facts: StudyFacts) -> list[Finding]:
    """Look for trials that are said to run, but whose workers fell silent."""
    stale, grace = facts.lost, facts.limits.grace_seconds
    if not stale:
        return []
    longest = max(stale, key=lambda trial: trial.silent_seconds)
    workers = listed(sorted({trial.worker for trial in stale if trial.worker}))
    of = f" of {workers}" if workers else ""
    silent = f"fell silent {time_in_words(longest.silent_seconds)} ago, {time_in_words(grace)} are allowed"
    what = f"{trials([trial.number for trial in stale])}{of} {silent}"
    return [wrong("lost trials", what, REAP)]


def check_pace(facts: StudyFacts) -> list[Finding]:
    """Look for trials whose workers live, but that take far longer than any before them: they may hang."""
    took = [
        trial.seconds
        for trial in facts.record.trials
        if trial.is_finished and trial.seconds is not None
    ]
    longest, lost = max(took, default=inf), {trial.number for trial in facts.lost}
    running = [
        claim
        for claim in facts.health.claims
        if claim.state is TrialState.RUNNING and claim.trial not in lost
    ]
    ages = [(claim, (facts.health.now - claim.claimed).total_seconds()) for claim in running]
    return [
        warning(
            "slow trials",
            f"trial {claim.trial} of {claim.worker} has run for {time_in_words(seconds)}, the longest before took "
            f"{time_in_words(longest)}",
            "where that worker hangs, kill it: its trial is run again",
        )
        for claim, seconds in ages
        if seconds > max(SLOW_TIMES * longest, SLOW_SECONDS)
    ]


def check_heartbeats(facts: StudyFacts) -> list[Finding]:
    """Look whether the loss of every worker would be noticed."""
    if facts.plan is None:
        return []
    limits = facts.limits
    unheard = [trial.number for trial in facts.health.running if not trial.has_heartbeat]
    if unheard:
        what = f"none comes from {trials(unheard)}: the worker is not of bcsearch"
        return [
            warning(
                "heartbeats", what, f"start workers with 'bcsearch worker --study {facts.name}'"
            )
        ]
    every, grace = time_in_words(limits.heartbeat_seconds), time_in_words(limits.grace_seconds)
    return [ok("heartbeats", f"every {every}; a trial is lost after {grace} of silence")]


def check_claims(facts: StudyFacts) -> list[Finding]:
    """Look for slots of the budget that were claimed by workers that then asked for no trial."""
    now, grace = facts.health.now, facts.limits.grace_seconds
    empty = [claim for claim in facts.health.claims if claim.trial is None]
    expired = [claim for claim in empty if (now - claim.claimed).total_seconds() > grace]
    if not expired:
        return []
    workers = listed(sorted({claim.worker for claim in expired}))
    return [
        note(
            "claims",
            f"{many(len(expired), 'slot')} claimed by {workers} came to nothing and count as free",
        )
    ]


def check_attempts(facts: StudyFacts) -> list[Finding]:
    """Count the attempts that failed: lost and queued again, given up, ended by an error."""
    record = facts.record
    failed = [trial for trial in record.trials if trial.state is TrialState.FAIL]
    retried = [trial for trial in failed if trial.number in record.retried]
    ended = [trial for trial in failed if trial.number not in record.retried]
    given_up = [
        trial
        for trial in ended
        if 0 < facts.limits.retries <= _retries_before(record, trial.number)
    ]
    found = []
    if retried:
        found.append(
            note("attempts", f"{many(len(retried), 'trial')} lost with a worker and queued again")
        )
    if given_up:
        numbers = trials([trial.number for trial in given_up])
        what = f"{numbers} given up: lost again after each of {facts.limits.retries} retries"
        found.append(
            warning("attempts", what, "look what kills the workers: often it is too little memory")
        )
    errors = [trial for trial in ended if trial not in given_up]
    if errors:
        notes = listed(dict.fromkeys(trial.note for trial in errors if trial.note))
        why = f": {notes}" if notes else ""
        what = f"{trials([trial.number for trial in errors])} failed with an error, so not tried again{why}"
        found.append(warning("attempts", what, "what their worker said stands in its terminal"))
    return found


def check_infeasible(facts: StudyFacts) -> list[Finding]:
    """Say why configurations could not be trained."""
    infeasible = facts.record.infeasible
    if not infeasible:
        return []
    why = f", trial {infeasible[-1].number}: {infeasible[-1].note}" if infeasible[-1].note else ""
    what = f"{many(len(infeasible), 'configuration')} could not be trained, the last{why}"
    if facts.record.completed:
        return [note("infeasible", what)]
    return [warning("infeasible", what, "mend the sweep or its space, and start anew with --fresh")]


def _progress(facts: StudyFacts) -> str:
    health = facts.health
    of = f" of {facts.wanted}" if facts.wanted else ""
    heard = len(health.running) - len(facts.lost)
    waiting = health.counts.get(TrialState.WAITING, 0)
    queued = f", {waiting} queued" if waiting else ""
    return f"{health.finished}{of} trials done, {heard} running{queued}"


def _retries_before(record: StudyRecord, number: int) -> int:
    """Count the attempts that a trial is a retry of, one after the other."""
    earlier = {trial.number: trial.retry_of for trial in record.trials}
    count, before = 0, earlier.get(number)
    while before is not None and count < len(earlier):
        count, before = count + 1, earlier.get(before)
    return count
