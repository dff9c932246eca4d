"""Resolves which weights a backbone starts from, and loads them."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import blake2b, file_digest
from math import prod, sqrt
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np

from bcsearch.backbones.keras_private import innermost_layers
from bcsearch.backbones.plain import load_stock, oriented
from bcsearch.backbones.stored import load_model
from bcsearch.backbones.table import get_backbone, package_of
from bcsearch.errors import WeightsError
from bcsearch.seeds import derive_seed

if TYPE_CHECKING:
    from collections.abc import Callable

    from bcsearch.backbones.backbone import Backbone

CHOICES = "auto, imagenet, random, or the path of a .weights.h5, .h5 or .keras file"
# what Keras raises on a file it cannot use; it only warns of a part it skips
UNREADABLE = (OSError, ValueError, TypeError, KeyError, AttributeError, UserWarning)


class WeightsKind(StrEnum):
    """Where the first weights come from."""

    IMAGENET = "imagenet"
    RANDOM = "random"
    PATH = "path"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedWeights:
    """Weights that can be had.

    Attributes:
        fingerprint: over the file's bytes, with the version of the package that registers the
            backbone.
        path: of the file; None for random weights.
        warning: a line that the user must see.
    """

    kind: WeightsKind
    fingerprint: str
    path: Path | None = None
    warning: str | None = None


def resolve_weights(backbone_name: str, weights: str) -> ResolvedWeights:
    """Find the weights that ``auto``, ``imagenet``, ``random`` or a path mean for a backbone.

    A path is tried out, so that what is returned can be loaded.

    Raises:
        ConfigError: the backbone is unknown.
        WeightsError: they cannot be had, are damaged, or are of another architecture.
    """
    backbone = get_backbone(backbone_name)
    if weights == "random":
        found = _random()
    elif weights in ("auto", "imagenet"):
        found = _imagenet(backbone, required=weights == "imagenet")
    else:
        found = _from_path(backbone, Path(weights))
    package = package_of(backbone_name)
    if not package:
        return found
    return replace(found, fingerprint=f"{found.fingerprint} {package}")


def _imagenet(backbone: Backbone, *, required: bool) -> ResolvedWeights:
    """Return ImageNet weights; random ones with a warning where they cannot be had."""
    problem = "nobody publishes imagenet weights for it; choose random, or your own with --weights"
    if backbone.pretrained is not None:
        try:
            return _from_file(WeightsKind.IMAGENET, backbone.pretrained.fetch())
        except WeightsError as error:
            problem = str(error)
    elif backbone.trained_whole and not required:
        return _random()
    if required:
        raise WeightsError(f"backbone {backbone.name}: {problem}")
    return _random(
        f"backbone {backbone.name} starts from RANDOM weights, expect low scores: {problem}"
    )


def _random(warning: str | None = None) -> ResolvedWeights:
    fingerprint = blake2b(b"random", digest_size=8).hexdigest()
    return ResolvedWeights(kind=WeightsKind.RANDOM, fingerprint=fingerprint, warning=warning)


def _from_path(backbone: Backbone, path: Path) -> ResolvedWeights:
    if path.suffix not in (".h5", ".keras"):
        raise WeightsError(f"weights {str(path)!r} of backbone {backbone.name}: allowed: {CHOICES}")
    if not os.path.isfile(path):
        raise WeightsError(f"weights file {path} does not exist; allowed: {CHOICES}")
    _load_own(backbone, backbone.build(backbone.natural_size), path)
    return _from_file(WeightsKind.PATH, path)


def _from_file(kind: WeightsKind, path: Path) -> ResolvedWeights:
    with path.open("rb") as file:
        fingerprint = file_digest(file, lambda: blake2b(digest_size=8)).hexdigest()
    return ResolvedWeights(kind=kind, fingerprint=fingerprint, path=path)


def load_backbone(name: str, image_size: int, weights: ResolvedWeights, seed: int) -> keras.Model:
    """Build a backbone and set its weights.

    The model takes RGB (batch, image_size, image_size, 3), 0 to 255, and gives features (batch, d).
    It consists of Keras' own layers. ``seed`` acts on random weights only.
    """
    backbone = get_backbone(name)
    model = backbone.build(image_size)
    if weights.path is None:
        _draw_kernels(model, seed)
    elif weights.kind is WeightsKind.IMAGENET and backbone.pretrained:
        _checked(backbone.pretrained.load, model, weights.path)
    else:
        _load_own(backbone, model, weights.path)
    return model


def _load_own(backbone: Backbone, model: keras.Model, path: Path) -> None:
    """Set weights from a ``.keras`` model, or a file for the plain or the published graph."""
    if path.suffix == ".keras":
        _checked(_copy_layers, model, path)
        return

    def load(model: keras.Model, path: Path) -> None:
        try:
            model.load_weights(path)
        except UNREADABLE:
            if backbone.stock is None:
                raise
            load_stock(backbone.stock, model, path)

    _checked(load, model, path)


def _checked(load: Callable[[keras.Model, Path], None], model: keras.Model, path: Path) -> None:
    """Load a file, with one line where it cannot be used or Keras skips a part of it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            load(model, path)
    except Exception as error:  # a file of anybody raises whatever it likes
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise WeightsError(
            f"weights {path} do not fit backbone {model.name} or are damaged ({reason}); "
            "give a file saved from it"
        ) from error


def _copy_layers(model: keras.Model, path: Path) -> None:
    """Copy by layer name, so that a whole exported model serves too."""
    source = load_model(path)
    found = {layer.name: layer for layer in innermost_layers(source)}
    for layer in model.layers:
        if not layer.weights:
            continue
        if layer.name not in found:
            raise ValueError(f"it has no layer {layer.name}")
        layer.set_weights(oriented(found[layer.name].get_weights(), layer))


def _draw_kernels(model: keras.Model, seed: int) -> None:
    """Draw kernels from normal distributions that keep the variance through ReLU."""
    for layer in model.layers:
        kernel = getattr(layer, "kernel", None)
        if kernel is None:
            continue
        fan_in = prod(kernel.shape[:-1])
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            fan_in = prod(kernel.shape[:2])
        random = np.random.default_rng(derive_seed(seed, model.name, layer.name))
        values = random.normal(0.0, sqrt(2 / fan_in), tuple(kernel.shape))
        kernel.assign(values.astype("float32"))
