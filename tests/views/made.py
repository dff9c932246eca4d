"""Images for tests of operations, and what operations make of them."""

from __future__ import annotations

from typing import Any

import numpy as np


def made(images: np.ndarray, name: str, seed: int, copy: int = 1, **settings: Any) -> np.ndarray:
    """Return a copy of images (n, height, width, 3), uint8, after the operation of that name.

    Its statistics are of the same images.
    """
    from bcsearch.recipe import Params
    from bcsearch.views.making import make_chunk
    from bcsearch.views.table import OPS
    from bcsearch.views.view import Applied, View

    row = OPS[name]
    chosen = dict(row.settings)
    chosen |= {setting: float(Params()[given]) for setting, given in row.params.items()}
    if row.fit is not None:
        chosen |= row.fit([images])
    applied = Applied.of(name, {**chosen, **settings})
    return make_chunk(images, View((applied,), copy, seed), 0)


def drawn_cells(n: int) -> np.ndarray:
    from bcsearch.data.cells import CELL_KINDS, draw_cell

    random, kinds = np.random.default_rng(5), list(CELL_KINDS.values())
    return np.stack([draw_cell(kinds[number % len(kinds)], random) for number in range(n)])


def mean_change(images: np.ndarray, others: np.ndarray) -> float:
    return float(np.abs(images.astype(float) - others).mean())
