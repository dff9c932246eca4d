"""The demo dataset: drawn cells of eight kinds in their natural mix. Imports numpy, seeds and this floor."""

from __future__ import annotations

import numpy as np

from bcsearch.data.arrays import resize
from bcsearch.data.cell_kinds import CELL_KINDS
from bcsearch.data.cells import SIZE, draw_cell
from bcsearch.data.dataset import Dataset
from bcsearch.seeds import derive_seed

SEED = 8
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
    """Draw the demo: 1,200 images of 96x96, always the same, resized where ``image_size`` says so.

    RandomState is used for its promise to give the same numbers in every version of numpy.
    """
    names = tuple(COUNTS)
    labels = np.repeat(np.arange(len(names)), list(COUNTS.values()))
    np.random.RandomState(SEED).shuffle(labels)
    images = np.empty((len(labels), SIZE, SIZE, 3), np.uint8)
    for row, label in enumerate(labels.tolist()):
        rng = np.random.RandomState(derive_seed(SEED, "cell", row))
        images[row] = draw_cell(CELL_KINDS[names[label]], rng)
    return Dataset(
        images=resize(images, image_size) if image_size else images,
        labels=labels,
        class_names=names,
        source="demo (drawn cells)",
        drawn=True,
    )
