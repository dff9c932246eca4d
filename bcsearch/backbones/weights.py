"""Settles which weights a backbone starts from, and puts them in. Imports keras and the table."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import blake2b, file_digest
from math import prod, sqrt
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np

from bcsearch.backbones.plain import fitted
from bcsearch.backbones.table import get_backbone, load_stock, package_of
from bcsearch.errors import WeightsError
from bcsearch.seeds import derive_seed

if TYPE_CHECKING:
    from collections.abc import Callable

    from bcsearch.backbones.table import Backbone

WITHOUT_IMAGENET = "auto, random, or a file of your own"
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
    """Weights that can be had; ``warning`` is a line the user must see.

    ``fingerprint`` is over the file's bytes, with the version of the package that a backbone not of ours comes from.
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
    found, package = _resolved(backbone, weights), package_of(backbone_name)
    return replace(found, fingerprint=f"{found.fingerprint} {package}") if package else found


def _resolved(backbone: Backbone, weights: str) -> ResolvedWeights:
    if weights == "random":
        return _random()
    if weights not in ("auto", "imagenet"):
        return _from_path(backbone, Path(weights))
    if backbone.pretrained is None:
        return _without_imagenet(backbone, weights)
    try:
        path = backbone.pretrained.fetch()
    except WeightsError as error:
        if weights == "imagenet":
            raise WeightsError(f"backbone {backbone.name}: {error}") from error
        return _random(
            f"backbone {backbone.name} starts from RANDOM weights, expect low scores: {error}"
        )
    return ResolvedWeights(kind=WeightsKind.IMAGENET, fingerprint=_hash_file(path), path=path)


def _without_imagenet(backbone: Backbone, weights: str) -> ResolvedWeights:
    if weights == "imagenet":
        raise WeightsError(
            f"backbone {backbone.name} has no imagenet weights; choose {WITHOUT_IMAGENET}, not imagenet"
        )
    if backbone.trained_whole:
        return _random()
    return _random(
        f"backbone {backbone.name} starts from RANDOM weights, expect low scores: nobody publishes imagenet "
        "weights for it; give a file of your own with --weights"
    )


def load_backbone(name: str, image_size: int, weights: ResolvedWeights, seed: int) -> keras.Model:
    """Build a backbone and set its weights.

    The model takes RGB (batch, image_size, image_size, 3), 0 to 255, and gives features (batch, d). It consists of
    Keras' own layers. ``seed`` acts on random weights only.
    """
    backbone = get_backbone(name)
    model = backbone.build(image_size)
    if weights.kind is WeightsKind.RANDOM:
        _draw_kernels(model, seed)
    elif weights.kind is WeightsKind.IMAGENET and backbone.pretrained and weights.path:
        load = backbone.pretrained.load
        _explained(model, weights.path, lambda path: load(model, path))
    elif weights.path:
        _load_file(backbone, model, weights.path)
    return model


def resizing(height: int, width: int, side: int) -> keras.Model | None:
    """Return what makes images squares of ``side``; None where they are: bilinear, smoothed where they shrink.

    XLA cannot compile it, and it runs on the processor wherever the rest does.
    """
    if (height, width) == (side, side):
        return None
    image = keras.Input((height, width, 3), name="image")
    resize = keras.layers.Resizing(
        side, side, interpolation="bilinear", antialias=True, name="resize"
    )
    return keras.Model(image, resize(image), name="resizing")


def with_resizing(model: keras.Model, height: int, width: int) -> keras.Model:
    """Let a backbone take images of another size, sides not in proportion."""
    before = resizing(height, width, model.input_shape[1])
    if before is None:
        return model
    return keras.Model(before.input, model(before.output), name=f"resized_{model.name}")


def _random(warning: str | None = None) -> ResolvedWeights:
    fingerprint = blake2b(b"random", digest_size=8).hexdigest()
    return ResolvedWeights(kind=WeightsKind.RANDOM, fingerprint=fingerprint, warning=warning)


def _from_path(backbone: Backbone, path: Path) -> ResolvedWeights:
    if path.suffix not in (".h5", ".keras"):
        raise WeightsError(f"weights {str(path)!r} of backbone {backbone.name}: allowed: {CHOICES}")
    if not path.is_file():
        raise WeightsError(f"weights file {path} does not exist; allowed: {CHOICES}")
    _load_file(backbone, backbone.build(backbone.natural_size), path)
    return ResolvedWeights(kind=WeightsKind.PATH, fingerprint=_hash_file(path), path=path)


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, lambda: blake2b(digest_size=8)).hexdigest()


def _load_file(backbone: Backbone, model: keras.Model, path: Path) -> None:
    """Set weights from a file of weights, or from the layers of the same names in a ``.keras`` model.

    Weights may be those of the plain graph or of the published one.
    """

    def load(path: Path) -> None:
        if path.suffix == ".keras":
            _copy_layers(keras.models.load_model(path, compile=False), model)
            return
        try:
            model.load_weights(path)
        except UNREADABLE:
            if backbone.stock is None:
                raise
            load_stock(backbone.stock, model, path)

    _explained(model, path, load)


def _explained(model: keras.Model, path: Path, load: Callable[[Path], None]) -> None:
    """Load a file, with one line where it cannot be used; what Keras only warns of, a part it skips, counts too."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            load(path)
    except UNREADABLE as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise WeightsError(
            f"weights {path} do not fit backbone {model.name} or are damaged ({reason}); give a file saved from it"
        ) from error


def _copy_layers(source: keras.Model, target: keras.Model) -> None:
    """Copy by layer name, so that a whole exported model serves too."""
    found = {layer.name: layer for layer in source._flatten_layers(include_self=False)}
    for layer in target.layers:
        if not layer.weights:
            continue
        if layer.name not in found:
            raise ValueError(f"it has no layer {layer.name}")
        layer.set_weights(fitted(found[layer.name].get_weights(), layer))


def _draw_kernels(model: keras.Model, seed: int) -> None:
    """Draw every kernel from a normal distribution that keeps the variance through ReLU; the rest stays as built."""
    for layer in model.layers:
        kernel = getattr(layer, "kernel", None)
        if kernel is None:
            continue
        shape = tuple(kernel.shape)
        fan_in = (
            prod(shape[:2]) if isinstance(layer, keras.layers.DepthwiseConv2D) else prod(shape[:-1])
        )
        random = np.random.default_rng(derive_seed(seed, model.name, layer.name))
        kernel.assign(random.normal(0.0, sqrt(2 / fan_in), shape).astype("float32"))
