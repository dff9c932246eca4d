"""The table of operations on images: preprocessing, augmentation, corruption."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcsearch.errors import ConfigError
from bcsearch.plugins import row_of
from bcsearch.views.augmentation import apply_steps
from bcsearch.views.corruption import jpeg
from bcsearch.views.operation import Kind, Operation
from bcsearch.views.preprocessing import grayscale, run_change

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    from bcsearch.views.operation import Change
    from bcsearch.views.view import Setting

PLUGINS = {
    Kind.PREPROCESS: "bcsearch.preprocessing",
    Kind.AUGMENT: "bcsearch.augmentation",
    Kind.CORRUPT: "bcsearch.corruption",
}


def preprocessing(
    change: Change,
    *,
    family: str,
    doc: str,
    fit: Callable[[np.ndarray], Mapping[str, Setting]] | None = None,
) -> Operation:
    """Return the row of a preprocessing, given by a function of ``keras.ops``."""
    return Operation(
        kind=Kind.PREPROCESS,
        family=family,
        doc=doc,
        run=lambda images, settings, seed: run_change(change, images, settings),
        fit=fit,
        change=change,
    )


def policy(*steps: str, doc: str) -> Operation:
    """Return the row of an augmentation policy, given by the names of its steps."""
    return Operation(
        kind=Kind.AUGMENT,
        family="policy",
        doc=doc,
        run=lambda images, settings, seed: apply_steps(images, steps, seed),
    )


GEOMETRY = ("flip", "rotate", "zoom", "shift")
COLOUR = ("brightness", "contrast", "hue", "saturation")
OPS: dict[str, Operation] = {
    "grayscale": preprocessing(
        grayscale, family="colour", doc="Brightness alone: stains and cameras differ less in it."
    ),
    "light": policy(*GEOMETRY, doc="Flips, any rotation, a little zoom and shift."),
    "medium": policy(*GEOMETRY, *COLOUR, doc="As light, with brightness, contrast and colour."),
    "strong": policy(
        *("flip", "rotate", "rand_augment", *COLOUR), doc="RandAugment, flips, rotation, colour."
    ),
    "jpeg": Operation(
        kind=Kind.CORRUPT,
        family="compression",
        doc="Compression as JPEG.",
        run=jpeg,
        settings={"quality": 30.0},
    ),
}


def get_operation(name: str, kind: Kind | None = None) -> Operation:
    """Return the row of that name, of that kind where one is given.

    Raises:
        ConfigError: there is none, or it is of another kind.
    """
    row = row_of(OPS, name, *PLUGINS.values())
    if kind not in (None, row.kind):
        raise ConfigError(f"operation {name!r} is of kind {row.kind}, {kind} is needed")
    return row
