"""Operations of test-time augmentation: an image turned, mirrored or seen from nearer.

A model predicts the mean over the image and what a set of them makes of it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from keras import ops

from bcsearch.views.operation import Kind
from bcsearch.views.preprocessing import baked_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bcsearch.views.view import Setting

NEARER = 0.1  # what is cut off at each side, as a share of the image


def mirror(images: Any, settings: Mapping[str, Setting]) -> Any:
    """Swap left and right."""
    return ops.flip(images, axis=2)


def upside_down(images: Any, settings: Mapping[str, Setting]) -> Any:
    """Swap top and bottom."""
    return ops.flip(images, axis=1)


def quarter_turn(images: Any, settings: Mapping[str, Setting]) -> Any:
    """Turn square images by 90 degrees."""
    return ops.flip(ops.transpose(images, (0, 2, 1, 3)), axis=1)


def half_turn(images: Any, settings: Mapping[str, Setting]) -> Any:
    """Turn by 180 degrees."""
    return ops.flip(images, axis=(1, 2))


def three_quarter_turn(images: Any, settings: Mapping[str, Setting]) -> Any:
    """Turn square images by 270 degrees."""
    return ops.flip(ops.transpose(images, (0, 2, 1, 3)), axis=2)


def nearer(images: Any, settings: Mapping[str, Setting]) -> Any:
    """Cut off the edges and enlarge the rest to the same size."""
    height, width = images.shape[1:3]
    top, left = round(NEARER * height), round(NEARER * width)
    middle = images[:, top : height - top, left : width - left]
    return ops.image.resize(middle, (height, width))


_row = partial(baked_in, family="geometry", kind=Kind.TTA)
TTA_OPERATIONS = {
    "mirror": _row(mirror, doc="Left and right swapped."),
    "upside_down": _row(upside_down, doc="Top and bottom swapped."),
    "quarter_turn": _row(quarter_turn, doc="Turned by 90 degrees."),
    "half_turn": _row(half_turn, doc="Turned by 180 degrees."),
    "three_quarter_turn": _row(three_quarter_turn, doc="Turned by 270 degrees."),
    "nearer": _row(nearer, doc="Enlarged by a quarter."),
}
TTA_SETS: dict[str, tuple[str, ...]] = {  # what is seen besides the image itself
    "flip": ("mirror", "upside_down"),
    "rotate": ("quarter_turn", "half_turn", "three_quarter_turn"),
    "zoom": ("nearer",),
    "all": tuple(TTA_OPERATIONS),
}
