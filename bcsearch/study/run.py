"""A whole run: from a sweep's name to a finished bundle. Imports the floors below."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from bcsearch.records import TrialState
from bcsearch.records.events import BudgetKnown, Listener, Notice, ignore
from bcsearch.storage import masked
from bcsearch.storage.engine import plain_errors
from bcsearch.storage.urls import checked
from bcsearch.study.ending import ensure_refitted, refit_trial
from bcsearch.study.forecasting import fit_study, tell_costs
from bcsearch.study.interrupts import Interrupts
from bcsearch.study.opening import make_room, open_desk, open_existing
from bcsearch.study.prepare import prepare, tell_warnings
from bcsearch.study.processes import leave_with_supervisor
from bcsearch.study.wiring import open_device, open_supervisor, open_trainer, open_worker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bcsearch.records.forecast import Forecast
    from bcsearch.study.desk import Desk
    from bcsearch.study.options import RunOptions
    from bcsearch.study.prepare import Prepared
    from bcsearch.training.trainer import Trainer

AGAIN = "; then type the same again, what is done is kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """How a run ended: ``bundle`` is None when it was stopped before its end, ``study`` before that was made."""

    study: str | None
    bundle: Path | None


class Search(NamedTuple):
    """The trials of a run: ``run`` tells whether all of them are done; ``supervised`` is what other processes do."""

    run: Callable[[], bool]
    supervised: bool


def run(sweep: str, options: RunOptions, listener: Listener) -> RunResult:
    """Create or resume the study of a sweep, work until its budget is used up, refit the best trial.

    Raises:
        BcsearchError: something that the user can mend; what was there before is untouched.
    """
    asked = options.plan(sweep)
    url = options.url(asked.sweep.storage)
    device = open_device(listener)
    prepared = prepare(asked)
    make_room(options.results_dir)
    tell_warnings(prepared, listener)
    with plain_errors(checked(url), AGAIN), Interrupts(listener) as interrupts:
        trainer = open_trainer(prepared, device, options, listener, interrupts)
        try:
            desk = open_desk(prepared, trainer, url, options, listener, interrupts)
        except KeyboardInterrupt:
            return RunResult(study=None, bundle=None)
        listener(Notice(text=f"study: {desk.name}, files in {desk.files}, storage {masked(url)}"))
        _tell_budget(desk, listener)
        if options.supervised:
            device.release()
            search = Search(
                open_supervisor(desk, url, options, listener, interrupts).run, supervised=True
            )
        else:
            search = Search(
                open_worker(desk, prepared, trainer, listener, interrupts).run, supervised=False
            )
        return RunResult(
            study=desk.name,
            bundle=_search_and_refit(desk, prepared, trainer, search, interrupts, listener),
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
    with (
        plain_errors(checked(options.url_of(name)), AGAIN),
        Interrupts(listener if alone else ignore) as interrupts,
    ):
        device = open_device(listener)
        desk, prepared = open_existing(name, options)
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
    with plain_errors(checked(options.url_of(name)), AGAIN), Interrupts(listener) as interrupts:
        device = open_device(listener)
        desk, prepared = open_existing(name, options)
        trainer = open_trainer(prepared, device, options, listener, interrupts)
        return refit_trial(prepared, trainer, desk, interrupts.raise_if_asked, number=number)


def _search_and_refit(
    desk: Desk,
    prepared: Prepared,
    trainer: Trainer,
    search: Search,
    interrupts: Interrupts,
    listener: Listener,
) -> Path | None:
    """Return the bundle; None when the user stopped the run, be it while it refits."""
    with suppress(KeyboardInterrupt):
        ran = desk.slots.counts().finished
        if search.run():
            started = time.perf_counter()
            bundle = ensure_refitted(prepared, trainer, desk, interrupts.raise_if_asked, listener)
            if desk.slots.counts().finished > ran:
                seconds = time.perf_counter() - started
                tell_costs(desk, seconds, trainer, listener, supervised=search.supervised)
            return bundle
    return None


def _tell_budget(desk: Desk, listener: Listener) -> None:
    record, budget = desk.record(), desk.slots.counts()
    best = record.best.score if record.best else None
    number = record.best.number if record.best else None
    listener(
        BudgetKnown(trials=budget.total, filled=budget.finished, best=best, best_number=number)
    )
    if budget.is_done:
        listener(
            Notice(
                text=f"all {budget.total} trials are done; for more, use 'bcsearch run' with a higher --trials"
            )
        )
    elif budget.finished:
        waiting = record.count(TrialState.WAITING)
        queued = f", {waiting} to be tried next are queued" if waiting else ""
        listener(
            Notice(text=f"going on: {budget.finished} of {budget.total} trials are done{queued}")
        )
