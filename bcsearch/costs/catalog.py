"""The table of backbones with what this machine makes of them. Imports backbones and features."""

from __future__ import annotations

import json
import os
import platform
from contextlib import suppress
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from bcsearch import __version__
from bcsearch.backbones.cuts import INPUT, NEAR, POOLED, SAME, cuts_of, segment
from bcsearch.backbones.table import (
    BACKBONES,
    backbone_names,
    count_parameters,
    get_backbone,
    weights_at_hand,
)
from bcsearch.backbones.weights import load_backbone, resolve_weights
from bcsearch.costs.timing import quickest
from bcsearch.errors import DiskError
from bcsearch.features.forward import FrozenForward
from bcsearch.paths import replacing
from bcsearch.records.backbones import BackboneFacts, CutFacts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

CATALOG_NAME = "backbones.json"  # in the folder of the cache: what was measured before
N_IMAGES = 32


def describe_backbones(
    names: Sequence[str], image_size: int, folder: Path, *, measure: bool
) -> Iterator[BackboneFacts]:
    """Yield the facts of the named backbones, or of all; what is not yet measured is, unless ``measure`` is False.

    Measurements are kept in ``folder``, where it can be written.

    Raises:
        ConfigError: a name is unknown; before anything is yielded.
    """
    for name in names:
        get_backbone(name)
    catalog = Catalog(folder / CATALOG_NAME)
    return (
        _facts(name, image_size, catalog, measure=measure) for name in names or backbone_names()
    )


class Catalog:
    """Facts kept in a file, for this machine and these versions."""

    def __init__(self, path: Path) -> None:
        self._path = path
        versions = f"bcsearch {__version__} ({SAME}, {NEAR}), TensorFlow {tf.__version__}, Keras {keras.__version__}"
        self._machine = f"{platform.node()}, {os.cpu_count()} cores, {versions}"

    def get(self, name: str, image_size: int) -> BackboneFacts | None:
        """Return what is kept of a backbone; None where nothing is, or nothing that makes sense."""
        try:
            kept = self._read()[self._key(name, image_size)]
            cuts = tuple(CutFacts(**{**cut, "shape": tuple(cut["shape"])}) for cut in kept["cuts"])
            return BackboneFacts(**{**kept, "cuts": cuts, "weights": weights_at_hand(name)})
        except (KeyError, TypeError):
            return None

    def keep(self, facts: BackboneFacts) -> None:
        """Keep what was measured of a backbone of ours; those of other packages may change under their names."""
        if facts.name not in BACKBONES:
            return
        kept = {**self._read(), self._key(facts.name, facts.image_size): asdict(facts)}
        with suppress(DiskError), replacing(self._path) as draft:
            draft.write_text(json.dumps(kept), encoding="utf-8")

    def _key(self, name: str, image_size: int) -> str:
        return f"{name} at {image_size} on {self._machine}"

    def _read(self) -> dict[str, Any]:
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return kept if isinstance(kept, dict) else {}


def _facts(name: str, image_size: int, catalog: Catalog, *, measure: bool) -> BackboneFacts:
    kept = catalog.get(name, image_size)
    if kept is not None:
        return kept
    facts = _outlined(name, image_size)
    if measure:
        facts = replace(facts, images_per_second=round(_images_per_second(name, image_size), 1))
        catalog.keep(facts)
    return facts


def _outlined(name: str, image_size: int) -> BackboneFacts:
    """Return what is known without running anything."""
    return BackboneFacts(
        name=name,
        parameters=count_parameters(name),
        natural_size=get_backbone(name).natural_size,
        image_size=image_size,
        cuts=tuple(
            CutFacts(
                name=cut.name, trained=round(cut.fraction, 4), layers=cut.n_layers, shape=cut.shape
            )
            for cut in cuts_of(name, image_size)
        ),
        weights=weights_at_hand(name),
        images_per_second=None,
    )


def _images_per_second(name: str, image_size: int) -> float:
    model = load_backbone(name, image_size, resolve_weights(name, "random"), 0)
    forward = FrozenForward([segment(model, INPUT, POOLED)], N_IMAGES, np.dtype(np.uint8))
    images = np.random.default_rng(0).integers(
        0, 256, (N_IMAGES, image_size, image_size, 3), np.uint8
    )
    next(forward.run(images))
    return N_IMAGES / quickest(lambda: next(forward.run(images)))
