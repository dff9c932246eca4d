"""Reads images of folders, one class a sub-folder or none. Imports numpy, Pillow, this floor's arrays and the errors.

Files are taken in the order of their names; hidden files and files of other kinds are passed over, and so are images
deeper than the class folders. Every image is turned to RGB, cut to its largest centred square and resized (``arrays``).
"""

from __future__ import annotations

import struct
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

from bcsearch.data.arrays import square
from bcsearch.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT_SIZE = 96
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff")
DEEP_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")  # Pillow would clip these at 255
UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, IndexError, TypeError, struct.error, Image.DecompressionBombError)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FolderImages:
    """Images of a folder; labels and class names are None where it has no class folders."""

    images: np.ndarray
    labels: np.ndarray | None
    class_names: tuple[str, ...] | None
    names: tuple[str, ...]


def read_folder(path: Path, image_size: int, *, labels_required: bool = True) -> FolderImages:
    """Read a folder of class folders, or a flat folder of images where labels are not required.

    Raises:
        DataError: no images, no class folders, a class without images, or an image that cannot be read.
    """
    classes = [place for place in _visible(path) if place.is_dir()]
    if not classes and (flat := _images_in(path)):
        if labels_required:
            raise DataError(
                f"{path}: holds {len(flat)} images but no class folders; put the images of each class in a sub-folder"
            )
        return _read(path, flat, None, image_size)
    found = {place.name: _images_in(place) for place in classes}
    _check_found(path, found)
    files = [file for images in found.values() for file in images]
    return _read(path, files, found, image_size)


def _read(path: Path, files: list[Path], found: dict[str, list[Path]] | None, image_size: int) -> FolderImages:
    with ThreadPoolExecutor() as pool:
        images = np.empty((len(files), image_size, image_size, 3), np.uint8)
        for row, image in enumerate(pool.map(lambda file: _read_image(file, image_size), files)):
            images[row] = image
    counts = [len(images_of_class) for images_of_class in found.values()] if found else []
    return FolderImages(
        images=images,
        labels=np.repeat(np.arange(len(counts)), counts) if found else None,
        class_names=tuple(found) if found else None,
        names=tuple(file.relative_to(path).as_posix() for file in files),
    )


def _read_image(file: Path, size: int) -> np.ndarray:
    """Return one image, shape (size, size, 3), uint8, RGB. Raises DataError naming the file."""
    try:
        with Image.open(file) as image:
            if image.mode in DEEP_MODES:
                raise DataError(f"{file}: has pixels of more than 8 bits (mode {image.mode}); save it with 8 bits a channel")
            return np.asarray(square(ImageOps.exif_transpose(image).convert("RGB"), size))
    except UNREADABLE as error:
        raise DataError(f"{file}: not a readable image ({type(error).__name__}); mend it or take it away") from error


def _visible(path: Path) -> list[Path]:
    """Return what lies in a folder in the order of names, without hidden files."""
    try:
        return sorted((place for place in path.iterdir() if not place.name.startswith(".")), key=lambda place: place.name)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}; mend its permissions") from error


def _images_in(path: Path) -> list[Path]:
    return [file for file in _visible(path) if file.suffix.lower() in SUFFIXES and file.is_file()]


def _check_found(path: Path, found: dict[str, list[Path]]) -> None:
    allowed = ", ".join(suffix[1:] for suffix in SUFFIXES)
    if not any(found.values()):
        raise DataError(f"{path}: no images in it; needed: one sub-folder a class, each with {allowed} files")
    for name, files in found.items():
        if not files:
            raise DataError(f"{path}: class folder {name!r} has no images; put {allowed} files in it or take it away")
