"""Draws the demo dataset: blood cells of eight kinds in their natural mix."""

from __future__ import annotations

import numpy as np

from bcsearch.data.arrays import resize
from bcsearch.data.cells import CELL_KINDS, ELSEWHERE, SIZE, USUAL, draw_cell
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


DEMO, DEMO_ELSEWHERE = "demo", "demo-elsewhere"  # what --data calls them


def load_demo(image_size: int | None = None, name: str = DEMO) -> Dataset:
    """Draw the demo: 1,200 images of 96x96, always the same, resized where ``image_size`` is given.

    ``demo-elsewhere`` has 400 cells of the same kinds as another laboratory would see them: other
    magnification, stain, lamp and focus. Other versions of Pillow or numpy may draw pixels that
    differ a little.
    """
    share, seed, seen_in = {DEMO: (1, 8, USUAL), DEMO_ELSEWHERE: (3, 9, ELSEWHERE)}[name]
    names = tuple(COUNTS)
    rng = np.random.default_rng(seed)
    counts = [round(count / share) for count in COUNTS.values()]
    labels = rng.permutation(np.repeat(np.arange(len(names)), counts))
    images = np.empty((len(labels), SIZE, SIZE, 3), np.uint8)
    for row, label in enumerate(labels):
        images[row] = draw_cell(CELL_KINDS[names[label]], rng, seen_in)
    return Dataset(
        images=resize(images, image_size or SIZE),
        labels=labels,
        class_names=names,
        source=f"{name} (drawn cells)",
        drawn=True,
    )
