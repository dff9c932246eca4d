"""Finds out what kind of source the user gave and reads it. Imports numpy, this floor and the errors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bcsearch.data.arrays import resize
from bcsearch.data.dataset import Dataset
from bcsearch.data.demo import load_demo
from bcsearch.data.folder import DEFAULT_SIZE, read_folder
from bcsearch.data.npz import read_npz
from bcsearch.errors import DataError

DEMO = "demo"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImageSet:
    """Images to predict or score, with labels where they are known.

    Attributes:
        images: shape (n_images, image_size, image_size, 3), uint8, RGB.
        labels: shape (n_images,), int64; classes may be missing among them. None: not known.
        class_names: the names that the labels count in; None: not known, labels are bare class numbers.
        names: the row number of every image, or its file name where it comes from a folder.
    """

    images: np.ndarray
    labels: np.ndarray | None
    class_names: tuple[str, ...] | None
    names: tuple[str, ...]


def load_dataset(source: str | Path, image_size: int | None = None) -> Dataset:
    """Read a labelled dataset.

    Args:
        source: ``demo``, the path of an .npz file with ``data`` and ``labels`` (optionally ``groups`` and
            ``class_names``), or of a folder with one sub-folder of images for every class.
        image_size: the height and width wanted. None: an .npz keeps its size, a folder is resized to 96. Images of
            another size are cut to their largest centred square and resized bilinearly with antialiasing.

    Pixels are uint8, or integers within 0..255, or floats within 0..1 (scaled by 255) or 0..255 (rounded); grayscale
    is repeated to three channels. Labels are of shape (n,), (n, 1) or one-hot (n, n_classes).

    Raises:
        DataError: the source cannot be used; its one line says what came and what is allowed.
    """
    if source == DEMO:
        return load_demo(image_size)
    path = _existing(source)
    if path.is_dir():
        found = read_folder(path, image_size or DEFAULT_SIZE)
        return Dataset(
            images=found.images, labels=found.labels, class_names=found.class_names, names=found.names, source=str(source)
        )
    arrays = read_npz(path)
    names = arrays.class_names or tuple(map(str, range(arrays.labels.max() + 1)))
    images = resize(arrays.images, image_size) if image_size else arrays.images
    return Dataset(images=images, labels=arrays.labels, class_names=names, groups=arrays.groups, source=str(source))


def load_images(source: str | Path, image_size: int) -> ImageSet:
    """Read images whose labels may be missing, resized to ``image_size`` by the rules of ``load_dataset``.

    Args:
        source: as for ``load_dataset``; an .npz may hold ``data`` only, and a folder may hold images directly.
        image_size: the height and width wanted.

    Raises:
        DataError: the source cannot be used; its one line says what came and what is allowed.
    """
    if source == DEMO:
        demo = load_demo(image_size)
        rows = tuple(map(str, range(demo.n_images)))
        return ImageSet(images=demo.images, labels=demo.labels, class_names=demo.class_names, names=rows)
    path = _existing(source)
    if path.is_dir():
        found = read_folder(path, image_size, labels_required=False)
        return ImageSet(images=found.images, labels=found.labels, class_names=found.class_names, names=found.names)
    arrays = read_npz(path, required=("data",))
    rows = tuple(map(str, range(len(arrays.images))))
    return ImageSet(
        images=resize(arrays.images, image_size), labels=arrays.labels, class_names=arrays.class_names, names=rows
    )


def _existing(source: str | Path) -> Path:
    path = Path(source)
    if not path.exists():
        raise DataError(f"{source}: no such file or folder; allowed: demo, an .npz file or a folder of class folders")
    return path
