"""The table of layouts: how images and labels may lie on disk, and what reads each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bcsearch.data.folder import is_split, read_classes, read_flat, read_splits
from bcsearch.data.npz import read_npy, read_npz
from bcsearch.data.pictures import SUFFIXES
from bcsearch.data.place import TABLES, Place
from bcsearch.data.rows import is_labelled, read_labelled, read_paths
from bcsearch.errors import DataError, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bcsearch.config.sweep import Reading
    from bcsearch.data.image_set import ImageSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One row: ``fits`` tells whether a place looks like it, ``read`` reads it.

    Files of images are read as squares of the size that ``read`` is given; arrays keep theirs.
    """

    doc: str
    fits: Callable[[Place], bool]
    read: Callable[[Place, Reading, int], ImageSet]


LAYOUTS: Mapping[str, Layout] = {  # the first that fits is taken
    "table": Layout(
        doc="a .csv, .tsv or .parquet of paths and labels, perhaps with groups and splits",
        fits=lambda place: place.suffix in TABLES,
        read=read_paths,
    ),
    "npy": Layout(
        doc="a pair of .npy files, or their folder",
        fits=lambda place: place.suffix == ".npy" or (place.arrays and not place.images),
        read=lambda place, reading, _: read_npy(place.path, reading),
    ),
    "labels": Layout(
        doc="a folder of images with a table of their labels, such as labels.csv",
        fits=is_labelled,
        read=read_labelled,
    ),
    "splits": Layout(
        doc="a folder with train, val and test, each with a folder for every class",
        fits=is_split,
        read=read_splits,
    ),
    "classes": Layout(
        doc="a folder with a folder for every class",
        fits=lambda place: bool(place.folders) or (place.is_folder and not place.images),
        read=read_classes,
    ),
    "images": Layout(
        doc="images without labels: a folder, or one file",
        fits=lambda place: place.is_folder or place.suffix in SUFFIXES,
        read=read_flat,
    ),
    "npz": Layout(
        doc="an .npz of arrays",
        fits=lambda place: not place.is_folder,
        read=lambda place, reading, _: read_npz(place.path, reading),
    ),
}
NEED_FOLDER = ("labels", "splits", "classes")


def layout_of(place: Place, name: str | None) -> Layout:
    """Return the layout called ``name``; without one, the first that fits.

    Raises:
        DataError: there is no such layout, or the place cannot have it.
    """
    if name is None:
        return next(layout for layout in LAYOUTS.values() if layout.fits(place))
    if name not in LAYOUTS:
        raise DataError(f"--layout: {unknown('layout', name, LAYOUTS)}")
    if place.is_folder is not (name in NEED_FOLDER) and name not in ("images", "npy"):
        what = "a folder" if place.is_folder else "a file"
        raise DataError(f"--layout {name}: {place.path} is {what}; {name} is {LAYOUTS[name].doc}")
    return LAYOUTS[name]
