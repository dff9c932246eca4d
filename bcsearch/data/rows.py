"""Lists the images of a table of paths and labels, perhaps with groups and parts of a split."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bcsearch.data.folder import is_split
from bcsearch.data.keys import PARTS, part_of
from bcsearch.data.listing import Listing, counted, read_listing
from bcsearch.data.naming import in_order, normalised, some_of, written
from bcsearch.data.place import LABEL_TABLES, look
from bcsearch.data.table import ONE_OR_NOT, read_table
from bcsearch.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bcsearch.config.sweep import Reading
    from bcsearch.data.image_set import ImageSet
    from bcsearch.data.place import Place
    from bcsearch.data.table import Table


def label_table(place: Place) -> Path | None:
    """Return the table of labels directly in a folder: the only one, or that of a known name."""
    named = [each for each in place.tables if each.stem.lower() in LABEL_TABLES]
    chosen = named or list(place.tables)
    return chosen[0] if len(chosen) == 1 else None


def is_labelled(place: Place) -> bool:
    """Whether images lie beside a table of their labels, and not in class folders."""
    if label_table(place) is None:
        return False
    if is_split(place):
        return not any(place.depth(image) > 1 for image in place.images)
    return len(place.holding_images) < 2


def read_labelled(place: Place, reading: Reading, size: int) -> ImageSet:
    """Read a folder of images with a table of their labels, such as ``labels.csv``, in it.

    Raises:
        DataError: there is no table or more than one, or it or an image cannot be read.
    """
    table = label_table(place)
    if table is None:
        shown = some_of([written(each.name) for each in place.tables]) or "none"
        raise DataError(
            f"{written(str(place.path))}: one table of labels is needed, such as labels.csv; "
            f"there is {shown}; give the table itself with --data"
        )
    return read_rows(table, place, reading, size)


def read_paths(place: Place, reading: Reading, size: int) -> ImageSet:
    """Read the images that a table names; paths are from the folder that the table lies in.

    Raises:
        DataError: the table or an image cannot be read.
    """
    return read_rows(place.path, look(place.path.parent), reading, size)


def read_rows(path: Path, beside: Place, reading: Reading, size: int) -> ImageSet:
    """Read the images of a table, which lie in the folder ``beside`` or below.

    Raises:
        DataError: the table names no images, no labels, or files that are not there.
    """
    table = read_table(path)
    where = written(str(path))
    images = table.column("images", reading.images_key)
    if images is None:
        raise DataError(
            f"{where}: no column of paths among {some_of(list(table.columns), 9)}; name one path, "
            "or say which with --images-key"
        )
    labels = table.column("labels", reading.labels_key)
    groups, parts = table.column("groups"), table.column("parts")
    found = _files(table, images, beside, reading)
    rows = found.rows
    taken = {"images": images, "labels": labels, "groups": groups, "split": parts}
    known = _classes(table, taken, rows)
    said = [f"{what} {written(name)}" for what, name in taken.items() if name is not None]
    count = f"{len(rows)} images"
    notes = [f"read as a table, {written(path.name)}: {', '.join(said + known.said)}; {count}"]
    notes += found.notes
    if known.of_rows is not None:
        notes.append(f"classes: {counted(known.of_rows)}")
    listing = Listing(
        files=[found.files[row] for row in rows],
        names=[table.columns[images][row] for row in rows],
        classes=known.of_rows,
        class_names=known.names,
        groups=_cells(table, groups, rows),
        parts=_parts(_cells(table, parts, rows), where),
        notes=tuple(notes),
    )
    return read_listing(listing, path, size, reading)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Classes:
    """The class of each row and all classes in their order, or nothing; ``said`` tells how."""

    of_rows: list[str] | None = None
    names: tuple[str, ...] | None = None
    said: list[str] = field(default_factory=list)


def _classes(table: Table, taken: Mapping[str, str | None], rows: Sequence[int]) -> _Classes:
    """Return classes from a column of labels, else from several columns of 0 and 1.

    ``taken`` holds columns by what they are.
    """
    where, labels = written(str(table.path)), taken["labels"]
    if labels is not None:
        found = [normalised(table.columns[labels][row]) for row in rows]
        if not all(found):
            raise DataError(f"{where}: column {labels} is empty in some rows; fill or remove them")
        return _Classes(of_rows=found, names=in_order(found))
    columns = table.class_columns(*taken.values())
    if not columns:
        return _Classes()
    shown = some_of([written(name) for name in columns], 9)
    held = [
        [name for name in columns if ONE_OR_NOT[table.columns[name][row].lower()]] for row in rows
    ]
    names = _cells(table, taken["images"], rows) or []
    odd = [name for name, each in zip(names, held, strict=True) if len(each) != 1]
    if odd:
        raise DataError(
            f"{where}: {len(odd)} images have no 1, or more than one, in the columns of classes "
            f"({shown}): {some_of(odd)}; keep one in each row, or name a column of labels with "
            "--labels-key"
        )
    return _Classes(
        of_rows=[normalised(each[0]) for each in held],
        names=tuple(map(normalised, columns)),
        said=[f"a column of 0 and 1 for each class ({shown})"],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Files:
    """The file of each row that has one, those rows, and what to say of the others."""

    files: dict[int, Path]
    rows: list[int]
    notes: tuple[str, ...]


def _files(table: Table, images: str, beside: Place, reading: Reading) -> _Files:
    """Find the files of a table: as they are named, else by their name or stem anywhere below."""
    by_name = _by_name(beside)
    files: dict[int, Path] = {}
    missing: list[str] = []
    for row, name in enumerate(table.columns[images]):
        file = table.path.parent / name
        if "\\" in name and not _is_file(file):  # a path of Windows
            file = table.path.parent / name.replace("\\", "/")
        alike = by_name.get(normalised(name), [])
        if name and _is_file(file):
            files[row] = file
        elif len(alike) == 1:
            files[row] = alike[0]
        else:
            missing.append(written(name) or "(nothing)")
    where, count = written(str(table.path)), f"{len(missing)} of {table.n_rows} images"
    if missing and not (reading.skip_damaged and files):
        raise DataError(
            f"{where}: {count} are not there: {some_of(missing)}; paths count from the table's "
            "folder; correct them, or leave them out with --skip-damaged"
        )
    if len(set(files.values())) < len(files):
        raise DataError(f"{where}: names an image in more than one row; keep one row an image")
    notes = [f"left out: {count} that are not there ({some_of(missing)})"] if missing else []
    n_more = len(set(beside.images) - set(files.values()))
    if n_more:
        notes.append(f"left out: {n_more} images beside it that the table does not name")
    return _Files(files=files, rows=list(files), notes=tuple(notes))


def _by_name(place: Place) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for image in place.images:
        for name in {normalised(image.name), normalised(image.stem)}:
            found.setdefault(name, []).append(image)
    return found


def _is_file(file: Path) -> bool:
    try:
        return file.is_file()
    except (OSError, ValueError):  # a name too long, or with a null byte
        return False


def _cells(table: Table, column: str | None, rows: Sequence[int]) -> list[str] | None:
    if column is None:
        return None
    return [table.columns[column][row] for row in rows]


def _parts(values: list[str] | None, where: str) -> list[str] | None:
    if values is None:
        return None
    strange = sorted({value for value in values if part_of(value) is None})
    if strange:
        raise DataError(
            f"{where}: its column of splits holds {some_of(strange)}; allowed: {', '.join(PARTS)}"
        )
    return [part_of(value) or "train" for value in values]
