"""Checks on a study: lost and failed trials, heartbeats, files, a search that cannot act."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcsearch.doctor.facts import StudyFacts, listed
from bcsearch.records import TrialState
from bcsearch.records.finding import Finding, Level
from bcsearch.records.sizes import time_text
from bcsearch.study.places import SHARED
from bcsearch.study.samplers import SAMPLERS

if TYPE_CHECKING:
    from collections.abc import Collection

    from bcsearch.records import TrialRecord


def check_progress(facts: StudyFacts) -> list[Finding]:
    """Say how far a study is."""
    health = facts.health
    done = str(health.finished)
    if facts.trials_wanted:
        done += f" of {facts.trials_wanted}"
    what = f"{done} trials done, {len(health.running) - len(facts.lost)} running"
    queued = health.counts.get(TrialState.WAITING, 0)
    if queued:
        what += f", {queued} queued"
    return [Finding(Level.OK, facts.subject, what)]


def check_origin(facts: StudyFacts) -> list[Finding]:
    """Say so where a study's settings are unknown."""
    if facts.plan is not None:
        return []
    made = "it was not made by bcsearch"
    if facts.record.settings:
        made = "another version of bcsearch made it"
    return [Finding(Level.NOTE, facts.subject, f"{made}, so its trials and search are not checked")]


def check_lost(facts: StudyFacts) -> list[Finding]:
    """Look for running trials whose workers send no heartbeat any more."""
    lost = facts.lost
    if not lost:
        return []
    silent = time_text(max(trial.silent_seconds for trial in lost))
    allowed = time_text(facts.limits.grace_seconds)
    where = facts.subject
    workers = sorted({trial.worker for trial in lost if trial.worker})
    if workers:
        where += f" (worker {listed(workers)})"
    numbers = trials([trial.number for trial in lost])
    what = f"{numbers} of {where}: no heartbeat for {silent}, allowed are {allowed}"
    remedy = "any worker queues them again, and so does this command with --reap"
    return [Finding(Level.WRONG, "lost trials", what, remedy)]


def check_heartbeats(facts: StudyFacts) -> list[Finding]:
    """Look whether the loss of every worker would be noticed."""
    if facts.plan is None:
        return []
    unheard = [trial.number for trial in facts.health.running if not trial.has_heartbeat]
    if unheard:
        what = f"none for {trials(unheard)}: bcsearch did not start the worker"
        remedy = f"start workers with 'bcsearch worker {facts.record.option}'"
        return [Finding(Level.WARNING, "heartbeats", what, remedy)]
    every = time_text(facts.limits.heartbeat_seconds)
    grace = time_text(facts.limits.grace_seconds)
    what = f"every {every}; a trial without any for {grace} is lost"
    return [Finding(Level.OK, "heartbeats", what)]


def check_failed(facts: StudyFacts) -> list[Finding]:
    """Look for trials that failed: retried, lost too often, or ended by an error."""
    failed = [trial for trial in facts.record.trials if trial.state is TrialState.FAIL]
    retried = [trial.number for trial in failed if trial.number in facts.record.retried]
    ended = [trial for trial in failed if trial.number not in facts.record.retried]
    given_up = [trial.number for trial in ended if _has_no_retries_left(facts, trial)]
    errors = [trial for trial in ended if trial.number not in given_up]
    found = []
    if retried:
        what = f"{trials(retried)} lost with a worker and queued again"
        found.append(Finding(Level.NOTE, "failed trials", what))
    if given_up:
        found.append(given_up_finding(given_up, facts))
    if errors:
        what = f"{trials([trial.number for trial in errors])} ended by an error, so not tried again"
        notes = dict.fromkeys(trial.note for trial in errors if trial.note)
        if notes:
            what += f": {listed(notes)}"
        remedy = "see the output of their workers"
        found.append(Finding(Level.WARNING, "failed trials", what, remedy))
    return found


def check_infeasible(facts: StudyFacts) -> list[Finding]:
    """Say why configurations could not be trained."""
    infeasible = facts.record.infeasible
    if not infeasible:
        return []
    last = infeasible[-1]
    what = f"{trials([trial.number for trial in infeasible])} could not be trained"
    if last.note:
        what += f", trial {last.number} because: {last.note}"
    if facts.record.completed:
        return [Finding(Level.NOTE, "infeasible", what)]
    remedy = "fix the sweep or its space and start anew with --fresh"
    return [Finding(Level.WARNING, "infeasible", what, remedy)]


def check_pruner(facts: StudyFacts) -> list[Finding]:
    """Look whether weak trials can be stopped early."""
    if facts.plan is None:
        return []
    search = facts.plan.sweep.search
    epochs = facts.plan.sweep.training.epochs
    if not search.prunes:
        what = "none, as the sweep says: weak trials run to their end"
        return [Finding(Level.NOTE, "pruner", what)]
    if search.pruner_trials >= facts.trials_wanted:
        what = (
            f"it can stop no trial: it waits for {search.pruner_trials} completed trials, "
            f"the budget is {facts.trials_wanted}"
        )
        remedy = "lower search.pruner_trials and start anew with --fresh"
        return [Finding(Level.WARNING, "pruner", what, remedy)]
    if search.pruner_epochs >= epochs - 1:
        what = (
            f"it can stop no trial: it ignores the first {search.pruner_epochs} epochs, "
            f"and a trial has {epochs}"
        )
        remedy = "lower search.pruner_epochs or raise training.epochs, and start anew with --fresh"
        return [Finding(Level.WARNING, "pruner", what, remedy)]
    pruned = facts.health.counts.get(TrialState.PRUNED, 0) - len(facts.record.infeasible)
    what = f"it stopped {pruned} of {facts.health.finished} finished trials"
    return [Finding(Level.OK, "pruner", what)]


def check_sampler(facts: StudyFacts) -> list[Finding]:
    """Look whether the sampler ever learns from earlier trials."""
    if facts.plan is None:
        return []
    search = facts.plan.sweep.search
    if not SAMPLERS[search.sampler].learns:
        what = f"{search.sampler}, as the sweep says: it does not learn from earlier trials"
        return [Finding(Level.NOTE, "sampler", what)]
    if search.startup_trials < facts.trials_wanted:
        return []
    what = (
        f"it never learns: the first {search.startup_trials} trials are random, "
        f"the budget is {facts.trials_wanted}"
    )
    remedy = "raise --trials, or start anew with --fresh and a lower search.startup_trials"
    return [Finding(Level.WARNING, "sampler", what, remedy)]


def check_views(facts: StudyFacts) -> list[Finding]:
    """Look whether the number of stored views is searched where none are stored."""
    if facts.plan is None or not facts.plan.sweep.views.is_online:
        return []
    if "views" not in facts.plan.space.varied:
        return []
    what = "`views` of the space does not act, as the sweep has a fresh view in every epoch"
    remedy = "take it out of the space and start anew with --fresh"
    return [Finding(Level.WARNING, "views", what, remedy)]


def check_files(facts: StudyFacts) -> list[Finding]:
    """Look for machines that keep checkpoints and figures in a folder of their own."""
    record = facts.record
    own = [f"{host} ({place})" for host, place in record.files_of.items() if place != SHARED]
    if own:
        what = (
            f"other machines do not see those of {listed(sorted(own))}, "
            "so a trial that is lost there starts again from its first epoch"
        )
        remedy = "give 'bcsearch run' and all workers --artifacts with a folder that all can reach"
        return [Finding(Level.WARNING, "files of trials", what, remedy)]
    if record.files:
        return [Finding(Level.OK, "files of trials", f"in {record.files}")]
    return []


# of every study
OVERVIEW_CHECKS = (check_progress, check_origin, check_lost)
# of the one that is named, besides
STUDY_CHECKS = (
    check_heartbeats,
    check_failed,
    check_infeasible,
    check_pruner,
    check_sampler,
    check_views,
    check_files,
)


def trials(numbers: Collection[int]) -> str:
    """Return trials by their numbers, such as ``trials 3, 4``."""
    noun = "trials"
    if len(numbers) == 1:
        noun = "trial"
    return f"{noun} {listed(sorted(numbers))}"


def given_up_finding(numbers: Collection[int], facts: StudyFacts) -> Finding:
    """Say that trials are not tried again, as they were lost too often."""
    what = f"{trials(numbers)} of {facts.subject} given up after {facts.limits.retries} retries"
    remedy = "find what kills the workers: often they need more memory than there is"
    return Finding(Level.WARNING, "failed trials", what, remedy)


def _has_no_retries_left(facts: StudyFacts, trial: TrialRecord) -> bool:
    """Whether a failed trial was the last retry that is allowed."""
    allowed = facts.limits.retries
    earlier = {each.number: each.retry_of for each in facts.record.trials}
    n_retries = 0
    before = trial.retry_of
    while before is not None and n_retries < allowed:
        n_retries += 1
        before = earlier.get(before)
    return 0 < allowed == n_retries
