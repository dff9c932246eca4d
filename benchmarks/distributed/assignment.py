"""What every process of a measurement is told, and the study that it means. Imports bcsearch and the tests' fakes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from math import log10
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bcsearch.storage import open_storage
from bcsearch.study.create import open_study
from bcsearch.study.desk import Desk
from tests.fakes import BEST_RATE, FINGERPRINT, SPACE, make_plan

if TYPE_CHECKING:
    from bcsearch.config import Plan

STUDY = "cells"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One study to fill with ``trials`` of ``epochs`` that take ``seconds`` each; ``folder`` takes what is written.

    ``busy_seconds`` is for plain Optuna alone: how long SQLite waits for a lock, None for the driver's own choice.
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
        """The sweep and space, with sampler and pruner as a sweep has them that does not name them."""
        limits = {
            "heartbeat_seconds": self.heartbeat_seconds,
            "grace_seconds": self.grace_seconds,
            "checkpoint_seconds": 1,
        }
        return make_plan(
            self.space, search={"sampler": self.sampler, "pruner": "median"}, limits=limits
        )

    def open_desk(self, worker: str) -> Desk:
        """Create or join the study."""
        plan = self.plan
        limits = plan.sweep.limits
        storage = open_storage(
            self.url,
            heartbeat_seconds=limits.heartbeat_seconds,
            grace_seconds=limits.grace_seconds,
            max_retries=limits.retries,
        )
        study = open_study(storage, plan, FINGERPRINT, name=STUDY, worker=worker)
        return Desk(
            study=study, storage=storage, results=Path(self.folder), files=Path(self.folder) / STUDY
        )

    def create(self) -> Desk:
        """Create the study with its budget."""
        desk = self.open_desk("first")
        desk.set_budget(self.trials, self.trials)
        return desk

    def curve(self, rate: float) -> tuple[float, ...]:
        """Return the fold mean after each epoch; it rises the higher the nearer ``rate`` is to the best."""
        height = 1 - abs(log10(rate / BEST_RATE)) / 4
        return tuple(height * (1 - 0.5**epoch) for epoch in range(1, self.epochs + 1))

    def to_text(self) -> str:
        """Write it as one word of a command line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Assignment:
        """Read back what ``to_text`` wrote."""
        return cls(**json.loads(text))
