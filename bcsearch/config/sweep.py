"""What to run: the sweep, its search, folds and training. Imports pydantic only."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bcsearch.config.known import Value

Count = Annotated[int, Field(strict=True, ge=1)]
FromZero = Annotated[int, Field(strict=True, ge=0)]
Seed = Annotated[int, Field(strict=True, ge=0, lt=2**31)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Search(_Section):
    """How the study looks for better configurations."""

    trials: Count = 100  # the study's total, over all workers and restarts
    sampler: Literal["tpe", "random"] = "tpe"
    startup_trials: Count = 16  # drawn at random before TPE models anything
    pruner: Literal["median", "none"] = "median"
    pruner_trials: Annotated[int, Field(strict=True, ge=3)] = (
        5  # no pruning before so many trials have completed
    )
    pruner_epochs: FromZero = 2  # no pruning before this epoch
    seed: Seed = 0


class FoldSettings(_Section):
    """How images are divided into training and validation parts."""

    kind: Literal["kfold", "split"] = "kfold"  # split: 70 % training, 20 % validation, 10 % test
    n_folds: Annotated[int, Field(strict=True, ge=2, le=20)] = 5
    seed: Seed = 0


class Training(_Section):
    """What is the same for every trial. ``score`` is what trials are ranked by, higher is better."""

    epochs: Annotated[int, Field(strict=True, ge=1, le=1000)] = (
        30  # at most; also the horizon of the schedules
    )
    patience: Count = 6  # epochs without a better fold mean before a trial ends
    score: Literal["accuracy", "balanced_accuracy", "macro_f1"] = "accuracy"
    seed: Seed = 0


class Limits(_Section):
    """When a worker counts as lost, how often its trial is tried again, what a trial and a study may use."""

    heartbeat_seconds: Count = 10
    grace_seconds: Count = 60
    retries: FromZero = 3
    reconnect_seconds: FromZero = 300  # a worker waits so long for a database that went away
    checkpoint_seconds: Count = 60  # between checkpoints of a trial that trains longer
    trial_seconds: Count | None = None  # of training a trial; more is infeasible
    files_mb: Count = 2000  # of a study's probabilities and figures: beyond, those of the worst trials are removed
    recycle_trials: Count = (
        100  # a worker process that a supervisor started ends after so many, and is replaced
    )

    @model_validator(mode="after")
    def _lets_a_heartbeat_be_late(self) -> Self:
        if self.grace_seconds < 3 * self.heartbeat_seconds:
            raise ValueError(
                f"grace_seconds must be 3 times heartbeat_seconds or more, but got {self.grace_seconds}"
            )
        return self


class Sweep(_Section):
    """One file in ``sweeps/``."""

    title: str = ""
    space: str
    weights: str = "auto"  # auto, imagenet, random, or the path of a weights file
    data: str = "demo"
    storage: str | None = None
    search: Search = Search()
    folds: FoldSettings = FoldSettings()
    training: Training = Training()
    limits: Limits = Limits()
    start: tuple[dict[str, Value], ...] = ()  # configurations to try first
