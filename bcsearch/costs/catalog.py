"""The table of backbones with what this machine makes of them. Imports backbones and features."""

from __future__ import annotations

import json
import os
import platform
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from bcsearch.backbones.cuts import INPUT, POOLED, cuts_of, segment
from bcsearch.backbones.table import backbone_names, count_parameters, get_backbone, weights_at_hand
from bcsearch.backbones.weights import load_backbone, resolve_weights
from bcsearch.costs.timing import quickest
from bcsearch.errors import DiskError
from bcsearch.features.forward import FrozenForward
from bcsearch.paths import replacing
from bcsearch.records.backbones import BackboneFacts, CutFacts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

SPEEDS_NAME = "speeds.json"  # in the folder of the cache: what was measured before
N_IMAGES = 32


def describe_backbones(
    names: Sequence[str], image_size: int, speeds_dir: Path, *, measure: bool
) -> Iterator[BackboneFacts]:
    """Yield the facts of the named backbones, or of all; what is not yet measured is, unless ``measure`` is False.

    Raises:
        ConfigError: a name is unknown; before anything is yielded.
    """
    for name in names:
        get_backbone(name)
    speeds = Measured(speeds_dir / SPEEDS_NAME)
    return (_describe(name, image_size, speeds, measure=measure) for name in names or backbone_names())


class Measured:
    """Images per second by backbone and image size, kept in a file for this machine and this TensorFlow."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._machine = f"{platform.node()}, {os.cpu_count()} cores, TensorFlow {tf.__version__}"

    def get(self, name: str, image_size: int) -> float | None:
        """Return what was measured before; None where nothing was."""
        return self._read().get(self._key(name, image_size))

    def keep(self, name: str, image_size: int, images_per_second: float) -> None:
        """Keep a measurement, where the folder can be written."""
        kept = {**self._read(), self._key(name, image_size): round(images_per_second, 2)}
        with suppress(DiskError), replacing(self._path) as draft:
            draft.write_text(json.dumps(kept, indent=1), encoding="utf-8")

    def _key(self, name: str, image_size: int) -> str:
        return f"{name} at {image_size} on {self._machine}"

    def _read(self) -> dict[str, float]:
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return {key: rate for key, rate in kept.items() if isinstance(rate, float)} if isinstance(kept, dict) else {}


def _describe(name: str, image_size: int, speeds: Measured, *, measure: bool) -> BackboneFacts:
    rate = speeds.get(name, image_size)
    if rate is None and measure:
        rate = _images_per_second(name, image_size)
        speeds.keep(name, image_size, rate)
    return BackboneFacts(
        name=name,
        parameters=count_parameters(name),
        natural_size=get_backbone(name).natural_size,
        image_size=image_size,
        cuts=tuple(
            CutFacts(name=cut.name, trained=round(cut.fraction, 4), layers=cut.n_layers, shape=cut.shape)
            for cut in cuts_of(name, image_size)
        ),
        weights=weights_at_hand(name),
        images_per_second=rate,
    )


def _images_per_second(name: str, image_size: int) -> float:
    model = load_backbone(name, image_size, resolve_weights(name, "random"), 0)
    forward = FrozenForward([segment(model, INPUT, POOLED)], N_IMAGES, np.dtype(np.uint8))
    images = np.random.default_rng(0).integers(0, 256, (N_IMAGES, image_size, image_size, 3), np.uint8)
    next(forward.run(images))
    return N_IMAGES / quickest(lambda: next(forward.run(images)))
