"""What every process of a measurement is given, and the study that it works on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from math import log10
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bcsearch.storage import open_storage
from bcsearch.study.create import open_study
from bcsearch.study.session import Session
from tests.fakes import BEST_RATE, FINGERPRINT, SPACE, make_plan

if TYPE_CHECKING:
    from bcsearch.config import Plan

STUDY = "cells"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One study to fill with ``trials`` of ``epochs`` that take ``seconds`` each.

    ``folder`` is for what is written. ``busy_seconds`` is for plain Optuna alone: how long SQLite
    waits for a lock; None for the driver's own choice.
    """

    url: str
    folder: str
    trials: int
    epochs: int
    seconds: float
    sampler: str = "tpe"
    heartbeat_seconds: int = 10
    grace_seconds: int = 60
    busy_seconds: int | None = None
    space: dict[str, Any] = field(default_factory=lambda: SPACE)

    @property
    def plan(self) -> Plan:
        """The sweep and space."""
        limits = {
            "heartbeat_seconds": self.heartbeat_seconds,
            "grace_seconds": self.grace_seconds,
            "checkpoint_seconds": 1,
        }
        search = {"sampler": self.sampler, "pruner": "median"}
        return make_plan(self.space, search=search, limits=limits)

    def open_session(self, worker: str) -> Session:
        """Create or join the study."""
        plan = self.plan
        storage = open_storage(self.url, plan.sweep.limits)
        study = open_study(storage, plan, FINGERPRINT, name=STUDY, worker=worker)
        folder = Path(self.folder)
        return Session.of(study, storage, results=folder, files=folder / STUDY)

    def create(self) -> Session:
        """Create the study with its budget."""
        session = self.open_session("first")
        session.set_budget(self.trials, self.trials)
        return session

    def curve(self, rate: float) -> tuple[float, ...]:
        """Return the fold mean after each epoch, higher where ``rate`` is nearer to the best."""
        height = 1 - abs(log10(rate / BEST_RATE)) / 4
        return tuple(height * (1 - 0.5**epoch) for epoch in range(1, self.epochs + 1))

    def to_text(self) -> str:
        """Write it as one argument of a command line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Assignment:
        """Read back what ``to_text`` wrote."""
        return cls(**json.loads(text))
