"""What a study is expected to cost: passes, disk, time. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PassCost:
    """The activations of one view of all images at one cut.

    Attributes:
        cut: name of the layer; ``pooled`` are the features, ``input`` the view itself.
        trained: share of the backbone's parameters above the cut, 0 to 1.
        view: ``original``, or the augmentation and the number of the copy.
        passes: images put through a part of the backbone: all, or none where the activations are kept already.
        seconds: from the cut above it in the forecast that has the same view; 0 where they are kept already.
        cache_bytes: on disk, 0 where they are kept already.
        kept: whether they are kept already.
    """

    backbone: str
    image_size: int
    cut: str
    trained: float
    view: str
    passes: int
    seconds: float
    cache_bytes: int
    kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochCost:
    """An epoch of all folds that trains what is above a cut: the mean ``seconds`` over configurations of the space."""

    backbone: str
    image_size: int
    cut: str
    trained: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a study costs, or what it did cost: seconds of trials and refit, cache on disk, passes of one image.

    What is expected lies ``between`` a lowest and a highest number of seconds: nobody knows before which trials turn
    out well, and so run to their end.
    """

    seconds: float
    cache_bytes: int
    passes: int
    between: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a study of ``trials`` trials is expected to cost on this machine, by one worker.

    Attributes:
        work: the whole of it.
        prefix_seconds, training_seconds: parts of it; the rest is loading, tracing and writing.
        all_bytes: cache if every choice of the space is tried.
        rows: what is computed once, by the names of backbones, the shallowest cut of each first.
        epochs: what training costs, by the same names, the head alone first.
        left_out: what had to be left out of the space, in words, dearest first.
        wanted: trials that were asked for.
    """

    trials: int
    work: Work
    prefix_seconds: float
    training_seconds: float
    all_bytes: int
    rows: tuple[PassCost, ...]
    epochs: tuple[EpochCost, ...] = ()
    left_out: tuple[str, ...] = ()
    wanted: int
