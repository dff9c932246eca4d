"""What a machine was measured to need for each piece of a study's work, in seconds. Imports numpy."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

Network = tuple[str, int]  # a backbone's name and an image size


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentSpeed:
    """The frozen part of a network that ends at ``cut`` and begins at the cut of the one before, or at the images."""

    cut: str
    per_image: float
    build: float  # tracing


@dataclass(frozen=True, slots=True, kw_only=True)
class SuffixSpeed:
    """The trained part of a network that holds the share ``fraction`` of its parameters."""

    fraction: float
    train: float  # an image of a batch
    turn: float  # a fold's turn in an epoch: waking and parking it
    predict: float  # an image
    build: float  # copying and tracing


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadSpeed:
    """Heads of all folds abreast: of ``weights`` weights each, in batches of ``batch_size`` images a fold."""

    weights: int
    batch_size: int
    step: float  # a batch of every fold
    predict: float  # an image of every fold
    build: float  # tracing a new kind of head


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Speeds:
    """All measurements."""

    load: dict[Network, float] = field(
        default_factory=dict
    )  # building a network and setting its weights
    segments: dict[Network, tuple[SegmentSpeed, ...]] = field(default_factory=dict)
    suffixes: dict[Network, tuple[SuffixSpeed, ...]] = field(
        default_factory=dict
    )  # the smallest first
    heads: dict[int, tuple[HeadSpeed, ...]] = field(
        default_factory=dict
    )  # by the number of features
    views: dict[str, float] = field(default_factory=dict)  # an augmented image, by policy

    def suffix(self, network: Network, fraction: float) -> SuffixSpeed:
        """Return the speed of a suffix, between those of the measured ones."""
        found = self.suffixes[network]
        places = [each.fraction for each in found]

        def at(name: str) -> float:
            return float(np.interp(fraction, places, [getattr(each, name) for each in found]))

        return SuffixSpeed(
            fraction=fraction,
            train=at("train"),
            turn=at("turn"),
            predict=at("predict"),
            build=at("build"),
        )

    def head(self, n_features: int, weights: int, batch_size: int) -> HeadSpeed:
        """Return the speed of a head, between those of the measured ones: first in weights, then in the batch."""
        found = self.heads[n_features]
        batches = sorted({each.batch_size for each in found})

        def at(name: str) -> float:
            values = []
            for batch in batches:
                same = sorted(
                    (each for each in found if each.batch_size == batch),
                    key=lambda each: each.weights,
                )
                points = [each.weights for each in same], [getattr(each, name) for each in same]
                values.append(np.interp(weights, *points))
            return float(np.interp(batch_size, batches, values))

        return HeadSpeed(
            weights=weights,
            batch_size=batch_size,
            step=at("step"),
            predict=at("predict"),
            build=at("build"),
        )
