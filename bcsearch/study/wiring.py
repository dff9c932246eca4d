"""Puts the real trainer and the worker of this process together. Imports the floors below."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from bcsearch.features.store import Store
from bcsearch.objective.cross_validated import Objective
from bcsearch.records.events import Notice
from bcsearch.study.prepare import build_trainer
from bcsearch.study.worker import Worker

if TYPE_CHECKING:
    from bcsearch.records.events import Listener
    from bcsearch.study.desk import Desk
    from bcsearch.study.interrupts import Interrupts
    from bcsearch.study.options import RunOptions
    from bcsearch.study.prepare import Prepared
    from bcsearch.training.trainer import Trainer


def open_trainer(prepared: Prepared, options: RunOptions, listener: Listener, interrupts: Interrupts) -> Trainer:
    """Return the real trainer on the cache that the options name; interrupts end what it computes."""

    def notify(text: str) -> None:
        listener(Notice(text=text))

    store = Store(options.cache, options.cache_limit, notify, interrupts.raise_if_asked)
    return build_trainer(prepared, store, listener, interrupts.raise_if_asked)


def open_worker(desk: Desk, trainer: Trainer, listener: Listener, interrupts: Interrupts) -> Worker:
    """Return this process's worker on a study."""
    objective = Objective(
        space=desk.plan.searched,
        train=trainer,
        ledger=desk.ledger,
        artifacts=desk.artifacts,
        storage=desk.storage,
        listener=listener,
        stop_asked=interrupts,
    )
    return Worker(
        name=worker_name(),
        study=desk.study,
        storage=desk.storage,
        slots=desk.slots,
        objective=objective,
        interrupts=interrupts,
        listener=listener,
    )


def worker_name() -> str:
    """Return what tells this process from all others that may work on a study."""
    return f"{socket.gethostname()}-{os.getpid()}"
