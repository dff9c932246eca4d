"""Reads the images of a folder, one class a sub-folder or none. Imports numpy, Pillow, this floor and the errors.

Files are taken in the order of their names; hidden files, files of other kinds and images deeper than the class
folders are passed over. Every image is turned to RGB, cut to its largest centred square and resized (``arrays``).
"""

from __future__ import annotations

import struct
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

from bcsearch.data.arrays import square
from bcsearch.data.image_set import ImageSet
from bcsearch.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

DEFAULT_SIZE = 96
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff")
KINDS = ", ".join(suffix[1:] for suffix in SUFFIXES)
DEEP_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")  # Pillow would clip these at 255
UNREADABLE = (
    OSError, ValueError, SyntaxError, EOFError, IndexError, TypeError, struct.error, Image.DecompressionBombError
)  # fmt: skip


def read_folder(path: Path, image_size: int = DEFAULT_SIZE) -> ImageSet:
    """Read a folder of class folders, or the images that lie in it directly where it has no sub-folders.

    Raises:
        DataError: no images, a class without images, or an image that cannot be read.
    """
    classes = [place for place in _visible(path) if place.is_dir()]
    found = {place.name: _images_in(place) for place in classes or [path]}
    _check_found(path, found)
    files = [file for images in found.values() for file in images]
    counts = [len(images) for images in found.values()]
    return ImageSet(
        images=_read_images(files, image_size),
        labels=np.repeat(np.arange(len(counts), dtype=np.int64), counts) if classes else None,
        class_names=tuple(found) if classes else None,
        names=tuple(file.relative_to(path).as_posix() for file in files),
        source=str(path),
        holds=f"{len(files)} images",
    )


def _read_images(files: list[Path], size: int) -> NDArray[np.uint8]:
    images = np.empty((len(files), size, size, 3), np.uint8)
    pool = ThreadPoolExecutor()
    try:
        for row, image in enumerate(pool.map(lambda file: _read_image(file, size), files)):
            images[row] = image
    finally:
        pool.shutdown(
            cancel_futures=True
        )  # the first bad image, or an interrupt, ends the reading at once
    return images


def _read_image(file: Path, size: int) -> NDArray[np.uint8]:
    """Return one image, shape (size, size, 3), RGB. Raises DataError naming the file."""
    try:
        with Image.open(file) as image:
            if image.mode in DEEP_MODES:
                raise DataError(
                    f"{file}: has {image.mode} pixels of more than 8 bits; save it with 8 bits a channel"
                )
            return np.asarray(square(ImageOps.exif_transpose(image).convert("RGB"), size))
    except UNREADABLE as error:
        raise DataError(
            f"{file}: not a readable image ({type(error).__name__}); mend it or take it away"
        ) from error


def _visible(path: Path) -> list[Path]:
    """Return what lies in a folder in the order of names, without hidden files."""
    try:
        return sorted(place for place in path.iterdir() if not place.name.startswith("."))
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read: {error.strerror}; mend its permissions"
        ) from error


def _images_in(path: Path) -> list[Path]:
    return [file for file in _visible(path) if file.suffix.lower() in SUFFIXES and file.is_file()]


def _check_found(path: Path, found: dict[str, list[Path]]) -> None:
    if not any(found.values()):
        raise DataError(
            f"{path}: no images in it; needed: one sub-folder for every class, with {KINDS} files"
        )
    for name, files in found.items():
        if not files:
            raise DataError(
                f"{path}: class folder {name!r} has no images; put {KINDS} files in it or take it away"
            )
