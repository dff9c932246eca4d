"""Checks on a study's search: a pruner or sampler that cannot act, or did not. Imports records and config."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcsearch.records import TrialState
from bcsearch.records.finding import Finding, note, ok, warning
from bcsearch.study.doctor.words import listed, many

if TYPE_CHECKING:
    from bcsearch.config import Plan
    from bcsearch.study.doctor.facts import StudyFacts

ENOUGH_TRIALS = 10  # that finished when the pruner could act: by chance none is below the median once in 1,000 studies


def check_pruner(facts: StudyFacts) -> list[Finding]:
    """Look whether weak trials can be stopped early, and whether any was."""
    if facts.plan is None:
        return []
    if facts.plan.sweep.search.pruner == "none":
        return [note("pruner", "none, as the sweep says: weak trials run to their end")]
    why = _idle_because(facts.plan, facts.wanted)
    if why:
        return [
            warning(
                "pruner", f"it can stop no trial: {why[0]}", f"{why[1]} and start anew with --fresh"
            )
        ]
    counts, needed = facts.health.counts, facts.plan.sweep.search.pruner_trials
    pruned = counts.get(TrialState.PRUNED, 0) - len(facts.record.infeasible)
    if pruned:
        return [ok("pruner", f"it stopped {pruned} of {many(facts.health.finished, 'trial')}")]
    completed = counts.get(TrialState.COMPLETE, 0)
    if completed >= needed + ENOUGH_TRIALS:
        what = f"it has stopped none of {completed} trials, and could since {needed} had completed"
        return [
            note(
                "pruner",
                what,
                "trials that end before search.pruner_epochs, by their patience, are never stopped",
            )
        ]
    return [ok("pruner", f"it acts once {needed} trials have completed, {completed} have")]


def check_sampler(facts: StudyFacts) -> list[Finding]:
    """Look whether the sampler comes to learn anything."""
    if facts.plan is None:
        return []
    search, wanted = facts.plan.sweep.search, facts.wanted
    if search.sampler == "random":
        return [note("sampler", "random, as the sweep says: it learns nothing from earlier trials")]
    if search.startup_trials >= wanted:
        what = f"it never learns: the first {search.startup_trials} trials are random, the budget is {wanted}"
        return [
            warning(
                "sampler", what, "raise --trials, or start anew with a lower search.startup_trials"
            )
        ]
    return []


def check_draws(facts: StudyFacts) -> list[Finding]:
    """Count what TPE drew without having seen the parameter in a finished trial."""
    if facts.plan is None or facts.plan.sweep.search.sampler != "tpe":
        return []
    if facts.health.finished <= facts.plan.sweep.search.startup_trials:
        return []
    count = sum(facts.independent.values())
    if not count:
        return [
            ok(
                "sampler",
                "no parameter was drawn independently of the others after the random trials",
            )
        ]
    names = listed(f"{name} ({times})" for name, times in facts.independent.items())
    what = f"after the random trials it drew {many(count, 'value')} independently, of parameters new to it: {names}"
    return [
        note(
            "sampler",
            what,
            "a few are usual where parameters have conditions; start points that have them help",
        )
    ]


def _idle_because(plan: Plan, wanted: int) -> tuple[str, str] | None:
    """Say why a pruner can never act and what to change; None where it can."""
    search, epochs = plan.sweep.search, plan.sweep.training.epochs
    if search.pruner_trials >= wanted:
        return (
            f"it waits for {search.pruner_trials} completed trials, the budget is {wanted}",
            "lower search.pruner_trials",
        )
    if search.pruner_epochs >= epochs - 1:
        reason = f"it lets the first {search.pruner_epochs} epochs pass, and a trial has {epochs}"
        return reason, "lower search.pruner_epochs or raise training.epochs"
    return None
