"""Creates, continues or joins a study: a session, and what it is worked on with."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from bcsearch.errors import DiskError, StorageError, StudyError
from bcsearch.paths import free_bytes, locked, make_writable_dir
from bcsearch.records.events import Listener, Notice
from bcsearch.storage import (
    database_of,
    find_study,
    list_studies,
    newest_of,
    open_storage,
    read_overview,
)
from bcsearch.storage.checks import read_check
from bcsearch.storage.reconnect import Outage
from bcsearch.study.assemble import Prepared, prepare
from bcsearch.study.create import (
    check_fingerprint,
    load_study,
    open_study,
    plan_of,
    refuse_older,
    study_name,
)
from bcsearch.study.places import files_dir
from bcsearch.study.session import Session, worker_name

if TYPE_CHECKING:
    from pathlib import Path

    import optuna

    from bcsearch.config import Plan, RunOptions, Sweep
    from bcsearch.records import StudyRecord
    from bcsearch.records.checked import StudyCheck
    from bcsearch.storage import Storage
    from bcsearch.study.interrupts import Interrupts

JOIN_SECONDS = 60.0  # for a server that is restarting as a worker joins
WAIT_SECONDS = 1.0  # between looks at whether a study is there
ROOM_BYTES = 2**26  # free before a run begins: a model is written beside the one it replaces


def open_session(
    prepared: Prepared, url: str, options: RunOptions, listener: Listener, interrupts: Interrupts
) -> Session:
    """Create the study of a plan, or join it where it exists; set its budget.

    Of several that begin at once on this machine one creates it, the others wait and join.

    Raises:
        StudyError: the study exists with another fingerprint.
    """
    plan, storage = prepared.plan, open_storage(url, prepared.plan.sweep.limits)
    with locked(options.results_dir / ".create.lock", interrupts.raise_if_asked):
        studies = list_studies(storage)
        name = study_name(plan.name, studies, fresh=options.fresh)
        if options.names_starts and name in [study.name for study in studies if study.uuid]:
            line = "goes on with its own start points; with --fresh a new one begins with these"
            listener(Notice(text=f"study {name!r} {line}"))
        study = open_study(
            storage,
            plan,
            prepared.fingerprint,
            name=name,
            worker=worker_name(),
            starts=plan.sweep.start,
            check=prepared.check,
        )
        session = _session(study, storage, options, may_move=True)
    kept = _kept_sections(session.plan.sweep, plan.sweep)
    if kept:
        listener(Notice(text=f"study {name!r} keeps the {kept} that it was made with"))
    storage.follow(session.plan.sweep.limits)
    session.set_budget(options.trials, plan.sweep.search.trials)
    return session


def check_of(url: str, sweep: str) -> StudyCheck | None:
    """Return the check of a sweep's newest study; None where there is no study.

    Raises:
        StudyError: it was made by an earlier version, so that it cannot go on.
    """
    try:
        studies = list_studies(url)
    except StudyError:  # nothing was ever run there
        return None
    newest = newest_of(sweep, studies)
    found = [study for study in studies if study.name == newest and study.uuid]
    if not found:
        return None
    refuse_older(found[0])
    return read_check(url, found[0].uuid)


def await_study(name: str, options: RunOptions, listener: Listener, interrupts: Interrupts) -> bool:
    """Wait until a study can be joined, for as long as ``--wait`` says; False if stopped meanwhile.

    What is missing after that is told by who opens it.
    """
    url, told = database_of(options, name), False
    until = time.monotonic() + 60 * (options.wait or 0.0)
    while time.monotonic() < until:
        try:
            _found(url, name)
            break
        except (StorageError, StudyError) as error:
            if not told:
                most = f"at most {options.wait:g} minutes"
                listener(Notice(text=f"waiting for study {name!r}, {most}: {error}"))
            told = True
        if interrupts.asked:
            return False
        time.sleep(WAIT_SECONDS)
    return True


def open_existing(
    name: str,
    options: RunOptions,
    listener: Listener,
    interrupts: Interrupts,
    *,
    refits: bool = False,
) -> tuple[Session, Prepared]:
    """Return a study that was run before, with its own settings, on what may be a copy of its data.

    Only where a model is to be refitted are the images read that it is tested on.

    Raises:
        StudyError: there is none, or the data or weights are others.
    """
    url = database_of(options, name)
    name, record = Outage(seconds=JOIN_SECONDS).call(lambda: _found(url, name))
    plan = plan_of(record)
    asked = options.over(plan)
    if not refits:
        asked = without_test(asked)
    check = Outage(seconds=JOIN_SECONDS).call(lambda: read_check(url, record.uuid))
    if check is not None:
        # its tables may lie on another machine: the study knows its rows
        asked, check = without_tables(asked), replace(check, given=None)
    prepared = prepare(asked, options, listener, interrupts, check)
    given = prepared.plan.sweep.source
    check_fingerprint(name, record.fingerprint, prepared.fingerprint, plan.sweep.source, given)
    storage = open_storage(url, plan.sweep.limits)
    study = load_study(storage, plan, name, worker_name())
    return _session(study, storage, options), prepared


def without_test(plan: Plan) -> Plan:
    """Return a plan without the images that a finished model is tested on."""
    reading = plan.sweep.reading.model_copy(update={"test": None})
    return replace(plan, sweep=plan.sweep.model_copy(update={"reading": reading}))


def without_tables(plan: Plan) -> Plan:
    """Return a plan without the files that say which rows are left out or belong together."""
    reading = plan.sweep.reading.model_copy(update={"exclude": None, "groups": None})
    return replace(plan, sweep=plan.sweep.model_copy(update={"reading": reading}))


def make_room(folder: Path) -> None:
    """Make the results folder, unless its disk is full.

    Raises:
        DiskError: no room, or no permission.
    """
    free = free_bytes(folder)
    if free < ROOM_BYTES:
        room = f"{ROOM_BYTES / 2**20:.0f} MiB for the database and the model"
        raise DiskError(
            f"results folder {folder} needs {room}, {free / 2**20:.0f} MiB are free; "
            "free some or choose another with --results"
        )
    make_writable_dir(folder, "--results")


def _kept_sections(stored: Sweep, now: Sweep) -> str:
    """Name the sections that differ and are no part of the fingerprint; the budget may differ."""
    differing = {
        "[search]": stored.search.model_copy(update={"trials": now.search.trials}) != now.search,
        "[limits]": stored.limits != now.limits,
    }
    return " and ".join(name for name, differs in differing.items() if differs)


def _found(url: str, name: str) -> tuple[str, StudyRecord]:
    found = find_study(url, name)
    record = read_overview(url, found, n_best=0)
    if not (record.settings and record.uuid):
        raise StudyError(
            f"study {found!r} was not made by 'bcsearch run', or not to its end: run that first"
        )
    return found, record


def _session(
    study: optuna.Study, storage: Storage, options: RunOptions, *, may_move: bool = False
) -> Session:
    files = files_dir(study, options, may_move=may_move)
    return Session.of(study, storage, results=options.results_dir, files=files)
