"""Reads the images of a folder that has a sub-folder for every class, or none.

Files are taken in the order of their names; hidden files, files of other kinds and images deeper
than the class folders are passed over. Every image is turned to RGB, cut to its largest centred
square and resized.
"""

from __future__ import annotations

import struct
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

from bcsearch.data.arrays import square
from bcsearch.data.image_set import ImageSet
from bcsearch.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff")
UNREADABLE = (
    OSError, ValueError, SyntaxError, EOFError, IndexError, TypeError, struct.error,
    Image.DecompressionBombError,
)  # fmt: skip


def read_folder(path: Path, image_size: int = 96) -> ImageSet:
    """Read a folder of class folders, or its own images where it has no sub-folders.

    Raises:
        DataError: no images, a class without images, or an image that cannot be read.
    """
    classes = [place for place in _visible(path) if place.is_dir()]
    found = {place.name: _images_in(place) for place in classes or [path]}
    _check_found(path, found)
    files = [file for images in found.values() for file in images]
    labels = names = None
    if classes:
        names = tuple(found)
        labels = np.repeat(np.arange(len(found)), [len(images) for images in found.values()])
    return ImageSet(
        images=_read_images(files, image_size),
        labels=labels,
        class_names=names,
        names=tuple(file.relative_to(path).as_posix() for file in files),
        source=str(path),
        holds=f"{len(files)} images",
    )


def _read_images(files: list[Path], size: int) -> NDArray[np.uint8]:
    images = np.empty((len(files), size, size, 3), np.uint8)
    pool = ThreadPoolExecutor()
    try:
        for row, image in enumerate(pool.map(partial(_read_image, size=size), files)):
            images[row] = image
    finally:
        # the first bad image, or an interrupt, ends the reading at once
        pool.shutdown(cancel_futures=True)
    return images


def _read_image(file: Path, size: int) -> NDArray[np.uint8]:
    """Return one image, shape (size, size, 3), RGB. Raises DataError naming the file."""
    try:
        with Image.open(file) as image:
            if image.mode.startswith(("I", "F")):  # Pillow would clip these at 255
                raise DataError(
                    f"{file}: has {image.mode} pixels of more than 8 bits; "
                    "save it with 8 bits a channel"
                )
            upright = ImageOps.exif_transpose(image)
            return np.asarray(square(upright.convert("RGB"), size))
    except UNREADABLE as error:
        raise DataError(
            f"{file}: not a readable image ({type(error).__name__}); fix or remove it"
        ) from error


def _visible(path: Path) -> list[Path]:
    """Return what lies in a folder in the order of names, without hidden files."""
    try:
        return sorted(place for place in path.iterdir() if not place.name.startswith("."))
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}; fix its permissions") from error


def _images_in(path: Path) -> list[Path]:
    return [file for file in _visible(path) if file.suffix.lower() in SUFFIXES and file.is_file()]


def _check_found(path: Path, found: dict[str, list[Path]]) -> None:
    kinds = ", ".join(suffix[1:] for suffix in SUFFIXES)
    if not any(found.values()):
        raise DataError(
            f"{path}: no images in it; needed: one sub-folder for every class, with {kinds} files"
        )
    for name, files in found.items():
        if not files:
            raise DataError(
                f"{path}: class folder {name!r} has no images; put {kinds} files in it or remove it"
            )
