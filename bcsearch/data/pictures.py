"""Reads image files as a viewer shows them, whatever their kind: 8-bit RGB squares of one size.

Photographs are turned as their EXIF says, 16 bits become 8, what is transparent is laid on white,
gray, palette and CMYK become RGB. Training, evaluation and prediction read by this one function.
"""

from __future__ import annotations

import struct
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

from bcsearch.data.arrays import square
from bcsearch.data.naming import some_of, written
from bcsearch.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from bcsearch.config.sweep import Reading, Shape

SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif",
    ".pgm", ".ppm", ".pnm", ".pbm", ".jp2",
)  # fmt: skip
WHITE = (255, 255, 255, 255)  # the ground of what is transparent
SIXTEEN_BITS = ("PNG", "PPM", "JPEG2000")  # formats whose "I" pixels are 0 to 65535 in Pillow
UNREADABLE = (
    OSError, ValueError, SyntaxError, EOFError, IndexError, TypeError, struct.error,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pictures:
    """Image files that were read.

    Attributes:
        images: shape (n, size, size, 3), uint8.
        sizes: shape (n, 2), heights and widths of the files.
        rows: shape (n,), the places of the files among those that were asked for.
        notes: what the user should know of them, in lines.
    """

    images: NDArray[np.uint8]
    sizes: NDArray[np.int64]
    rows: NDArray[np.int64]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Picture:
    """One file: its pixels, or why there are none (``damage``)."""

    pixels: NDArray[np.uint8] | None = None
    height: int = 0
    width: int = 0
    n_pages: int = 1
    damage: str = ""


def read_pictures(files: Sequence[Path], size: int, reading: Reading, where: str) -> Pictures:
    """Read image files, side by side in threads.

    Raises:
        DataError: files cannot be read, all of them named, unless damaged ones are to be skipped.
    """
    images = np.empty((len(files), size, size, 3), np.uint8)
    sizes = np.zeros((len(files), 2), np.int64)
    damaged: list[str] = []
    good: list[int] = []
    n_stacks = 0
    pool = ThreadPoolExecutor()
    read = partial(_read_picture, size=size, shape=reading.square)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's of odd tags, and of large images
        try:
            for row, picture in enumerate(pool.map(read, files)):
                if picture.pixels is None:
                    damaged.append(f"{written(str(files[row]))}: {picture.damage}")
                    continue
                images[row] = picture.pixels
                sizes[row] = picture.height, picture.width
                n_stacks += picture.n_pages > 1
                good.append(row)
        finally:
            pool.shutdown(cancel_futures=True)  # an interrupt ends the reading at once
    rows = np.array(good, np.int64)
    notes = _damage_notes(damaged, len(files), reading, where)
    if n_stacks:
        notes.append(f"{n_stacks} files hold several pages or frames: the first of each is read")
    if damaged:
        images = images[rows]
    return Pictures(images=images, sizes=sizes[rows], rows=rows, notes=tuple(notes))


def _damage_notes(damaged: list[str], n_files: int, reading: Reading, where: str) -> list[str]:
    """Say what is left out. Raises DataError where nothing may be, or nothing would stay."""
    if not damaged:
        return []
    named = "; ".join(line[-120:] for line in damaged[:3])
    if len(damaged) > 3:
        names = [line.partition(": ")[0].rpartition("/")[2] for line in damaged[3:]]
        named += f"; and {some_of(names, 3)}"
    count = f"{len(damaged)} of {n_files} images"
    if reading.skip_damaged and len(damaged) < n_files:
        return [f"{count} cannot be read and are left out: {named}"]
    if n_files == 1:
        raise DataError(f"{damaged[0]}; fix or remove it")
    raise DataError(
        f"{where}: {count} cannot be read: {named}; fix or remove them, or leave them out with "
        "--skip-damaged"
    )


def _read_picture(file: Path, size: int, shape: Shape) -> _Picture:
    """Return one image, (size, size, 3), or why it cannot be read."""
    try:
        with Image.open(file) as image:
            n_pages = getattr(image, "n_frames", 1)
            upright = _as_shown(image)
            return _Picture(
                pixels=np.asarray(square(upright, size, shape)),
                height=upright.height,
                width=upright.width,
                n_pages=n_pages,
            )
    except Image.DecompressionBombError:
        return _Picture(
            damage="too large to be read, more than 178 million pixels; make it smaller"
        )
    except DataError as error:
        return _Picture(damage=str(error))
    except UNREADABLE as error:
        return _Picture(damage=f"not a readable image ({type(error).__name__})")


def _as_shown(image: Image.Image) -> Image.Image:
    """Return an image upright in 8-bit RGB. Raises DataError where nobody knows how it looks."""
    kind = image.format
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I;16") or (upright.mode == "I" and kind in SIXTEEN_BITS):
        values = np.rint(np.asarray(upright).astype(np.float64) / 257)
        return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8)).convert("RGB")
    if upright.mode.startswith(("I", "F")):
        raise DataError(
            f"has {upright.mode} pixels of 32 bits, whose range nobody knows; "
            "save it with 8 or 16 bits a channel"
        )
    if upright.has_transparency_data:
        rgba = upright.convert("RGBA")
        if rgba.getchannel("A").getextrema() != (255, 255):
            upright = Image.alpha_composite(Image.new("RGBA", rgba.size, WHITE), rgba)
    return upright.convert("RGB")
