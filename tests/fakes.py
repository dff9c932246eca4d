"""Fakes: a trainer with a known optimum, a listener that remembers, and a study for both."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from math import log10
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from bcsearch.config import Plan, parse_plan
from bcsearch.objective.attempt import Context
from bcsearch.objective.cross_validated import Objective
from bcsearch.recipe import Params
from bcsearch.records import EpochScores, TrainResult
from bcsearch.records.checkpoint import Checkpoint
from bcsearch.storage import attrs, open_storage
from bcsearch.study.create import open_study
from bcsearch.study.interrupts import Interrupts
from bcsearch.study.places import made_study_dir
from bcsearch.study.session import Session
from bcsearch.study.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from bcsearch.objective.protocol import Train
    from bcsearch.recipe import Value
    from bcsearch.records.checkpoint import Checkpoints
    from bcsearch.records.events import Event, Listener, Report

Kind = TypeVar("Kind")
BEST_RATE = 1e-3  # where the fake trainer's score is highest
SPREAD = 0.01  # between the fold mean and each of its two folds
SPACE = {"learning_rate": {"float": [1e-5, 1e-1], "log": True}, "dropout": {"float": [0.0, 0.9]}}
FINGERPRINT = {"dataset": "aa", "training.epochs": "5"}


def make_scores(epoch: int, *folds: float, score: str = "accuracy", **others: float) -> EpochScores:
    """Return an epoch's scores: the ranking score by fold, ``others`` the same in all folds."""
    mean = sum(folds) / len(folds)
    more = {name: (value,) * len(folds) for name, value in others.items()}
    return EpochScores(
        epoch=epoch,
        score=score,
        scores={score: folds, **more},
        train_loss=1 - mean,
        learning_rate=0.1,
    )


def rising(params: Params) -> tuple[float, ...]:
    """Return five fold means that rise to 1, less a quarter for each decade off the best rate."""
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

    repeats: list[int] = field(default_factory=list)  # of each call

    def canonical(self, values: Mapping[str, Value]) -> Params:
        """Leave a configuration as it is."""
        return Params(**values)

    def __call__(
        self,
        params: Params,
        report: Report,
        checkpoints: Checkpoints,
        trial_seconds: float | None = None,
        repeat: int = 0,
    ) -> TrainResult:
        """Follow the script until it ends or ``report`` says stop."""
        self.calls.append(params)
        self.trial_seconds.append(trial_seconds)
        self.repeats.append(repeat)
        kept = checkpoints.load()
        done: list[EpochScores] = list(kept.epochs) if kept else []
        stopped = False
        curve = list(enumerate(self.curve(params)))
        for epoch, mean in curve[len(done) :]:
            time.sleep(self.seconds)
            self.during(epoch)
            done.append(make_scores(epoch, mean - SPREAD, mean + SPREAD))
            stopped = report(epoch, done[-1].mean) and len(done) < len(curve)
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
    """Return a plan called ``cells``, by default with random draws and no pruning."""
    search = {"sampler": "random", "pruner": "none", **sweep.pop("search", {})}
    content = {
        "sweep": {"space": "toy", "search": search, **sweep},
        "space": {"params": dict(space)},
    }
    return parse_plan("cells", content, "test")


def open_session(
    folder: Path,
    plan: Plan,
    *,
    trials: int | None = None,
    name: str = "cells",
    worker: str = "me",
    fingerprint: Mapping[str, str] = FINGERPRINT,
) -> Session:
    """Create or join a study on a SQLite file in ``folder``, with a budget of ``trials``."""
    storage = open_storage(f"sqlite:///{folder / 'study.db'}", plan.sweep.limits)
    study = open_study(
        storage, plan, fingerprint, name=name, worker=worker, starts=plan.sweep.start
    )
    files = made_study_dir(folder, name, study.user_attrs[attrs.UUID], "--results")
    session = Session.of(study, storage, results=folder, files=files)
    session.set_budget(trials, plan.sweep.search.trials)
    return session


def make_worker(
    session: Session,
    plan: Plan,
    train: Train,
    *,
    listener: Listener | None = None,
    interrupts: Interrupts | None = None,
) -> Worker:
    """Return a worker on ``session`` that trains with ``train``."""
    hears = listener or Recorder()
    stops = interrupts or Interrupts(hears)
    context = Context(
        space=plan.space,
        score=plan.sweep.search.score,
        train=train,
        ledger=session.ledger,
        artifacts=session.artifacts,
        storage=session.storage,
        listener=hears,
        stop_asked=stops,
        limits=plan.sweep.limits,
        repeats=plan.sweep.search.repeat_duplicates,
    )
    return Worker(
        name="me",
        study=session.study,
        storage=session.storage,
        slots=session.slots,
        objective=Objective(context),
        interrupts=stops,
        listener=hears,
    )
