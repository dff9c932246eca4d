"""Reads what the user gave: the demo, an .npz file or a folder of images."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from bcsearch.data.arrays import resize
from bcsearch.data.dataset import Dataset
from bcsearch.data.demo import load_demo
from bcsearch.data.folder import read_folder
from bcsearch.data.image_set import ImageSet
from bcsearch.data.npz import read_npz
from bcsearch.errors import DataError


def load_dataset(source: str | Path, image_size: int | None = None) -> Dataset:
    """Read a labelled dataset.

    Args:
        source: ``demo``, the path of an .npz file with ``data`` and ``labels`` (optionally
            ``groups`` and ``class_names``), or of a folder with a sub-folder of images a class.
        image_size: the height and width wanted. None: an .npz keeps its size, a folder is resized
            to 96. Images of another size are cut to their largest centred square and resized
            bilinearly with antialiasing.

    Pixels are uint8, or integers within 0..255, or floats within 0..1 (scaled by 255) or 0..255
    (rounded); grayscale is repeated to three channels. Labels are of shape (n,), (n, 1) or one-hot
    (n, n_classes).

    Raises:
        DataError: the source cannot be used; its one line says what came and what is allowed.
    """
    if source == "demo":
        return load_demo(image_size)
    found = _read(source, image_size)
    labels = found.require_labels()
    return Dataset(
        images=found.images,
        labels=labels,
        class_names=found.class_names or tuple(map(str, range(labels.max() + 1))),
        groups=found.groups,
        source=found.source,
        names=found.names,
    )


def load_images(source: str | Path, image_size: int) -> ImageSet:
    """Read images to predict or to score, resized by the rule of ``load_dataset``.

    Args:
        source: as for ``load_dataset``; labels may be missing and so may classes: an .npz may hold
            ``data`` only, a folder may hold images directly.
        image_size: the height and width wanted.

    Raises:
        DataError: the source cannot be used; its one line says what came and what is allowed.
    """
    if source != "demo":
        return _read(source, image_size)
    demo = load_demo(image_size)
    return ImageSet(
        images=demo.images,
        labels=demo.labels,
        class_names=demo.class_names,
        source=demo.source,
        holds=f"{demo.n_images} drawn images",
    )


def _read(source: str | Path, image_size: int | None) -> ImageSet:
    path = Path(source)
    if not os.path.exists(path):
        raise DataError(
            f"{source}: no such file or folder; "
            "allowed: demo, an .npz file or a folder of class folders"
        )
    if os.path.isdir(path):
        return read_folder(path, image_size or 96)
    found = read_npz(path)
    if image_size is None:
        return found
    return replace(found, images=resize(found.images, image_size))
