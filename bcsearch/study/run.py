"""A whole run: from a sweep's name to a finished bundle."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing, nullcontext, suppress
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING

from bcsearch.costs.study_costs import study_costs
from bcsearch.errors import ConfigError
from bcsearch.objective.attempt import Context
from bcsearch.objective.cross_validated import Objective
from bcsearch.records import TrialState
from bcsearch.records.events import Listener, Notice, notices_only
from bcsearch.records.sizes import time_text
from bcsearch.report.checked import beaten_text
from bcsearch.storage import database_of, masked, read_overview
from bcsearch.storage.database_errors import plain_errors
from bcsearch.storage.urls import checked, reachable
from bcsearch.study.assemble import Prepared, prepare
from bcsearch.study.clock import Clock
from bcsearch.study.ending import ensure_refitted, estimate_refit, refit_trial
from bcsearch.study.interrupts import Interrupts
from bcsearch.study.opening import (
    await_study,
    check_of,
    make_room,
    open_existing,
    open_session,
)
from bcsearch.study.processes import STORAGE, LocalLaunch, leave_with_supervisor
from bcsearch.study.progress import ProgressTeller
from bcsearch.study.session import Session, worker_name
from bcsearch.study.starts import with_starts
from bcsearch.study.supervisor import Supervisor
from bcsearch.study.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bcsearch.config import Plan, RunOptions
    from bcsearch.records.costs import StudyCosts
    from bcsearch.study.processes import Launcher, WorkerProcess

LEAST_OVERRUN_SECONDS = 60.0  # of the time given, that is worth a word
AGAIN = "; then run the same command again, what is done is kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """How a run ended: ``bundle`` is None where it was stopped, ``study`` before one was made."""

    study: str | None
    bundle: Path | None


def run(sweep: str, options: RunOptions, listener: Listener) -> RunResult:
    """Create or continue the study of a sweep, use up its budget or time, refit the best trial.

    Raises:
        BcsearchError: something that the user can fix; what was there before is untouched.
    """
    options = replace(options, grow=options.minutes is not None and options.trials is None)
    return run_plan(options.plan(sweep), options, listener)


def run_plan(asked: Plan, options: RunOptions, listener: Listener) -> RunResult:
    """Run the study of a plan; see ``run``."""
    url = database_of(options, of_sweep=asked.sweep.storage)
    with plain_errors(checked(url), AGAIN), Interrupts(listener) as interrupts:
        listener = interrupts.tell
        asked = with_starts(asked, options, url, listener)
        known = None if options.fresh else check_of(url, asked.name)
        with ExitStack() as stack:
            try:
                prepared = prepare(asked, options, listener, interrupts, known)
                stack.enter_context(closing(prepared))
                make_room(options.results_dir)
                session = open_session(prepared, url, options, listener, interrupts)
            except KeyboardInterrupt:
                return RunResult(study=None, bundle=None)
            bundle = _finished(session, prepared, url, options, interrupts)
            return RunResult(study=session.name, bundle=bundle)


def _finished(
    session: Session, prepared: Prepared, url: str, options: RunOptions, interrupts: Interrupts
) -> Path | None:
    """Search, then refit; return the bundle, None where the user stopped it."""
    listener = interrupts.tell
    place = f"files in {session.files}, storage {masked(url)}"
    listener(Notice(text=f"study: {session.name}, {place}"))
    _report_budget(session, listener, grow=options.grow)
    teller = ProgressTeller(session, listener, interrupts, grow=options.grow)
    with suppress(KeyboardInterrupt), teller:
        if _search(session, prepared, url, options, teller, interrupts):
            _report_beaten(session, listener)
            bundle = ensure_refitted(
                prepared, session, interrupts.raise_if_asked, listener, accept=options.accept
            )
            session.check_there()
            _report_overrun(options, listener)
            return bundle
    return None


def plan(sweep: str, options: RunOptions, listener: Listener) -> StudyCosts:
    """Return what the study of a sweep may cost on this machine.

    Nothing is trained, no study is made.

    Raises:
        BcsearchError: something that the user can fix.
    """
    asked = options.plan(sweep)
    with Interrupts(listener) as interrupts:
        listener = interrupts.tell
        prepared = prepare(asked, options, listener, interrupts, looks=False)
        n_trials = options.trials or asked.sweep.search.trials
        costs = study_costs(asked, prepared.trainer, n_trials)
        interrupts.raise_if_asked()
        return costs


def work(name: str, options: RunOptions, listener: Listener) -> bool:
    """Work on a study until its budget, the time or ``max_trials`` is used up.

    It exists, or is waited for.

    Returns:
        False if the user stopped it; a supervisor that did so reports it itself.

    Raises:
        BcsearchError: the study is unknown, or this worker's data or weights are others than the
            study's.
    """
    alone = not leave_with_supervisor()
    if not alone:
        listener = notices_only(listener)  # its supervisor tells of all trials
    url = database_of(options, name)
    with plain_errors(checked(url), AGAIN), Interrupts(listener, announces=alone) as interrupts:
        listener = interrupts.tell
        if not await_study(name, options, listener, interrupts):
            return False
        session, prepared = open_existing(name, options, listener, interrupts)
        if alone:
            _report_budget(session, listener)
        interrupts.clock = _clock(session, prepared, options, refits=not alone)
        teller = ProgressTeller(session, listener, interrupts)
        watched = teller if alone else nullcontext()
        with closing(prepared), suppress(KeyboardInterrupt), watched:
            _worker(session, prepared, options, teller, interrupts).run()
        return not (interrupts.asked and alone)


def refit(name: str, number: int | None, options: RunOptions, listener: Listener) -> Path:
    """Refit the best trial, or trial ``number``, of a study that was run before.

    Return the bundle's folder.

    Raises:
        BcsearchError: the study is unknown, its data has changed, or no such trial completed.
    """
    url = database_of(options, name)
    with plain_errors(checked(url), AGAIN), Interrupts(listener) as interrupts:
        listener = interrupts.tell
        session, prepared = open_existing(name, options, listener, interrupts, refits=True)
        check = interrupts.raise_if_asked
        with closing(prepared):
            return refit_trial(
                prepared, session, check, listener, number=number, accept=options.accept
            )


def _search(
    session: Session,
    prepared: Prepared,
    url: str,
    options: RunOptions,
    teller: ProgressTeller,
    interrupts: Interrupts,
) -> bool:
    """Run trials here or in other processes; whether all of them are done, or the time is up."""
    interrupts.clock = _clock(session, prepared, options, refits=True)
    try:
        if options.supervises:
            prepared.device.release()  # its workers need it
            return _supervisor(session, url, options, interrupts).run()
        return _worker(session, prepared, options, teller, interrupts).run()
    finally:
        interrupts.clock = None
        session.check_there()


def _worker(
    session: Session,
    prepared: Prepared,
    options: RunOptions,
    teller: ProgressTeller,
    interrupts: Interrupts,
) -> Worker:
    """Return this process's worker on a study."""
    plan, dataset = session.plan, prepared.dataset
    session.artifacts.save_labels(dataset.labels, dataset.class_names)
    context = Context(
        space=plan.space,
        score=plan.sweep.search.score,
        train=prepared.trainer,
        ledger=session.ledger,
        artifacts=session.artifacts,
        storage=session.storage,
        listener=interrupts.tell,
        stop_asked=interrupts,
        limits=plan.sweep.limits,
        repeats=plan.sweep.search.repeat_duplicates,
    )
    session.storage.outage.stop_asked = interrupts
    return Worker(
        name=worker_name(),
        study=session.study,
        storage=session.storage,
        slots=session.slots,
        objective=Objective(context),
        interrupts=interrupts,
        listener=interrupts.tell,
        tell_progress=teller.count,
        check_there=session.check_there,
        most_trials=options.max_trials or inf,
        grow=(lambda: interrupts.tell(session.grow())) if options.grow else None,
    )


def _supervisor(
    session: Session,
    url: str,
    options: RunOptions,
    interrupts: Interrupts,
) -> Supervisor:
    """Return what runs workers on a study, on this machine or where the options say."""
    session.storage.outage.stop_asked = interrupts
    launcher = _launcher(options)

    def launch(tell: Callable[[str], None]) -> WorkerProcess:
        arguments = options.worker_args(session.name, session.plan)  # with the minutes left now
        command = ["-m", "bcsearch", "worker", *arguments]
        return launcher(command, {STORAGE: reachable(url)}, options.workers)(tell)

    return Supervisor(
        launch=launch,
        n_workers=options.workers,
        is_done=lambda: session.slots.counts().is_done,
        interrupts=interrupts,
        listener=interrupts.tell,
    )


def _launcher(options: RunOptions) -> Launcher:
    if options.on == "here":
        return LocalLaunch
    try:
        from bcsearch.study.ray_workers import RayCluster
    except ImportError as error:
        raise ConfigError(f"--on ray needs Ray ({error}); pip install 'bcsearch[ray]'") from error
    return RayCluster.join(options.address, cpus=options.worker_cpus, gpus=options.worker_gpus)


def _clock(
    session: Session, prepared: Prepared, options: RunOptions, *, refits: bool
) -> Clock | None:
    """Return the time budget of this command; None where there is none.

    Where the command ``refits``, its time holds the refit and does not end before there is a trial.
    """
    if options.minutes is None:
        return None
    clock = Clock(
        seconds=60 * options.minutes,
        begun=options.begun,
        trial_seconds=session.ledger.recent_seconds,
    )
    if refits:
        clock.has_model = lambda: session.progress().best is not None
        clock.refit_seconds = lambda: estimate_refit(session, prepared)
    return clock


def _report_beaten(session: Session, listener: Listener) -> None:
    """Say so where the best trial is no better than what costs next to nothing."""
    record = read_overview(session.storage, session.name, n_best=1)
    line = beaten_text(record)
    if line:
        listener(Notice(text=line))


def _report_overrun(options: RunOptions, listener: Listener) -> None:
    """Say by how much a command overran its time, where that is a minute and a fifth of it."""
    if options.minutes is None:
        return
    over = time.monotonic() - options.begun - 60 * options.minutes
    if over > max(LEAST_OVERRUN_SECONDS, 12 * options.minutes):
        line = f"this took {time_text(over)} more than --minutes {options.minutes:g} allows"
        listener(Notice(text=f"{line}: the refit is never cut short, nor a first trial"))


def _report_budget(session: Session, listener: Listener, *, grow: bool = False) -> None:
    progress = session.progress()
    listener(progress)
    if progress.filled >= progress.trials > 0 and not grow:
        more = "for more, use 'bcsearch run' with a higher --trials"
        listener(Notice(text=f"all {progress.trials} trials are done; {more}"))
    elif progress.filled:
        line = f"going on: {progress.filled} of {progress.trials} trials are done"
        if grow:
            line = f"going on: {progress.filled} trials are done"
        waiting = session.overview().count(TrialState.WAITING)
        if waiting:
            line += f", {waiting} queued"
        listener(Notice(text=line))
