"""The record of a backbone, which is a row of the table of backbones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import keras


@dataclass(frozen=True, slots=True, kw_only=True)
class Pretrained:
    """Where ImageNet weights come from.

    Attributes:
        fetch: returns their file, downloaded where needed; raises WeightsError where it cannot.
        load: puts a file into the model.
        at_hand: returns whether they are on this machine, without a network.
    """

    fetch: Callable[[], Path]
    load: Callable[[keras.Model, Path], None]
    at_hand: Callable[[], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backbone:
    """One row.

    Attributes:
        build: from an image size in pixels to a flat functional model of Keras's own layers with
            initial weights, preprocessing inside, from raw RGB to features; layers have the same
            names whenever it is built.
        natural_size: the image size its ImageNet weights were made for, in pixels.
        stock: builds the network as it is published, where that is another graph: published files
            fit this one.
        trained_whole: nothing of it is frozen or cached; random weights are what it is meant for.
        pretrained: its ImageNet weights; None where nobody publishes any.
    """

    name: str
    build: Callable[[int], keras.Model]
    natural_size: int
    stock: Callable[[int], keras.Model] | None = None
    trained_whole: bool = False
    pretrained: Pretrained | None = None
