"""Reads a table, .csv, .tsv or .parquet, and finds what its columns hold."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bcsearch.data.keys import CHOICE, GROUPS, NAMES
from bcsearch.data.naming import some_of, written
from bcsearch.errors import DataError
from bcsearch.paths import read_text

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = {  # what columns are called, by what they hold
    "images": (
        "path", "file", "filename", "file_name", "filepath", "file_path", "image_path",
        "image_name", "name", *NAMES["images"], "image_id", "id",
    ),
    "labels": ("class", "class_name", "category", *NAMES["labels"], "diagnosis", "dx"),
    "groups": GROUPS,
    "parts": ("split", "set", "part", "subset", "partition"),
}  # fmt: skip
MOST_TABLE_BYTES = 2**28
MOST_ROWS = 10**7  # that a small Parquet file may claim
ONE_OR_NOT = {"0": False, "0.0": False, "false": False, "1": True, "1.0": True, "true": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The columns of a table by their names, all as text."""

    path: Path
    columns: dict[str, list[str]]

    @property
    def n_rows(self) -> int:
        """The number of rows below the header."""
        return len(next(iter(self.columns.values()), []))

    def column(self, kind: str, chosen: str | None = None) -> str | None:
        """Return the name of the column that holds images, labels, groups or parts.

        Raises:
            DataError: ``chosen`` is not there, or several columns may be meant.
        """
        where, there = written(str(self.path)), some_of([written(name) for name in self.columns], 9)
        if chosen is not None:
            if chosen not in self.columns:
                raise DataError(f"{where}: has no column {chosen!r}; it has {there}")
            return chosen
        found = [name for name in self.columns if name.strip().lower() in COLUMNS[kind]]
        if len(found) > 1 and kind in ("images", "labels"):
            best = min(COLUMNS[kind].index(name.strip().lower()) for name in found)
            sure = {"images": 8, "labels": 4}[kind]  # the names that mean nothing else
            first = [name for name in found if COLUMNS[kind].index(name.strip().lower()) == best]
            if best < sure and len(first) == 1 and (kind == "images" or self._alike(found)):
                return first[0]
        if len(found) > 1:
            choice = CHOICE if kind in ("images", "labels") else "rename all but one"
            raise DataError(f"{where}: columns {some_of(found)} may all hold the {kind}; {choice}")
        return found[0] if found else None

    def _alike(self, names: list[str]) -> bool:
        """Whether columns divide the rows alike, as a class's name and its number do."""
        rows = list(zip(*(self.columns[name] for name in names), strict=True))
        return all(len({row[i] for row in rows}) == len(set(rows)) for i in range(len(names)))

    def class_columns(self, *others: str | None) -> tuple[str, ...]:
        """Return the columns, but ``others``, that hold 0 and 1 alone, where they are several."""
        found = [
            name
            for name, cells in self.columns.items()
            if name not in others and all(cell.lower() in ONE_OR_NOT for cell in cells)
        ]
        return tuple(found) if len(found) > 1 else ()


def read_table(path: Path) -> Table:
    """Read a .csv, .tsv or .parquet file.

    Raises:
        DataError: it is damaged, has no header, or needs a package that is not installed.
    """
    where = written(str(path))
    if not path.is_file() or path.stat().st_size > MOST_TABLE_BYTES:
        raise DataError(f"{where}: no table, or one of more than 256 MB; give a .csv with a header")
    columns = _parquet(path) if path.suffix.lower() == ".parquet" else _text(path)
    if not columns or not next(iter(columns.values())):
        raise DataError(f"{where}: no rows below a header; needed: columns such as path and label")
    return Table(path=path, columns=columns)


def read_lines(path: Path) -> list[str]:
    """Read a text file in UTF-8 as lines.

    Raises:
        DataError: it is no such file, or of more than 256 MB.
    """
    try:
        return [line.rstrip("\r") for line in read_text(path, MOST_TABLE_BYTES).split("\n")]
    except FileNotFoundError as error:
        raise DataError(f"{written(str(path))}: no such file") from error
    except IsADirectoryError as error:
        raise DataError(f"{written(str(path))}: is a folder; give a file") from error
    except (OSError, ValueError) as error:
        raise DataError(
            f"{written(str(path))}: cannot be read as a table in UTF-8 ({type(error).__name__}); "
            "save it as .csv in UTF-8"
        ) from error


def _text(path: Path) -> dict[str, list[str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        header = text.partition("\n")[0]
        delimiter = max(",;\t", key=header.count)
        rows = [row for row in csv.reader(text.splitlines(), delimiter=delimiter) if any(row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = " ".join(str(error).split())[:120]
        raise DataError(
            f"{written(str(path))}: not a table ({reason}); give a .csv in UTF-8"
        ) from error
    if not rows:
        return {}
    names = rows[0]
    uneven = next((number for number, row in enumerate(rows) if len(row) != len(names)), None)
    if uneven is not None or len(set(names)) < len(names):
        what = "two columns have one name" if uneven is None else f"row {uneven} has other columns"
        raise DataError(f"{written(str(path))}: {what} than the header names; correct it")
    return {name: [row[at].strip() for row in rows[1:]] for at, name in enumerate(names)}


def _parquet(path: Path) -> dict[str, list[str]]:
    where = written(str(path))
    try:
        from pyarrow import ArrowException, parquet, types
    except ImportError as error:
        raise DataError(
            f"{where}: reading Parquet needs pyarrow; pip install 'bcsearch[parquet]', or save the "
            "table as .csv"
        ) from error
    try:
        file = parquet.ParquetFile(path)
        fields = {field.name: field.type for field in file.schema_arrow}
        bare = [name for name, kind in fields.items() if not _holds_more(kind, types)]
        _check_parquet(where, file, fields, bare)
        columns = file.read(columns=bare).to_pydict()
    except (OSError, ArrowException, ValueError, OverflowError) as error:
        reason = " ".join(str(error).split())[:120]
        raise DataError(f"{where}: cannot be read ({reason})") from error
    return {
        name: ["" if value is None else str(value) for value in values]
        for name, values in columns.items()
    }


def _holds_more(kind: Any, types: Any) -> bool:
    """Whether the values of a column are no single texts or numbers."""
    tests = (types.is_nested, types.is_binary, types.is_large_binary, types.is_fixed_size_binary)
    return any(test(kind) for test in tests)


def _check_parquet(where: str, file: Any, fields: dict[str, Any], bare: list[str]) -> None:
    """Refuse a table that is too large, has two columns of one name, or holds images themselves."""
    n_rows = file.metadata.num_rows
    if n_rows > MOST_ROWS:
        raise DataError(f"{where}: has {n_rows} rows; allowed: {MOST_ROWS} at most")
    if len(fields) < len(file.schema_arrow):
        raise DataError(f"{where}: two columns have one name; rename one")
    images = [name for name in fields if name.strip().lower() in COLUMNS["images"]]
    if images and not set(images) & set(bare):
        raise DataError(
            f"{where}: column {some_of(images)} holds {some_of([str(fields[images[0]])])}, and no "
            "paths; save the images as files, and their paths in the table"
        )
