"""The table of operations on images: preprocessing, augmentation, corruption, TTA."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcsearch.errors import ConfigError
from bcsearch.plugins import row_of
from bcsearch.views.augmentation import POLICIES
from bcsearch.views.corruption import CORRUPTIONS
from bcsearch.views.mixed import MIXED, MIXED_NAME
from bcsearch.views.preprocessing import PREPROCESSING
from bcsearch.views.tta import TTA_OPERATIONS

if TYPE_CHECKING:
    from bcsearch.views.operation import Kind, Operation

PLUGINS = ("bcsearch.preprocessing", "bcsearch.augmentation", "bcsearch.corruption")
OPS = {**PREPROCESSING, **POLICIES, **CORRUPTIONS, MIXED_NAME: MIXED, **TTA_OPERATIONS}


def get_operation(name: str, kind: Kind | None = None) -> Operation:
    """Return the row of that name, of that kind where one is given.

    Raises:
        ConfigError: there is none, or it is of another kind.
    """
    row = row_of(OPS, name, *PLUGINS, what="operation")
    if kind not in (None, row.kind):
        raise ConfigError(f"operation {name!r} is of kind {row.kind}, {kind} is needed")
    return row
