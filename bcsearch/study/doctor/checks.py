"""The list of checks, in the order in which their findings are read. Imports the checks.

A check takes facts and returns findings; a new one only has to be written and named here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcsearch.study.doctor import clocks, database, files, machine, search, trials

if TYPE_CHECKING:
    from collections.abc import Callable

    from bcsearch.records.finding import Finding
    from bcsearch.study.doctor.facts import DatabaseFacts, MachineFacts, StudyFacts

DATABASE_CHECKS: tuple[Callable[[DatabaseFacts], list[Finding]], ...] = (
    database.check_schema,
    database.check_tables,
    database.check_journal,
    database.check_sharing,
    database.check_clock,
)
OVERVIEW_CHECKS: tuple[Callable[[StudyFacts], list[Finding]], ...] = (  # of each of all studies
    trials.check_overview,
    trials.check_origin,
)
STUDY_CHECKS: tuple[Callable[[StudyFacts], list[Finding]], ...] = (  # of the one that is named
    trials.check_progress,
    trials.check_origin,
    trials.check_stale,
    trials.check_pace,
    trials.check_heartbeats,
    trials.check_claims,
    trials.check_attempts,
    trials.check_infeasible,
    search.check_pruner,
    search.check_sampler,
    search.check_draws,
    clocks.check_clocks,
    files.check_files,
)
MACHINE_CHECKS: tuple[Callable[[MachineFacts], list[Finding]], ...] = (
    machine.check_disks,
    machine.check_memory,
    machine.check_gpu,
    machine.check_threads,
)
