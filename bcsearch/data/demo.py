"""Draws the demo dataset: blood cells of eight kinds in their natural mix."""

from __future__ import annotations

import numpy as np

from bcsearch.data.arrays import resize
from bcsearch.data.cells import CELL_KINDS, SIZE, draw_cell
from bcsearch.data.dataset import Dataset

COUNTS = {  # about the shares of the eight kinds in the PBC set of peripheral blood cells
    "basophil": 86,
    "eosinophil": 219,
    "erythroblast": 109,
    "immature granulocyte": 203,
    "lymphocyte": 85,
    "monocyte": 100,
    "neutrophil": 234,
    "platelet": 164,
}


def load_demo(image_size: int | None = None) -> Dataset:
    """Draw the demo: 1,200 images of 96x96, always the same, resized where ``image_size`` is given.

    Other versions of Pillow or numpy may draw pixels that differ a little.
    """
    names = tuple(COUNTS)
    rng = np.random.default_rng(8)
    labels = rng.permutation(np.repeat(np.arange(len(names)), list(COUNTS.values())))
    images = np.empty((len(labels), SIZE, SIZE, 3), np.uint8)
    for row, label in enumerate(labels):
        images[row] = draw_cell(CELL_KINDS[names[label]], rng)
    return Dataset(
        images=resize(images, image_size or SIZE),
        labels=labels,
        class_names=names,
        source="demo (drawn cells)",
        drawn=True,
    )
