"""The table of backbones with what they are on this machine."""

from __future__ import annotations

import json
import os
import platform
from contextlib import suppress
from dataclasses import asdict, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import TypeAdapter

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
from bcsearch.paths import read_text, replacing
from bcsearch.records.backbones import BackboneFacts, CutFacts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_FACTS = TypeAdapter(BackboneFacts)


def describe_backbones(
    names: Sequence[str], image_size: int, folder: Path, *, measure: bool
) -> Iterator[BackboneFacts]:
    """Yield the facts of the named backbones, or of all.

    What was not measured before is measured where ``measure`` says so, and kept in the file
    ``backbones.json`` of ``folder``, where that can be written.

    Raises:
        ConfigError: a name is unknown; before anything is yielded.
    """
    for name in names:
        get_backbone(name)
    catalog = Catalog(folder / "backbones.json")
    return (
        _facts(name, image_size, catalog, measure=measure) for name in names or backbone_names()
    )


class Catalog:
    """Facts kept in a file, for this machine and these versions."""

    def __init__(self, path: Path) -> None:
        self._path = path
        packages = [f"{name} {version(name)}" for name in ("bcsearch", "tensorflow", "keras")]
        cores = f"{os.cpu_count()} cores"
        self._machine = ", ".join([platform.node(), cores, *packages, f"cuts {SAME} {NEAR}"])

    def key(self, name: str, image_size: int) -> str:
        """Return what the facts of a backbone at an image size are kept under."""
        return f"{name} at {image_size} on {self._machine}"

    def get(self, name: str, image_size: int) -> BackboneFacts | None:
        """Return what is kept of a backbone; None where nothing is, or nothing that makes sense."""
        try:
            kept = _FACTS.validate_python(self._read()[self.key(name, image_size)])
        except (KeyError, ValueError):
            return None
        return replace(kept, weights=weights_at_hand(name))

    def keep(self, facts: BackboneFacts) -> None:
        """Keep what was measured of a backbone of ours; others may change under their names."""
        if facts.name not in BACKBONES:
            return
        kept = self._read() | {self.key(facts.name, facts.image_size): asdict(facts)}
        with suppress(DiskError), replacing(self._path) as draft:
            draft.write_text(json.dumps(kept), encoding="utf-8")

    def _read(self) -> dict[str, Any]:
        try:
            return dict(json.loads(read_text(self._path)))
        except (OSError, ValueError, TypeError, RecursionError):
            return {}


def _facts(name: str, image_size: int, catalog: Catalog, *, measure: bool) -> BackboneFacts:
    kept = catalog.get(name, image_size)
    if kept is not None:
        return kept
    cuts = []
    for cut in cuts_of(name, image_size):
        trained = round(cut.fraction, 4)
        cuts.append(CutFacts(name=cut.name, trained=trained, layers=cut.n_layers, shape=cut.shape))
    facts = BackboneFacts(
        name=name,
        parameters=count_parameters(name),
        natural_size=get_backbone(name).natural_size,
        image_size=image_size,
        cuts=tuple(cuts),
        weights=weights_at_hand(name),
        images_per_second=None,
    )
    if measure:
        facts = replace(facts, images_per_second=round(_images_per_second(name, image_size), 1))
        catalog.keep(facts)
    return facts


def _images_per_second(name: str, image_size: int) -> float:
    model = load_backbone(name, image_size, resolve_weights(name, "random"), 0)
    images = np.zeros((32, image_size, image_size, 3), np.uint8)
    forward = FrozenForward([segment(model, INPUT, POOLED)], len(images), images.dtype)
    next(forward.run(images))
    return len(images) / quickest(lambda: next(forward.run(images)))
