"""What a machine was measured to need for each piece of a study's work, in seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentSpeed:
    """The frozen part of a network between the measured cut before and ``cut``."""

    cut: str
    per_image: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SuffixSpeed:
    """The trained part of a network that holds the share ``fraction`` of its parameters."""

    fraction: float
    train: float  # an image of a batch
    turn: float  # a fold's turn in an epoch: waking and parking it
    predict: float  # an image


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadSpeed:
    """Heads of all folds side by side: ``weights`` each, ``batch_size`` images a fold."""

    weights: int
    batch_size: int
    step: float  # a batch of every fold
    predict: float  # an image of every fold


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Speeds:
    """All measurements, by network (backbone, image size), number of features, or operations."""

    segments: dict[tuple[str, int], tuple[SegmentSpeed, ...]] = field(default_factory=dict)
    suffixes: dict[tuple[str, int], tuple[SuffixSpeed, ...]] = field(default_factory=dict)
    heads: dict[int, tuple[HeadSpeed, ...]] = field(default_factory=dict)
    views: dict[tuple[str, ...], float] = field(default_factory=dict)  # seconds of an image
    fresh: dict[tuple[str, ...], float] = field(default_factory=dict)  # the same of epochs

    def suffix(self, network: tuple[str, int], fraction: float) -> SuffixSpeed:
        """Return the speed of a suffix, between those measured, which are sorted by fraction."""
        found = self.suffixes[network]
        places = [each.fraction for each in found]
        train = np.interp(fraction, places, [each.train for each in found])
        turn = np.interp(fraction, places, [each.turn for each in found])
        predict = np.interp(fraction, places, [each.predict for each in found])
        return SuffixSpeed(
            fraction=fraction, train=float(train), turn=float(turn), predict=float(predict)
        )

    def head(self, n_features: int, weights: int, batch_size: int) -> HeadSpeed:
        """Return the speed of a head, between those measured: by weights, then by batch."""
        by_batch: dict[int, list[HeadSpeed]] = {}
        for each in sorted(self.heads[n_features], key=lambda each: each.weights):
            by_batch.setdefault(each.batch_size, []).append(each)
        batches = sorted(by_batch)
        steps = [_at(weights, by_batch[batch], "step") for batch in batches]
        predicts = [_at(weights, by_batch[batch], "predict") for batch in batches]
        return HeadSpeed(
            weights=weights,
            batch_size=batch_size,
            step=float(np.interp(batch_size, batches, steps)),
            predict=float(np.interp(batch_size, batches, predicts)),
        )


def _at(weights: int, heads: Sequence[HeadSpeed], name: str) -> float:
    places = [each.weights for each in heads]
    return float(np.interp(weights, places, [getattr(each, name) for each in heads]))
