"""What to run: the sections of a sweep file, checked."""

from __future__ import annotations

from collections.abc import Mapping
from shlex import quote
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from bcsearch.recipe import Names, Value

MOST_TRIALS = 100_000  # of a study: its slots are rows that every worker reads
MOST = 10**9  # of anything else that is counted
Count = Annotated[int, Field(strict=True, ge=1, le=MOST)]
FromZero = Annotated[int, Field(strict=True, ge=0, le=MOST)]
YEAR = 366 * 24 * 60 * 60  # seconds
Seconds = Annotated[int, Field(strict=True, ge=1, le=YEAR)]
Seed = Annotated[int, Field(strict=True, ge=0, lt=2**31)]
OF_PIXELS = ("square", "white")  # of Reading: how pixels become those that a model takes
Shape = Literal["crop", "pad", "squash"]  # how images that are no squares become some

CLEAN_SCORES = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss")
SHIFTS = (  # behind @: all families of corruptions, the worst of them, or one
    *("shift", "worst", "noise", "compression", "blur", "gamma", "contrast", "white_balance"),
    *("shade", "stain", "zoom", "deposits"),
)
SHIFTED_SCORES = tuple(f"{score}@{shift}" for score in CLEAN_SCORES for shift in SHIFTS)
SCORE_NAMES = Names((*CLEAN_SCORES, *SHIFTED_SCORES, "accuracy@jpeg30"), group="bcsearch.scores")


def known_score(name: str) -> str:
    """Return a name of ``SCORES``. Raises ValueError where there is none such."""
    complaint = SCORE_NAMES.complaint(name)
    if complaint:
        raise ValueError(complaint)
    return name


ScoreName = Annotated[str, AfterValidator(known_score)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Search(_Section):
    """How the study looks for better configurations.

    ``score`` is what trials are ranked by, higher is better.
    """

    score: ScoreName = "accuracy"
    also: tuple[ScoreName, ...] = ()  # further scores to show; those of clean images always are
    # the study's total, over all workers and restarts
    trials: Annotated[int, Field(strict=True, ge=1, le=MOST_TRIALS)] = 100
    sampler: Literal["tpe", "random"] = "tpe"
    startup_trials: Count = 16  # drawn evenly over the space before the sampler learns
    pruner: Literal["median", "none"] = "median"
    pruner_trials: Annotated[int, Field(strict=True, ge=3)] = 5  # complete before any is pruned
    pruner_epochs: FromZero = 2  # no pruning before this epoch
    # whether a configuration that is drawn again is trained by another seed, and scores averaged
    repeat_duplicates: bool = False
    seed: Seed = 0

    @property
    def prunes(self) -> bool:
        """Whether weak trials are stopped early."""
        return self.pruner != "none"


class FoldSettings(_Section):
    """How images are divided into training and validation parts."""

    kind: Literal["kfold", "split"] = "kfold"  # split: 70 % training, 20 % validation, 10 % test
    n_folds: Annotated[int, Field(strict=True, ge=2, le=20)] = 5
    seed: Seed = 0


class Reading(_Section):
    """How the data is read, where that is not plain from the files.

    ``groups``, ``exclude`` and ``test`` are paths. Nothing here but ``no_check`` and what it makes
    of the pixels and labels is part of a study's fingerprint.
    """

    images_key: str | None = None
    labels_key: str | None = None
    layout: str | None = None
    groups: str | None = None  # a .csv of images and their groups, which no fold splits
    exclude: str | None = None  # a table of rows that are left out, as data check writes it
    no_check: bool = False  # nothing is looked for and set aside before a study begins
    groups_from: str | None = None  # a pattern that finds the group in a file name
    join_val: bool = False  # the data's own validation part is trained on and divided into folds
    skip_damaged: bool = False
    square: Shape = "crop"
    # the value that is white, in images of more than 8 bits and in arrays of other types
    white: Annotated[float, Field(gt=0, le=2**32)] | None = None
    test: str | None = None  # images to score the finished model on, once

    @property
    def options(self) -> str:
        """What to type to read data so, but for the test, which a study may go without."""
        said = ""
        for name, value in self.model_dump(exclude_defaults=True, exclude={"test"}).items():
            said += " --" + name.replace("_", "-")
            if value is not True:
                said += f" {quote(str(value))}"
        return said


class ViewSettings(_Section):
    """How the changed copies of the images are made.

    ``mode`` is ``stored`` (a few copies, made once, kept and shared by all trials) or ``online`` (a
    fresh copy in every epoch of a trial, kept nowhere).
    """

    mode: Literal["stored", "online"] = "stored"
    seed: Seed = 0

    @property
    def is_online(self) -> bool:
        """Whether every epoch has a fresh copy."""
        return self.mode == "online"


class WeightSettings(_Section):
    """What backbones start from: auto, imagenet, random, or the path of a weights file."""

    source: str = "auto"
    seed: Seed = 0  # of random weights


class Training(_Section):
    """What is the same for every trial."""

    epochs: Annotated[int, Field(strict=True, ge=1, le=1000)] = 30  # at most; schedules end there
    patience: Count = 6  # epochs without a better fold mean before a trial ends
    seed: Seed = 0


class Final(_Section):
    """How the finished model is chosen, as times go: shares are of what the search took.

    ``share`` is the most that is spent on finding out whether averaged weights and test-time
    augmentation help, and on checking the refitted model; 0 leaves all of it out. The best
    ``candidates`` are trained again ``repeats`` times on fresh folds within ``repeat_share``; fewer
    where that does not reach. The best trials of so many preprocessings form a ``committee``; below
    2 none is tried.
    """

    share: Annotated[float, Field(ge=0, le=100)] = 0.1
    candidates: Annotated[int, Field(strict=True, ge=1, le=100)] = 5
    repeats: Annotated[int, Field(strict=True, ge=0, le=20)] = 2
    repeat_share: Annotated[float, Field(ge=0, le=100)] = 0.2
    committee: Annotated[int, Field(strict=True, ge=0, le=20)] = 3


class Limits(_Section):
    """When a worker counts as lost, how often its trial is tried again, what a trial may use."""

    heartbeat_seconds: Seconds = 10
    grace_seconds: Seconds = 60
    retries: Annotated[int, Field(strict=True, ge=0, le=1000)] = 3
    # a worker waits so long for a database that went away
    reconnect_seconds: Annotated[int, Field(strict=True, ge=0, le=YEAR)] = 300
    checkpoint_seconds: Seconds = 60  # between checkpoints of a trial that trains longer
    trial_seconds: Seconds | None = None  # of training a trial; more is infeasible
    files_mb: Count = 2000  # of a study's probabilities: beyond, those of the worst trials go
    recycle_trials: Count = 100  # a supervised worker process is replaced after so many

    @model_validator(mode="after")
    def _lets_a_heartbeat_be_late(self) -> Self:
        if self.grace_seconds < 3 * self.heartbeat_seconds:
            raise ValueError(
                "grace_seconds must be 3 times heartbeat_seconds or more, "
                f"but got {self.grace_seconds}"
            )
        return self


class Sweep(_Section):
    """One file in ``sweeps/``."""

    title: str = ""
    space: str
    data: str = "demo"
    storage: str | None = None
    search: Search = Search()
    reading: Reading = Reading()
    folds: FoldSettings = FoldSettings()
    views: ViewSettings = ViewSettings()
    weights: WeightSettings = WeightSettings()
    training: Training = Training()
    final: Final = Final()
    limits: Limits = Limits()
    start: tuple[dict[str, Value], ...] = ()  # configurations to try first

    @property
    def source(self) -> str:
        """The data, and the options that say how it is read, as typed behind ``--data``."""
        return self.data + self.reading.options

    @model_validator(mode="before")
    @classmethod
    def _accept_older_forms(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        return in_present_form(given)


def in_present_form(given: Mapping[str, Any]) -> dict[str, Any]:
    """Rewrite what earlier versions wrote: ``[training] score`` and ``weights = "auto"``."""
    content = dict(given)
    training, search = content.get("training"), content.get("search", {})
    if isinstance(training, Mapping) and isinstance(search, Mapping) and "score" in training:
        rest = dict(training)
        content["search"] = {"score": rest.pop("score"), **search}
        content["training"] = rest
    if isinstance(content.get("weights"), str):
        content["weights"] = {"source": content["weights"]}
    return content
