"""Puts the real trainer and the worker of this process together. Imports the floors below."""

from __future__ import annotations

import os
import socket
from math import inf
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING

from bcsearch.features.store import Store
from bcsearch.objective.cross_validated import Objective
from bcsearch.objective.figures import FigureKeeper, FigureStore
from bcsearch.records.events import Notice
from bcsearch.report.confusion import count_out_of_fold
from bcsearch.report.trial_figure import trial_figure
from bcsearch.storage.urls import reachable
from bcsearch.study.prepare import build_trainer
from bcsearch.study.processes import STORAGE, SUPERVISED
from bcsearch.study.supervisor import Supervisor
from bcsearch.study.worker import Worker
from bcsearch.training.devices import set_up_devices

if TYPE_CHECKING:
    import numpy as np

    from bcsearch.data.dataset import Dataset
    from bcsearch.objective.figures import Draw
    from bcsearch.records.events import Listener
    from bcsearch.storage import LedgerEntry
    from bcsearch.study.desk import Desk
    from bcsearch.study.interrupts import Interrupts
    from bcsearch.study.options import RunOptions
    from bcsearch.study.prepare import Prepared
    from bcsearch.training.devices import Device
    from bcsearch.training.trainer import Trainer


def open_device(listener: Listener) -> Device:
    """Take a GPU, or the processor; before anything else is computed, as TensorFlow takes no other choice later.

    Which GPUs are taken is noted in the temporary folder, so for this machine alone.
    """
    place, family = Path(gettempdir()) / "bcsearch-devices", os.environ.get(SUPERVISED, "")
    return set_up_devices(place, lambda text: listener(Notice(text=text)), family)


def open_trainer(
    prepared: Prepared,
    device: Device,
    options: RunOptions,
    listener: Listener,
    interrupts: Interrupts,
) -> Trainer:
    """Return the real trainer on the cache that the options name; interrupts end what it computes."""

    def notify(text: str) -> None:
        listener(Notice(text=text))

    store = Store(options.cache, options.cache_limit, notify, interrupts.raise_if_asked)
    return build_trainer(prepared, device, store, listener, interrupts.raise_if_asked)


def open_worker(
    desk: Desk,
    prepared: Prepared,
    trainer: Trainer,
    listener: Listener,
    interrupts: Interrupts,
    most_trials: float = inf,
) -> Worker:
    """Return this process's worker on a study."""
    objective = Objective(
        space=desk.plan.searched,
        train=trainer,
        ledger=desk.ledger,
        artifacts=desk.artifacts,
        storage=desk.storage,
        listener=listener,
        stop_asked=interrupts,
        limits=desk.plan.sweep.limits,
        keep_figure=FigureKeeper(store=FigureStore(desk.files), draw=drawing_of(prepared.dataset)),
    )
    desk.storage.outage.stop_asked = interrupts
    return Worker(
        name=worker_name(),
        study=desk.study,
        storage=desk.storage,
        slots=desk.slots,
        objective=objective,
        interrupts=interrupts,
        listener=listener,
        most_trials=most_trials,
    )


def drawing_of(dataset: Dataset) -> Draw:
    """Return what draws trials on a dataset."""

    def draw(entry: LedgerEntry, probabilities: np.ndarray | None) -> str:
        counts = None if probabilities is None else count_out_of_fold(dataset.labels, probabilities)
        return trial_figure(
            entry.trial_number, entry.state, entry.epochs, dataset.class_names, counts
        )

    return draw


def open_supervisor(
    desk: Desk, url: str, options: RunOptions, listener: Listener, interrupts: Interrupts
) -> Supervisor:
    """Return what runs workers on a study, on this machine or where the options say."""
    desk.storage.outage.stop_asked = interrupts
    words = ["-m", "bcsearch", "worker", *options.worker_words(desk.name, desk.plan)]
    return Supervisor(
        launch=options.launcher(words, {STORAGE: reachable(url)}, options.workers),
        n_workers=options.workers,
        is_done=lambda: desk.slots.counts().is_done,
        interrupts=interrupts,
        listener=listener,
        tell_progress=lambda: listener(desk.progress()),
    )


def worker_name() -> str:
    """Return what tells this process from all others that may work on a study."""
    return f"{socket.gethostname()}-{os.getpid()}"
