"""A study with its storage and files opened: made, resumed, or joined by a worker. Imports the floors below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcsearch.errors import DiskError, StudyError
from bcsearch.paths import free_bytes, locked, make_writable_dir
from bcsearch.records.events import Listener, Notice
from bcsearch.storage import find_study, list_studies, open_storage, read_overview
from bcsearch.storage.patience import Outage
from bcsearch.study.create import check_fingerprint, load_study, open_study, stored_plan, study_name
from bcsearch.study.desk import Desk
from bcsearch.study.forecasting import default_trials, fitted_plan, trials_to_run
from bcsearch.study.places import files_dir
from bcsearch.study.prepare import prepare
from bcsearch.study.wiring import worker_name

if TYPE_CHECKING:
    from pathlib import Path

    import optuna

    from bcsearch.config import Plan
    from bcsearch.records import StudyRecord
    from bcsearch.storage import Storage
    from bcsearch.study.interrupts import Interrupts
    from bcsearch.study.options import RunOptions
    from bcsearch.study.prepare import Prepared
    from bcsearch.training.trainer import Trainer

JOIN_SECONDS = 60.0  # for a server that is restarting as a worker joins
ROOM_BYTES = (
    2**26
)  # free before a run begins: a model is up to 20 MiB and is written beside the one it replaces


def make_room(folder: Path) -> None:
    """Make the results folder, unless its disk is full.

    Raises:
        DiskError: no room, or no permission.
    """
    free = free_bytes(folder)
    if free < ROOM_BYTES:
        room = f"{ROOM_BYTES / 2**20:.0f} MiB for the database and the model"
        raise DiskError(
            f"results folder {folder} needs {room}, {free / 2**20:.0f} MiB are free; free some or choose "
            "another with --results"
        )
    make_writable_dir(folder, "--results")


def open_desk(
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
            plan, forecast = fitted_plan(
                plan, trainer, options, listener, interrupts.raise_if_asked
            )
        elif options.minutes is not None or options.max_cache is not None:
            listener(
                Notice(
                    text=f"study {name!r} exists: --minutes and --max-cache act when a study is created"
                )
            )
        study = open_study(
            storage, plan, prepared.fingerprint, name=name, worker=worker_name(), forecast=forecast
        )
        desk = _desk(study, storage, options, may_move=True)
    if desk.plan.sweep.limits != plan.sweep.limits:
        listener(Notice(text=f"study {name!r} keeps the [limits] that it was made with"))
    storage.follow(desk.plan.sweep.limits)
    desk.set_budget(trials_to_run(study, options), default_trials(study, plan))
    return desk


def open_existing(name: str, options: RunOptions) -> tuple[Desk, Prepared]:
    """Return a study that was run before, with its own settings, on what may be a copy of its data."""
    url = options.url_of(name)
    name, record = Outage(seconds=JOIN_SECONDS).call(lambda: _found(url, name))
    if not (record.settings and record.uuid):
        raise StudyError(
            f"study {name!r} was not made by 'bcsearch run', or not to its end: run that first"
        )
    plan = stored_plan(record.sweep, record.settings)
    prepared = prepare(options.over(plan))
    check_fingerprint(
        name, record.fingerprint, prepared.fingerprint, plan.sweep.data, prepared.plan.sweep.data
    )
    storage = _open_storage(url, plan)
    study = load_study(storage, plan, name, worker_name())
    return _desk(study, storage, options), prepared


def _found(url: str, name: str) -> tuple[str, StudyRecord]:
    found = find_study(url, name)
    return found, read_overview(url, found, n_best=0)


def _desk(
    study: optuna.Study, storage: Storage, options: RunOptions, *, may_move: bool = False
) -> Desk:
    files = files_dir(study, options, may_move=may_move)
    return Desk(study=study, storage=storage, results=options.results_dir, files=files)


def _open_storage(url: str, plan: Plan) -> Storage:
    storage = open_storage(url)
    storage.follow(plan.sweep.limits)
    return storage
