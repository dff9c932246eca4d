"""A look at what lies in a folder, or at a file, before anything is read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bcsearch.data.naming import some_of, written
from bcsearch.data.pictures import SUFFIXES
from bcsearch.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

DEEPEST = 6  # folders within one another that are looked into
TABLES = (".csv", ".tsv", ".parquet")
LABEL_TABLES = ("labels", "label", "metadata")  # what tables beside their images are called


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What the user gave.

    Attributes:
        path: a file or a folder.
        images: image files at any depth below, in the order of their names.
        folders: the sub-folders that are not hidden, in the order of their names.
        tables: files of paths and labels directly in it.
        arrays: whether .npy files lie directly in it.
        passed: how many things were passed over, by what they are.
    """

    path: Path
    images: tuple[Path, ...] = ()
    folders: tuple[str, ...] = ()
    tables: tuple[Path, ...] = ()
    arrays: bool = False
    passed: Counter[str] = field(default_factory=Counter)

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.path.is_dir()

    @property
    def suffix(self) -> str:
        """The suffix of a file, in lower case; nothing for a folder."""
        return "" if self.is_folder else self.path.suffix.lower()

    def depth(self, image: Path) -> int:
        """Return how many folders lie between this one and an image."""
        return len(image.relative_to(self.path).parts) - 1

    @property
    def holding_images(self) -> tuple[str, ...]:
        """The sub-folders that hold images, at any depth."""
        deep = [image for image in self.images if self.depth(image) > 0]
        return tuple(dict.fromkeys(image.relative_to(self.path).parts[0] for image in deep))

    @property
    def passed_over(self) -> tuple[str, ...]:
        """What was passed over, as a line; none where nothing was."""
        if not self.passed:
            return ()
        kinds = [f"{count} {what}" for what, count in sorted(self.passed.items())]
        return (f"passed over: {some_of(kinds, 9)}",)


def look(path: Path) -> Place:
    """Look at a file, or at a folder and all that lies in it.

    Raises:
        DataError: a folder cannot be listed.
    """
    if not path.is_dir():
        return Place(path=path)
    images: list[Path] = []
    passed: Counter[str] = Counter()
    _walk(path, (path.resolve(),), images, passed)
    here = _entries(path)
    visible = [each for each in here if not each.name.startswith(".")]
    return Place(
        path=path,
        images=tuple(images),
        folders=tuple(each.name for each in visible if each.is_dir()),
        tables=tuple(each for each in visible if each.suffix.lower() in TABLES and each.is_file()),
        arrays=any(each.suffix.lower() == ".npy" for each in visible),
        passed=passed,
    )


def _walk(folder: Path, above: tuple[Path, ...], images: list[Path], passed: Counter[str]) -> None:
    """Collect images below a folder; a link that leads to a folder above it is not followed."""
    for entry in _entries(folder):
        if entry.name.startswith("."):
            passed["hidden"] += 1
        elif entry.is_dir():
            real = entry.resolve()
            if real in above or len(above) > DEEPEST:
                passed["folders within themselves or too deep"] += 1
            else:
                _walk(entry, (*above, real), images, passed)
        elif not entry.exists():
            passed["links to nowhere"] += 1
        elif entry.suffix.lower() in SUFFIXES and entry.is_file():
            images.append(entry)
        else:
            kind = written(entry.suffix.lower()) or "without a suffix"
            passed[f"other files ({kind[:12]})"] += 1


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise DataError(
            f"{written(str(folder))}: cannot be read: {error.strerror}; fix its permissions"
        ) from error
