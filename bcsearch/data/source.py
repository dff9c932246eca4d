"""Reads what the user gave: the demo, arrays, folders, tables or single images."""

from __future__ import annotations

import glob
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bcsearch.config.sweep import Reading
from bcsearch.data.arrays import DARK, resize
from bcsearch.data.dataset import Dataset, hash_pixels
from bcsearch.data.demo import DEMO, DEMO_ELSEWHERE, load_demo
from bcsearch.data.excluded import is_of_check, with_groups, without_rows
from bcsearch.data.groups import chosen_groups
from bcsearch.data.held_out import reading_of_test, with_test
from bcsearch.data.image_set import ImageSet
from bcsearch.data.layouts import layout_of
from bcsearch.data.listing import size_notes
from bcsearch.data.naming import some_of, written
from bcsearch.data.place import look
from bcsearch.errors import DataError
from bcsearch.paths import meant

if TYPE_CHECKING:
    from collections.abc import Sequence

PLAIN = Reading()
FILE_SIZE = 96  # of image files where nobody says another
URLS = ("http:/", "https:/", "s3:/", "gs:/")
UNREAD = {  # suffixes of what people have and nothing here reads
    ".h5": "an HDF5 file", ".hdf5": "an HDF5 file", ".mat": "a MATLAB file",
    ".tfrecord": "TFRecords", ".tfrecords": "TFRecords", ".pkl": "a pickle", ".pickle": "a pickle",
    ".pt": "a PyTorch file", ".pth": "a PyTorch file", ".tar": "an archive", ".gz": "an archive",
    ".tgz": "an archive", ".rar": "an archive", ".7z": "an archive", ".xlsx": "a workbook",
    ".xls": "a workbook", ".json": "a JSON file",
}  # fmt: skip
DRAWN = (DEMO, DEMO_ELSEWHERE)


def load_dataset(
    source: str | Path, image_size: int | None = None, reading: Reading = PLAIN
) -> Dataset:
    """Read a labelled dataset; README says what it may look like.

    Args:
        source: ``demo``, ``demo-elsewhere``, or the path of arrays, a folder or a table.
        image_size: the height and width wanted. None: arrays keep their size, files are resized
            to 96. Images of another size are made squares as ``reading`` says, and resized
            bilinearly with antialiasing.
        reading: what is not plain from the files.

    Raises:
        DataError: the source cannot be used; its one line says what came and what is allowed.
    """
    if source in DRAWN:
        return load_demo(image_size, str(source))
    found = _read(source, reading, image_size or FILE_SIZE)
    if image_size is not None:
        found = _resized(found, image_size, reading)
    return _with_check(_dataset(found, reading), reading)


def load_for_study(source: str | Path, largest: int, reading: Reading = PLAIN) -> Dataset:
    """Read a labelled dataset as squares, no larger than the space's largest ``image_size``.

    Its ``test`` are the images that ``reading`` names, else its own test part.

    Raises:
        DataError: the source cannot be used; its one line says what came and what is allowed.
    """
    if source in DRAWN:
        dataset = load_demo(name=source)
        images = resize(dataset.images, min(dataset.images.shape[1], largest))
        if images is not dataset.images:
            dataset = replace(dataset, images=images)
    else:
        found = _read(source, reading, largest)
        sides = found.images.shape[1:3]
        side = min(*sides, largest) if reading.square == "crop" else min(max(sides), largest)
        dataset = _dataset(_resized(found, side, reading), reading)
    dataset = _with_check(dataset, reading)
    if reading.test is None:
        return with_test(dataset, dataset.test)
    test = load_images(reading.test, dataset.images.shape[1], reading_of_test(reading))
    return with_test(dataset, test, given=True)


def load_images(source: str | Path, image_size: int, reading: Reading = PLAIN) -> ImageSet:
    """Read images to score, as ``load_dataset`` does; of a split only the test part.

    Labels may be missing, and so may classes.

    Raises:
        DataError: the source cannot be used; its one line says what came and what is allowed.
    """
    if source in DRAWN:
        return _drawn(image_size, str(source))
    found = _read(source, reading, image_size)
    if found.parts is not None:
        part = next(name for name in ("test", "val", "train") if name in found.parts)
        left_out = len(found.images) - int((found.parts == part).sum())
        found = found.part(part)
        if left_out:
            line = f"of the split, the {part} part is used, {len(found.images)} images"
            found = replace(found, notes=(*found.notes, line))
    return _squares(found, image_size, reading)


def load_unlabelled(
    sources: Sequence[str | Path], image_size: int, reading: Reading = PLAIN
) -> ImageSet:
    """Read images to predict: every image of files, folders at any depth, arrays and tables.

    A path that does not exist may be a pattern, such as ``new/*.jpg``.

    Raises:
        DataError: a source cannot be used; its one line says what came and what is allowed.
    """
    paths = [path for source in sources for path in _expanded(source)]
    if len(paths) == 1:
        return _unlabelled(paths[0], image_size, reading)
    found = [_unlabelled(path, image_size, reading) for path in paths]
    names = [
        each.source if each.source.endswith(name) else f"{each.source}/{name}"
        for each in found
        for name in each.row_names
    ]
    notes = [note for each in found for note in each.notes if not note.startswith("read as")]
    return ImageSet(
        images=np.concatenate([each.images for each in found]),
        labels=None,
        class_names=None,
        names=tuple(names),
        source=some_of([each.source for each in found]),
        holds=f"{len(names)} images",
        notes=(f"read as {len(names)} images of {len(found)} paths", *dict.fromkeys(notes)),
    )


def _unlabelled(source: str | Path, image_size: int, reading: Reading) -> ImageSet:
    if source in DRAWN:
        return _drawn(image_size, str(source))
    place = look(_path(source))
    if reading.layout is None and place.images:
        reading = reading.model_copy(update={"layout": "images"})
    return _squares(_read(source, reading, image_size), image_size, reading)


def _expanded(source: str | Path) -> list[str | Path]:
    """Return the files that a pattern means; what is no pattern stays."""
    text = str(source)
    if not any(sign in text for sign in "*?[") or os.path.exists(text):
        return [source]
    found = sorted(glob.glob(os.path.expanduser(text), recursive=True))
    if not found:
        raise DataError(f"{written(text)}: no file is called so; give a path or another pattern")
    return list(found)


def _drawn(image_size: int, name: str) -> ImageSet:
    demo = load_demo(image_size, name)
    return ImageSet(
        images=demo.images,
        labels=demo.labels,
        class_names=demo.class_names,
        source=demo.source,
        holds=f"{demo.n_images} drawn images",
    )


def _path(source: str | Path) -> Path:
    """Return the path that is meant. Raises DataError where nothing is there."""
    text = meant(str(source))
    if text.startswith(URLS):
        raise DataError(f"{written(text)}: is a URL; download it and give the path of the file")
    if not os.path.exists(text):
        raise DataError(
            f"{written(str(source))}: no such file or folder; "
            "allowed: demo, arrays (.npz, .npy), a folder, a table of paths (.csv, .tsv, "
            ".parquet), image files"
        )
    return Path(text)


def _read(source: str | Path, reading: Reading, file_size: int) -> ImageSet:
    """Read by the layout that is named or fits; ``file_size`` is that of image files."""
    path = _path(source)
    kind = UNREAD.get(path.suffix.lower())
    if kind is not None and path.is_file():
        raise DataError(
            f"{written(str(path))}: is {kind}, which is not read; save its arrays with "
            "numpy.savez(file, data=images, labels=labels), or its images into class folders"
        )
    place = look(path)
    try:
        found = layout_of(place, reading.layout).read(place, reading, file_size)
    except MemoryError as error:
        raise DataError(f"{written(str(path))}: too large for the memory that is free") from error
    highest = int(found.images.max(initial=0))
    if highest <= DARK:
        line = f"warning: the brightest value of all images is {highest} of 255, nearly black"
        found = replace(found, notes=(*found.notes, f"{line}; scale them to 0 to 255"))
    return found


def _resized(found: ImageSet, size: int, reading: Reading) -> ImageSet:
    """Return images to train on as squares, with the fingerprint of what arrays were before."""
    if found.names is None and found.images.shape[1:3] != (size, size):
        found = replace(found, original=hash_pixels(found.part("train", "val").images))
    return _squares(found, size, reading)


def _with_check(dataset: Dataset, reading: Reading) -> Dataset:
    """Take the groups, and leave out the rows, of files that ``bcsearch data check`` wrote."""
    if reading.groups is not None and is_of_check(Path(reading.groups)):
        dataset = with_groups(dataset, Path(reading.groups))
    if reading.exclude is not None:
        dataset = without_rows(dataset, Path(reading.exclude))
    return dataset


def _squares(found: ImageSet, size: int, reading: Reading) -> ImageSet:
    """Return images as squares of ``size`` pixels."""
    if found.images.shape[1:3] == (size, size):
        return found
    sizes = np.tile(np.array(found.images.shape[1:3]), (len(found.images), 1))
    return replace(
        found,
        images=resize(found.images, size, reading.square),
        sizes=sizes,
        notes=(*found.notes, *size_notes(sizes, reading)),
    )


def _dataset(found: ImageSet, reading: Reading) -> Dataset:
    """Return the labelled images of all parts but the test part, which is held out."""
    labels = found.require_labels()
    names = found.class_names or tuple(map(str, range(labels.max() + 1)))
    found = replace(found, class_names=names, groups=chosen_groups(found, reading))
    learn = found.part("train", "val")
    if not len(learn.images) or (learn.parts is not None and "train" not in learn.parts):
        raise DataError(
            f"{found.source}: {found.notes[0]}; nothing in it is to train on; name the images "
            "with --images-key, or give the folder of the part itself"
        )
    counts = np.bincount(learn.require_labels(), minlength=len(names))
    kept = np.flatnonzero(counts)
    on_disk = found.names_on_disk or names
    test = found.part("test") if found.parts is not None else None
    return Dataset(
        images=learn.images,
        labels=np.searchsorted(kept, learn.require_labels()),
        class_names=tuple(names[number] for number in kept),
        names_on_disk=tuple(on_disk[number] for number in kept),
        groups=learn.groups,
        source=found.source,
        names=learn.names,
        valid=_valid(learn, reading),
        test=test if test is not None and len(test.images) else None,
        sizes=learn.sizes,
        original=found.original,
        notes=(*found.notes, *_notes(found, learn, kept, reading)),
    )


def _valid(learn: ImageSet, reading: Reading) -> np.ndarray | None:
    if learn.parts is None or reading.join_val or "val" not in learn.parts:
        return None
    valid: np.ndarray = learn.parts == "val"
    return valid


def _notes(found: ImageSet, learn: ImageSet, kept: np.ndarray, reading: Reading) -> list[str]:
    """Say what became of the classes, the parts and the groups."""
    notes, names = [], found.class_names or ()
    if len(kept) < len(names):
        empty = [name for number, name in enumerate(names) if number not in kept]
        notes.append(f"classes without images to train on are left out: {some_of(empty)}")
    if learn.parts is not None and "val" in learn.parts:
        n_val = int((learn.parts == "val").sum())
        done = "is the single fold (--join-val trains on it too)"
        if reading.join_val:
            done = "is joined to the training part, and both are divided into folds"
        notes.append(f"the validation part, {n_val} images, {done}")
    elif reading.join_val:
        notes.append("--join-val: the data has no validation part to join")
    if found.groups is not None and found.parts is not None:
        pairs = np.unique(np.stack([found.groups.astype(str), found.parts]), axis=1)
        n_split = int((np.unique(pairs[0], return_counts=True)[1] > 1).sum())
        if n_split:
            notes.append(
                f"warning: {n_split} groups stand in more than one part of the split, which is "
                "taken as it is; --join-val makes folds that split no group"
            )
    return notes
