"""Reads image files as a viewer shows them, whatever their kind: 8-bit RGB squares of one size.

Photographs are turned as their EXIF says, more than 8 bits become 8 by the rule of pixels in
``arrays``, what is transparent is laid on white, gray, palette and CMYK become RGB. Training,
evaluation and prediction read by this one function.
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

from bcsearch.data.arrays import scaled, square, white_of
from bcsearch.data.naming import some_of, written
from bcsearch.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from bcsearch.config.sweep import Reading

SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif",
    ".pgm", ".ppm", ".pnm", ".pbm", ".jp2",
)  # fmt: skip
LONGEST = 60  # characters of a file in a message, from its end
WHITE = (255, 255, 255, 255)  # the ground of what is transparent
GRAY, COLOUR = "16-bit values", "16-bit colours"  # how files keep more than 8 bits
WHITE_OF = {GRAY: 65535.0, COLOUR: 65535.0, "32-bit integers": None, "floats": None}
NEARLY_BLACK = 16  # the brightest of 255 where 12 bits are taken for 16
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
    """One file: its pixels, or why there are none (``damage``).

    ``depth`` says how it keeps more than 8 bits, ``white`` which of its values is white.
    """

    pixels: NDArray[np.uint8] | None = None
    depth: str = ""
    white: float = 255.0
    height: int = 0
    width: int = 0
    n_pages: int = 1
    damage: str = ""


def read_pictures(
    files: Sequence[Path], names: Sequence[str], size: int, reading: Reading, where: str
) -> Pictures:
    """Read image files, called ``names`` in messages, side by side in threads.

    Raises:
        DataError: files cannot be read, all of them named, unless damaged ones are to be skipped.
    """
    images = np.empty((len(files), size, size, 3), np.uint8)
    sizes = np.zeros((len(files), 2), np.int64)
    damaged: list[str] = []
    good: list[int] = []
    n_stacks = 0
    deep: list[_Picture] = []
    pool = ThreadPoolExecutor()
    read = partial(_read_picture, size=size, reading=reading)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's of odd tags, and of large images
        try:
            for row, picture in enumerate(pool.map(read, files)):
                if picture.pixels is None:
                    damaged.append(f"{written(names[row])[-LONGEST:]}: {picture.damage}")
                    continue
                images[row] = picture.pixels
                sizes[row] = picture.height, picture.width
                n_stacks += picture.n_pages > 1
                if picture.depth:
                    deep.append(picture)
                good.append(row)
        finally:
            pool.shutdown(cancel_futures=True)  # an interrupt ends the reading at once
    rows = np.array(good, np.int64)
    notes = _damage_notes(damaged, len(files), reading, where)
    notes += _depth_notes(deep, reading, where)
    if n_stacks:
        notes.append(f"{n_stacks} files hold several pages or frames: the first of each is read")
    if damaged:
        images = images[rows]
    return Pictures(images=images, sizes=sizes[rows], rows=rows, notes=tuple(notes))


def read_whole(file: Path) -> NDArray[np.uint8]:
    """Read one image file in its own size, (height, width, 3).

    Raises:
        DataError: it cannot be read.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(file) as image:
                if _depth_of(image):
                    raise DataError(f"{written(str(file))}: has more than 8 bits; save it with 8")
                return np.asarray(_in_colour(ImageOps.exif_transpose(image)))
    except (Image.DecompressionBombError, *UNREADABLE) as error:
        raise DataError(
            f"{written(str(file))}: not a readable image ({type(error).__name__}); fix or remove it"
        ) from error


def _damage_notes(damaged: list[str], n_files: int, reading: Reading, where: str) -> list[str]:
    """Say what is left out. Raises DataError where nothing may be, or nothing would stay."""
    if not damaged:
        return []
    named = damaged[0]
    if len(damaged) > 1:
        names = [line.partition(": ")[0] for line in damaged[1:]]
        named += f"; and {some_of(names)}"
    count = f"{len(damaged)} of {n_files} images"
    if reading.skip_damaged and len(damaged) < n_files:
        return [f"{count} cannot be read and are left out: {named}"]
    if n_files == 1:
        raise DataError(f"{where}: {damaged[0]}; fix or remove it")
    raise DataError(
        f"{where}: {count} cannot be read: {named}; fix or remove them, or leave them out with "
        "--skip-damaged"
    )


def _depth_notes(deep: list[_Picture], reading: Reading, where: str) -> list[str]:
    """Say which value is white in images of more than 8 bits.

    Raises:
        DataError: they do not agree, or are nearly black, as if another value were white.
    """
    notes = []
    for depth in WHITE_OF:
        found = [picture for picture in deep if picture.depth == depth]
        if not found:
            continue
        whites = sorted({picture.white for picture in found})
        count = f"{len(found)} images hold {depth}"
        if len(whites) > 1:
            raise DataError(
                f"{where}: {count}, of which some reach 1 and some {whites[1]:g}; say which value "
                "is white with --white"
            )
        brightest = max(
            int(picture.pixels.max()) for picture in found if picture.pixels is not None
        )
        if whites == [65535.0] != [reading.white] and brightest <= NEARLY_BLACK:
            remedy = "say which value is white with --white 4095"
            if depth == COLOUR:
                remedy = "scale them to 0 to 65535, or save them with 8 bits"
            raise DataError(
                f"{where}: {count}, all nearly black where 65535 is white, as cameras of 12 bits "
                f"write them; {remedy}"
            )
        notes.append(f"{count}, of which {whites[0]:g} is white")
    return notes


def _read_picture(file: Path, size: int, reading: Reading) -> _Picture:
    """Return one image, (size, size, 3), or why it cannot be read."""
    try:
        with Image.open(file) as image:
            n_pages, depth = getattr(image, "n_frames", 1), _depth_of(image)
            upright = ImageOps.exif_transpose(image)
            white = WHITE_OF.get(depth)
            if depth in WHITE_OF and depth != COLOUR:
                values = np.asarray(upright)
                white = white_of(values, "it", reading.white or white)
                upright = Image.fromarray(scaled(values, white))
            return _Picture(
                pixels=np.asarray(square(_in_colour(upright), size, reading.square)),
                depth=depth,
                white=white or 255.0,
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


def _depth_of(image: Image.Image) -> str:
    """Return how a file keeps more than 8 bits; nothing where it does not."""
    if image.mode.startswith("F"):
        return "floats"
    if image.mode.startswith("I"):
        return GRAY if ";" in image.mode or image.format in SIXTEEN_BITS else "32-bit integers"
    return COLOUR if ";16" in str(getattr(image, "tile", "")) else ""


def _in_colour(image: Image.Image) -> Image.Image:
    """Return an image in 8-bit RGB, on white where it is transparent."""
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        if rgba.getchannel("A").getextrema() != (255, 255):
            image = Image.alpha_composite(Image.new("RGBA", rgba.size, WHITE), rgba)
    return image.convert("RGB")
