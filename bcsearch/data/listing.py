"""Image files with what is known of each: class, group, part of a split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.data.arrays import left_out
from bcsearch.data.image_set import ImageSet
from bcsearch.data.naming import normalised, numbered, some_of, written
from bcsearch.data.pictures import read_pictures
from bcsearch.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bcsearch.config.sweep import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Files to read, and for each what is said of it.

    Attributes:
        files: the images.
        names: what they are called in messages and predictions.
        classes: the class of each, as it is written. None: not known.
        class_names: all classes in their order; those without images are among them.
        groups: the group of each. None: no groups.
        parts: train, val or test for each. None: no split.
        notes: what was taken for what, and what was left out, in lines.
    """

    files: Sequence[Path]
    names: Sequence[str]
    classes: Sequence[str] | None = None
    class_names: tuple[str, ...] | None = None
    groups: Sequence[str] | None = None
    parts: Sequence[str] | None = None
    notes: tuple[str, ...] = ()


def read_listing(listing: Listing, source: Path, size: int, reading: Reading) -> ImageSet:
    """Read the files of a listing.

    Raises:
        DataError: files cannot be read, or two classes have one name.
    """
    where = written(str(source))
    pictures = read_pictures(listing.files, listing.names, size, reading, where)
    rows = pictures.rows
    labels = names = on_disk = None
    if listing.classes is not None:
        known = listing.class_names or ()
        labels = numbered(listing.classes, known)[rows]
        names = tuple(normalised(name) for name in known)
        on_disk = tuple(written(name) for name in known)
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise DataError(f"{where}: two classes are called {twice[0]!r}; join their folders")
    return ImageSet(
        images=pictures.images,
        labels=labels,
        class_names=names,
        names_on_disk=on_disk,
        groups=_chosen(listing.groups, rows),
        parts=_chosen(listing.parts, rows),
        names=tuple(written(listing.names[row]) for row in rows),
        sizes=pictures.sizes,
        source=where,
        holds=f"{len(rows)} images",
        notes=(*listing.notes, *pictures.notes, *size_notes(pictures.sizes, reading)),
    )


def size_notes(sizes: np.ndarray, reading: Reading) -> tuple[str, ...]:
    """Say how images (heights and widths, shape (n, 2)) become squares, where they are none."""
    if (sizes[:, 0] == sizes[:, 1]).all():
        return ()
    side = sizes[:, 0] * sizes[:, 1]
    small, large = (f"{row[0]}x{row[1]}" for row in (sizes[side.argmin()], sizes[side.argmax()]))
    range_ = small if small == large else f"{small} to {large}"
    share = left_out(sizes)
    lost = f"{share:.0%}" if share >= 0.01 else "less than 1%"
    done = {
        "crop": f"cut to its centred square, which leaves out {lost} of the pixels "
        "(a study with --square pad or squash keeps them)",
        "pad": "filled up with black to a square",
        "squash": "squeezed to a square, whatever its proportions",
    }
    return (f"sizes {range_} (height x width): each image is {done[reading.square]}",)


def _chosen(values: Sequence[str] | None, rows: np.ndarray) -> np.ndarray | None:
    if values is None:
        return None
    chosen: np.ndarray = np.array(values)[rows]
    return chosen


def counted(values: Sequence[str]) -> str:
    """Return how many there are of each value, in the order in which they come first."""
    counts = dict.fromkeys(values, 0)
    for value in values:
        counts[value] += 1
    return some_of([f"{name} {count}" for name, count in counts.items()], 8)
