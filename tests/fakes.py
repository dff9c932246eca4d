"""Fakes of the seams: a trainer with a known optimum, a listener that remembers, and a study at hand for both."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from math import log10
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from bcsearch.config import Plan, parse_plan
from bcsearch.objective.cross_validated import Objective
from bcsearch.objective.protocol import KeepFigure, no_figure
from bcsearch.records import EpochScores, Params, TrainResult
from bcsearch.records.checkpoint import Checkpoint
from bcsearch.records.forecast import Forecast, Work
from bcsearch.storage import open_storage
from bcsearch.study.create import open_study
from bcsearch.study.desk import Desk
from bcsearch.study.interrupts import Interrupts
from bcsearch.study.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from bcsearch.objective.protocol import Train
    from bcsearch.records.checkpoint import Checkpoints
    from bcsearch.records.events import Event, Listener, Report

Kind = TypeVar("Kind")
BEST_RATE = 1e-3  # where the fake trainer's score is highest
SPREAD = 0.01  # between the fold mean and each of its two folds
SPACE = {"learning_rate": {"float": [1e-5, 1e-1], "log": True}, "dropout": {"float": [0.0, 0.9]}}
FINGERPRINT = {"dataset": "aa", "training.epochs": "5"}


def rising(params: Params) -> tuple[float, ...]:
    """Return five fold means that rise towards 1, less a quarter for each decade away from the best rate."""
    height = 1 - abs(log10(params.learning_rate / BEST_RATE)) / 4
    return tuple(height * (1 - 0.5**epoch) for epoch in range(1, 6))


@dataclass(kw_only=True, eq=False)
class FakeTrainer:
    """Trains two folds by a script: ``curve`` gives their mean after every epoch."""

    curve: Callable[[Params], Sequence[float]] = rising
    seconds: float = 0.0  # of every epoch
    during: Callable[[int], None] = lambda epoch: (
        None
    )  # called in the middle of every epoch; may raise
    calls: list[Params] = field(default_factory=list)
    trial_seconds: list[float | None] = field(default_factory=list)  # that each call was allowed

    def settle(self, params: Params) -> Params:
        """Leave a configuration as it is."""
        return params

    def __call__(
        self,
        params: Params,
        report: Report,
        checkpoints: Checkpoints,
        trial_seconds: float | None = None,
    ) -> TrainResult:
        """Follow the script until it ends or ``report`` says stop."""
        self.calls.append(params)
        self.trial_seconds.append(trial_seconds)
        kept = checkpoints.load()
        done: list[EpochScores] = list(kept.epochs) if kept else []
        stopped = False
        for epoch, mean in list(enumerate(self.curve(params)))[len(done) :]:
            time.sleep(self.seconds)
            self.during(epoch)
            folds = (mean - SPREAD, mean + SPREAD)
            done.append(
                EpochScores(epoch=epoch, fold_scores=folds, train_loss=1 - mean, learning_rate=0.1)
            )
            stopped = report(epoch, done[-1].mean)
            checkpoints.offer(lambda: Checkpoint(epochs=tuple(done), seconds=0.5, arrays={}))
            if stopped:
                break
        probabilities = np.full((4, 2), 0.5, np.float16)
        return TrainResult(
            epochs=tuple(done), stopped=stopped, probabilities=probabilities, seconds=0.5
        )


class Recorder:
    """A listener that keeps what it hears."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: type[Kind]) -> list[Kind]:
        """Return the events of one kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]


def make_plan(space: Mapping[str, Any] = SPACE, **sweep: Any) -> Plan:
    """Return a plan called ``cells``; random draws and no pruning unless ``search`` says otherwise."""
    search = {"sampler": "random", "pruner": "none", **sweep.pop("search", {})}
    content = {
        "sweep": {"space": "toy", "search": search, **sweep},
        "space": {"params": dict(space)},
    }
    return parse_plan("cells", content, "test")


def make_forecast(
    trials: int, *, wanted: int | None = None, left_out: tuple[str, ...] = ()
) -> Forecast:
    """Return a forecast of ninety seconds."""
    return Forecast(
        trials=trials,
        wanted=wanted or trials,
        work=Work(seconds=90.0, cache_bytes=1_500_000, passes=2400),
        prefix_seconds=30.0,
        training_seconds=45.0,
        all_bytes=2_000_000,
        rows=(),
        left_out=left_out,
    )


def open_desk(
    folder: Path,
    plan: Plan,
    *,
    trials: int | None = None,
    name: str = "cells",
    worker: str = "me",
    fingerprint: Mapping[str, str] = FINGERPRINT,
) -> Desk:
    """Create or join a study on a SQLite file in ``folder``, with a budget of ``trials``."""
    limits = plan.sweep.limits
    storage = open_storage(
        f"sqlite:///{folder / 'study.db'}",
        heartbeat_seconds=limits.heartbeat_seconds,
        grace_seconds=limits.grace_seconds,
        max_retries=limits.retries,
        reconnect_seconds=limits.reconnect_seconds,
    )
    study = open_study(storage, plan, fingerprint, name=name, worker=worker)
    desk = Desk(study=study, storage=storage, results=folder, files=folder / name)
    desk.set_budget(trials, plan.sweep.search.trials)
    return desk


def make_worker(
    desk: Desk,
    plan: Plan,
    train: Train,
    *,
    listener: Listener | None = None,
    interrupts: Interrupts | None = None,
    keep_figure: KeepFigure = no_figure,
) -> Worker:
    """Return a worker on ``desk`` that trains with ``train``."""
    hears = listener or Recorder()
    stops = interrupts or Interrupts(hears)
    objective = Objective(
        space=plan.space,
        train=train,
        ledger=desk.ledger,
        artifacts=desk.artifacts,
        storage=desk.storage,
        listener=hears,
        stop_asked=stops,
        limits=plan.sweep.limits,
        keep_figure=keep_figure,
    )
    return Worker(
        name="me",
        study=desk.study,
        storage=desk.storage,
        slots=desk.slots,
        objective=objective,
        interrupts=stops,
        listener=hears,
    )
