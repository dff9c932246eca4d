"""A whole run: from a sweep's name to a finished bundle. Imports the floors below."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from bcsearch.errors import DiskError, StudyError
from bcsearch.paths import free_bytes, locked, make_writable_dir
from bcsearch.records import TrialState
from bcsearch.records.events import BudgetKnown, Listener, Notice, ignore
from bcsearch.storage import find_study, list_studies, masked, open_storage, read_overview
from bcsearch.storage.engine import plain_errors
from bcsearch.storage.patience import Outage
from bcsearch.storage.urls import checked
from bcsearch.study.create import check_fingerprint, load_study, open_study, stored_plan, study_name
from bcsearch.study.desk import Desk
from bcsearch.study.ending import ensure_refitted, refit_trial
from bcsearch.study.forecasting import default_trials, fit_study, fitted_plan, tell_costs, trials_to_run
from bcsearch.study.interrupts import Interrupts
from bcsearch.study.places import files_dir
from bcsearch.study.prepare import prepare, tell_warnings
from bcsearch.study.processes import leave_with_supervisor
from bcsearch.study.wiring import open_device, open_supervisor, open_trainer, open_worker, worker_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import optuna

    from bcsearch.config import Plan
    from bcsearch.records import StudyRecord
    from bcsearch.records.forecast import Forecast
    from bcsearch.storage import Storage
    from bcsearch.study.options import RunOptions
    from bcsearch.study.prepare import Prepared
    from bcsearch.training.trainer import Trainer

JOIN_SECONDS = 60.0  # for a server that is restarting as a worker joins
ROOM_BYTES = 2**26  # free before a run begins: a model is up to 20 MiB and is written beside the one it replaces


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """How a run ended: ``bundle`` is None when it was stopped before its end, ``study`` before that was made."""

    study: str | None
    bundle: Path | None


def run(sweep: str, options: RunOptions, listener: Listener) -> RunResult:
    """Create or resume the study of a sweep, work until its budget is used up, refit the best trial.

    Raises:
        BcsearchError: something that the user can mend; what was there before is untouched.
    """
    asked = options.plan(sweep)
    url = options.url(asked.sweep)
    device = open_device(listener)
    prepared = prepare(asked)
    _make_room(options.results_dir)
    tell_warnings(prepared, listener)
    with plain_errors(checked(url)), Interrupts(listener) as interrupts:
        trainer = open_trainer(prepared, device, options, listener, interrupts)
        try:
            desk = _open_desk(prepared, trainer, url, options, listener, interrupts)
        except KeyboardInterrupt:
            return RunResult(study=None, bundle=None)
        listener(Notice(text=f"study: {desk.name}, files in {desk.folder}, storage {masked(url)}"))
        _tell_budget(desk, listener)
        if options.supervised:
            device.release()
            search = open_supervisor(desk, url, options, listener, interrupts).run
        else:
            search = open_worker(desk, prepared, trainer, listener, interrupts).run
        return RunResult(
            study=desk.name, bundle=_search_and_refit(desk, prepared, trainer, search, interrupts, listener)
        )


def plan(sweep: str, options: RunOptions, listener: Listener) -> Forecast:
    """Return what the study of a sweep would cost on this machine; nothing is trained, no study is made.

    Raises:
        BcsearchError: something that the user can mend.
    """
    asked, device = options.plan(sweep), open_device(listener)
    prepared = prepare(asked)
    tell_warnings(prepared, listener)
    with Interrupts(listener) as interrupts:
        trainer = open_trainer(prepared, device, options, listener, interrupts)
        forecast = fit_study(asked, trainer, options, interrupts.raise_if_asked).forecast
        interrupts.raise_if_asked()
        return forecast


def work(name: str, options: RunOptions, listener: Listener) -> bool:
    """Work on a study that exists until its budget is used up, or ``options.trials`` trials were run by this worker.

    Returns:
        False if the user stopped it; a supervisor that did so tells it itself.

    Raises:
        BcsearchError: the study is unknown, or this worker's data or weights are others than the study's.
    """
    alone = not leave_with_supervisor()
    with plain_errors(checked(options.url_of(name))), Interrupts(listener if alone else ignore) as interrupts:
        device = open_device(listener)
        desk, prepared = _existing(name, options)
        tell_warnings(prepared, listener)
        _tell_budget(desk, listener)
        trainer = open_trainer(prepared, device, options, listener, interrupts)
        with suppress(KeyboardInterrupt):
            open_worker(desk, prepared, trainer, listener, interrupts, options.trials or inf).run()
        return not (interrupts.asked and alone)


def refit(name: str, number: int | None, options: RunOptions, listener: Listener) -> Path:
    """Refit the best trial, or trial ``number``, of a study that was run before; return the bundle's folder.

    Raises:
        BcsearchError: the study is unknown, its data has changed, or no such trial completed.
    """
    device = open_device(listener)
    desk, prepared = _existing(name, options)
    with Interrupts(listener) as interrupts:
        trainer = open_trainer(prepared, device, options, listener, interrupts)
        return refit_trial(prepared, trainer, desk, interrupts.raise_if_asked, number=number)


def _existing(name: str, options: RunOptions) -> tuple[Desk, Prepared]:
    """Return a study that was run before, with its own settings, on what may be a copy of its data."""
    url = options.url_of(name)
    name, record = Outage(seconds=JOIN_SECONDS).call(lambda: _found(url, name))
    if not record.settings:
        raise StudyError(f"study {name!r} was not made by bcsearch; choose one that 'bcsearch run' has made")
    plan = stored_plan(record.sweep, record.settings)
    prepared = prepare(options.over(plan))
    check_fingerprint(name, record.fingerprint, prepared.fingerprint, plan.sweep.data, prepared.plan.sweep.data)
    storage = _open_storage(url, plan)
    study = load_study(storage, plan, name, worker_name())
    return _desk(study, storage, options), prepared


def _found(url: str, name: str) -> tuple[str, StudyRecord]:
    found = find_study(url, name)
    return found, read_overview(url, found, n_best=0)


def _search_and_refit(
    desk: Desk,
    prepared: Prepared,
    trainer: Trainer,
    search: Callable[[], bool],
    interrupts: Interrupts,
    listener: Listener,
) -> Path | None:
    """Return the bundle; None when the user stopped the run, be it while it refits."""
    with suppress(KeyboardInterrupt):
        ran = desk.slots.counts().finished
        if search():
            started = time.perf_counter()
            bundle = ensure_refitted(prepared, trainer, desk, interrupts.raise_if_asked, listener)
            if desk.slots.counts().finished > ran:
                tell_costs(desk, time.perf_counter() - started, trainer, listener)
            return bundle
    return None


def _desk(study: optuna.Study, storage: Storage, options: RunOptions) -> Desk:
    folder = options.results_dir / study.study_name
    return Desk(study=study, storage=storage, folder=folder, files=files_dir(study, options))


def _open_storage(url: str, plan: Plan) -> Storage:
    storage = open_storage(url)
    storage.follow(plan.sweep.limits)
    return storage


def _make_room(folder: Path) -> None:
    free = free_bytes(folder)
    if free < ROOM_BYTES:
        room = f"{ROOM_BYTES / 2**20:.0f} MiB for the database and the model"
        raise DiskError(
            f"results folder {folder} needs {room}, {free / 2**20:.0f} MiB are free; free some or choose "
            "another with --results"
        )
    make_writable_dir(folder)


def _open_desk(
    prepared: Prepared,
    trainer: Trainer,
    url: str,
    options: RunOptions,
    listener: Listener,
    interrupts: Interrupts,
) -> Desk:
    """Create the study, with as much of its space as there is room for, or join it where it exists; set its budget.

    Of several that begin at once on this machine one measures and creates, the others wait and join.
    """
    plan, storage, forecast = prepared.plan, _open_storage(url, prepared.plan), None
    with locked(options.results_dir / ".create.lock", interrupts.raise_if_asked):
        studies = list_studies(storage)
        name = study_name(plan.name, studies, fresh=options.fresh)
        if name not in {study.name for study in studies}:
            plan, forecast = fitted_plan(plan, trainer, options, listener, interrupts.raise_if_asked)
        elif options.minutes is not None or options.max_cache is not None:
            listener(Notice(text=f"study {name!r} exists: --minutes and --max-cache act when a study is created"))
        study = open_study(storage, plan, prepared.fingerprint, name=name, worker=worker_name(), forecast=forecast)
    desk = _desk(study, storage, options)
    if desk.plan.sweep.limits != plan.sweep.limits:
        listener(Notice(text=f"study {name!r} keeps the [limits] that it was made with"))
    storage.follow(desk.plan.sweep.limits)
    desk.set_budget(trials_to_run(study, options), default_trials(study, plan))
    return desk


def _tell_budget(desk: Desk, listener: Listener) -> None:
    record, budget = desk.record(), desk.slots.counts()
    best = record.best.score if record.best else None
    number = record.best.number if record.best else None
    listener(BudgetKnown(trials=budget.total, filled=budget.finished, best=best, best_number=number))
    if budget.is_done:
        listener(
            Notice(text=f"all {budget.total} trials are done; for more, use 'bcsearch run' with a higher --trials")
        )
    elif budget.finished:
        waiting = record.count(TrialState.WAITING)
        queued = f", {waiting} to be tried next are queued" if waiting else ""
        listener(Notice(text=f"going on: {budget.finished} of {budget.total} trials are done{queued}"))
